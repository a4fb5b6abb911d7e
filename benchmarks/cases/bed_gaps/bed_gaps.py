"""When a garden bed lies idle between crops."""

from __future__ import annotations

from datetime import date, timedelta

ONE_DAY = timedelta(days=1)


def gaps(crops: list[tuple[date, date]], season: tuple[date, date]) -> list[tuple[date, date]]:
    """The first and last idle day of every stretch of the season without a crop (both ends included)."""
    first, last = season
    idle: list[tuple[date, date]] = []
    free_from = first
    for sown, harvested in sorted(crops):
        if sown > free_from:
            idle.append((free_from, sown - ONE_DAY))
        free_from = max(free_from, harvested + ONE_DAY)
    if free_from <= last:
        idle.append((free_from, last))
    return idle


def fits(days: int, crops: list[tuple[date, date]], season: tuple[date, date]) -> date | None:
    """The first day from which `days` idle days follow each other."""
    for start, end in gaps(crops, season):
        if (end - start).days + 1 >= days:
            return start
    return None
