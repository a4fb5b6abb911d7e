"""Opening hours by weekday, with closed days."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from .slots import Slot

Hours = tuple[time, time]

OFFICE_HOURS: Mapping[int, Hours] = {day: (time(8), time(18)) for day in range(5)}


@dataclass(frozen=True)
class OpeningHours:
    """When the house is open: hours by weekday (Monday is 0), less the closed dates."""

    by_weekday: Mapping[int, Hours] = field(default_factory=lambda: dict(OFFICE_HOURS))
    closed: Set[date] = field(default_factory=frozenset)

    def on(self, day: date) -> Slot | None:
        """The opening slot of a day, or None when the house is closed all day."""
        if day in self.closed:
            return None
        hours = self.by_weekday.get(day.weekday())
        if hours is None:
            return None
        opens, closes = hours
        return Slot(datetime.combine(day, opens), datetime.combine(day, closes))

    def allows(self, slot: Slot) -> bool:
        """Whether the house is open for the whole slot."""
        opening = self.on(slot.start.date())
        return opening is not None and opening.contains(slot)

    def next_opening(self, moment: datetime, within_days: int = 14) -> datetime | None:
        """The first moment from `moment` on at which the house is open, or None within that many days."""
        for offset in range(within_days + 1):
            opening = self.on(moment.date() + timedelta(days=offset))
            if opening is not None and moment < opening.end:
                return max(moment, opening.start)
        return None
