"""Where a drop of water ends that falls on a hill, given the heights of a grid."""

from __future__ import annotations

Cell = tuple[int, int]


def neighbours(heights: list[list[int]], cell: Cell) -> list[Cell]:
    row, column = cell
    around = [(row - 1, column), (row, column + 1), (row + 1, column), (row, column - 1)]
    return [(r, c) for r, c in around if 0 <= r < len(heights) and 0 <= c < len(heights[0])]


def path(heights: list[list[int]], start: Cell) -> list[Cell]:
    """The cells the drop runs over: always to the lowest neighbour, until none is lower."""

    def height(cell: Cell) -> int:
        return heights[cell[0]][cell[1]]

    cells = [start]
    while True:
        lowest = min(neighbours(heights, cells[-1]), key=height, default=start)
        if height(lowest) >= height(cells[-1]):
            return cells
        cells.append(lowest)


def pools(heights: list[list[int]]) -> dict[Cell, int]:
    """How many cells drain into each pool."""
    sizes: dict[Cell, int] = {}
    for row in range(len(heights)):
        for column in range(len(heights[0])):
            end = path(heights, (row, column))[-1]
            sizes[end] = sizes.get(end, 0) + 1
    return sizes
