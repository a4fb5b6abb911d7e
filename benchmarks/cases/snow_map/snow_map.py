"""Smooth a map of snow depths, and find where most of the snow lies."""

from __future__ import annotations

Grid = list[list[float]]


def around(grid: Grid, row: int, column: int) -> list[float]:
    """The depths of a field and its neighbours, up to eight."""
    rows = range(max(row - 1, 0), min(row + 2, len(grid)))
    columns = range(max(column - 1, 0), min(column + 2, len(grid[row])))
    return [grid[r][c] for r in rows for c in columns]


def smooth(grid: Grid) -> Grid:
    """Each field becomes the mean of what is around it."""
    result: Grid = []
    for row in range(len(grid)):
        line = []
        for column in range(len(grid[row])):
            depths = around(grid, row, column)
            line.append(sum(depths) / len(depths))
        result.append(line)
    return result


def deepest(grid: Grid) -> tuple[int, int]:
    """Row and column; of several, the first."""
    fields = [(row, column) for row in range(len(grid)) for column in range(len(grid[row]))]
    return max(fields, key=lambda field: grid[field[0]][field[1]])
