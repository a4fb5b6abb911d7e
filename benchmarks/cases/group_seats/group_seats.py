"""Seat groups of guests in the rows of a small theatre; a group sits together or not at all."""

from __future__ import annotations


def seat(groups: dict[str, int], rows: list[int]) -> dict[str, int]:
    """The row of each group, by size with the largest first; a group without room is left out."""
    free = list(rows)
    placed: dict[str, int] = {}
    for name, size in sorted(groups.items(), key=lambda group: (-group[1], group[0])):
        fitting = [row for row, seats in enumerate(free) if seats >= size]
        if not fitting:
            continue
        row = min(fitting, key=lambda row: (free[row], row))
        free[row] -= size
        placed[name] = row
    return placed


def turned_away(groups: dict[str, int], rows: list[int]) -> list[str]:
    placed = seat(groups, rows)
    return sorted(name for name in groups if name not in placed)
