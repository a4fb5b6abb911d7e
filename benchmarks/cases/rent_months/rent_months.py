"""The months of a tenancy, and what was paid for each."""

from __future__ import annotations

Month = tuple[int, int]


def months(first: Month, last: Month) -> list[Month]:
    """Year and month from the first to the last, both included."""
    year, month = first
    found: list[Month] = []
    while (year, month) <= last:
        found.append((year, month))
        month += 1
        if month > 12:
            month = 1
            year += 1
    return found


def open_months(first: Month, last: Month, paid: dict[Month, int], rent: int) -> dict[Month, int]:
    """What is still owed, by month; what was paid too much in one month does not count for another."""
    owed: dict[Month, int] = {}
    for month in months(first, last):
        missing = rent - paid.get(month, 0)
        if missing > 0:
            owed[month] = missing
    return owed
