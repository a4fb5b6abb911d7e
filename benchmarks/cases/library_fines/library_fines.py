"""Fines of a library: so much per started week a book is late, after some days of grace."""

from __future__ import annotations

from datetime import date, datetime, timedelta

GRACE = timedelta(days=3)


def days_late(due: date, returned: datetime) -> int:
    """Days after the due date; before noon, a book still counts for the day before."""
    day = returned.date() if returned.hour >= 12 else returned.date() - timedelta(days=1)
    return max((day - due).days, 0)


def fine(due: date, returned: datetime, per_week: int = 50) -> int:
    """Cents; nothing within the days of grace, afterwards these count too."""
    late = days_late(due, returned)
    if late <= GRACE.days:
        return 0
    return (late + 6) // 7 * per_week


def reminder(due: date, today: date) -> str | None:
    """What to write to the reader today, if anything."""
    late = (today - due).days
    if late == 1:
        return f"Your book was due on {due:%d.%m.}"
    if late > 1 and late % 7 == 0:
        return f"Your book is {late // 7} week(s) late"
    return None
