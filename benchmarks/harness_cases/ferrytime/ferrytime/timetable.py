"""Sailings, and which of them leave a harbour on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from .days import Running
from .harbours import Harbours


@dataclass(frozen=True)
class Sailing:
    """A ferry from one harbour to another. `minutes` at sea may take it past midnight."""

    line: str
    origin: str
    destination: str
    departs: time
    minutes: int
    running: Running

    def departure(self, day: date) -> datetime:
        """The moment it leaves on that day."""
        return datetime.combine(day, self.departs)

    def arrival(self, day: date) -> datetime:
        """The moment it arrives when it leaves on that day."""
        return self.departure(day) + timedelta(minutes=self.minutes)


class Timetable:
    """All sailings between known harbours."""

    def __init__(self, harbours: Harbours, sailings: Iterable[Sailing]) -> None:
        self.harbours = harbours
        self._from: dict[str, list[Sailing]] = {harbour.code: [] for harbour in harbours}
        for sailing in sailings:
            for code in (sailing.origin, sailing.destination):
                if code not in harbours:
                    raise ValueError(f"line {sailing.line} calls at {code}, which is unknown")
            self._from[sailing.origin].append(sailing)
        for leaving in self._from.values():
            leaving.sort(key=lambda sailing: (sailing.departs, sailing.line))

    def leaving(self, code: str, after: datetime, until: datetime) -> list[tuple[datetime, Sailing]]:
        """Sailings that leave a harbour from `after` to `until`, both included, in order of departure."""
        found = []
        day = after.date()
        while day <= until.date():
            for sailing in self._from[code]:
                if sailing.running.on(day) and after <= sailing.departure(day) <= until:
                    found.append((sailing.departure(day), sailing))
            day += timedelta(days=1)
        return found

    def lines(self) -> list[str]:
        """The names of all lines."""
        return sorted({sailing.line for leaving in self._from.values() for sailing in leaving})

    def board(self, code: str, day: date) -> list[str]:
        """The lines of a departure board: time, line, where to."""
        begin = datetime.combine(day, time.min)
        return [
            f"{moment:%H:%M} {sailing.line:<4} {self.harbours[sailing.destination].name}"
            for moment, sailing in self.leaving(code, begin, begin + timedelta(days=1, minutes=-1))
        ]
