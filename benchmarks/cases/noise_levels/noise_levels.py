"""Summarise what a sound meter heard near a road."""

from __future__ import annotations


def exceeded(levels: list[float], percent: float) -> float:
    """The level exceeded in so many per cent of the readings (L10 is that of the loudest tenth)."""
    if not levels:
        raise ValueError("no readings")
    ranked = sorted(levels, reverse=True)
    return ranked[min(int(len(ranked) * percent / 100), len(ranked) - 1)]


def unrest(levels: list[float]) -> float:
    """How much the loud moments stand out from the quiet ones."""
    return exceeded(levels, 10) - exceeded(levels, 90)


def loud_hours(by_hour: dict[int, list[float]], limit: float) -> list[int]:
    """Hours whose median is above the limit."""
    return [hour for hour, levels in sorted(by_hour.items()) if exceeded(levels, 50) > limit]
