"""Heat waves in a list of daily highs: at least some hot days on end."""

from __future__ import annotations


def waves(highs: list[float], hot: float = 30.0, days: int = 3) -> list[tuple[int, int]]:
    """First day and length of each wave."""
    found: list[tuple[int, int]] = []
    length = 0
    for day, high in enumerate([*highs, float("-inf")]):
        if high >= hot:
            length += 1
            continue
        if length >= days:
            found.append((day - length, length))
        length = 0
    return found


def longest(highs: list[float]) -> int:
    return max((length for _, length in waves(highs)), default=0)


def degree_days(highs: list[float], hot: float = 30.0) -> float:
    """By how much the days of heat waves were too hot, together."""
    return sum(sum(highs[first : first + length]) - hot * length for first, length in waves(highs, hot))
