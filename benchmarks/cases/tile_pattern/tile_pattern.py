"""Lay out a floor of tiles from a small pattern that is turned from field to field."""

from __future__ import annotations

Pattern = list[str]


def turned(pattern: Pattern) -> Pattern:
    """A quarter turn clockwise."""
    rows, columns = len(pattern), len(pattern[0])
    return ["".join(pattern[rows - 1 - row][column] for row in range(rows)) for column in range(columns)]


def beside(left: Pattern, right: Pattern) -> Pattern:
    return [one + other for one, other in zip(left, right, strict=True)]


def floor(pattern: Pattern, fields: int) -> Pattern:
    """A strip of fields, each the one before it turned a quarter."""
    result = pattern
    for _ in range(fields - 1):
        pattern = turned(pattern)
        result = beside(result, pattern)
    return result


def blacks(pattern: Pattern) -> int:
    return sum(row.count("#") for row in pattern)
