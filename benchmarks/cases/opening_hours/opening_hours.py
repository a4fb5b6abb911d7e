"""Is a shop open? Its hours may go past midnight, and it may be closed for lunch."""

from __future__ import annotations

from dataclasses import dataclass

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Hours:
    """Minutes from midnight; `closes` below `opens` means that it closes on the day after."""

    opens: int
    closes: int

    def covers(self, minute: int) -> bool:
        """Whether it is open on the day itself."""
        if self.closes > self.opens:
            return self.opens <= minute < self.closes
        return minute >= self.opens

    def covers_next_day(self, minute: int) -> bool:
        return self.closes <= self.opens and minute < self.closes


def is_open(week: dict[str, list[Hours]], day: str, minute: int) -> bool:
    before = DAYS[DAYS.index(day) - 1]
    today = any(hours.covers(minute) for hours in week.get(day, []))
    return today or any(hours.covers_next_day(minute) for hours in week.get(before, []))
