"""What a car park charges: by the started half hour, with a most per day."""

from __future__ import annotations

HALF_HOUR = 30
DAY = 24 * 60
FREE_MINUTES = 10


def started(minutes: int, unit: int) -> int:
    """How many units were begun."""
    return -(-minutes // unit)


def fee(minutes: int, per_half_hour: int = 120, most_per_day: int = 1500) -> int:
    """Cents for a stay; the first minutes are free, but only for those who leave within them."""
    if minutes <= FREE_MINUTES:
        return 0
    days, rest = divmod(minutes, DAY)
    last_day = min(started(rest, HALF_HOUR) * per_half_hour, most_per_day)
    return days * most_per_day + last_day


def receipt(minutes: int) -> str:
    cents = fee(minutes)
    return f"{minutes // 60} h {minutes % 60:02} min: {cents // 100}.{cents % 100:02}"
