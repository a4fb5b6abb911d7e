"""The journey that arrives first, with changes between ferries and walks between harbours."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta

from .timetable import Timetable

HORIZON = timedelta(hours=36)


@dataclass(frozen=True)
class Leg:
    """A part of a journey. `line` is "" for a walk."""

    line: str
    origin: str
    destination: str
    departs: datetime
    arrives: datetime


@dataclass(frozen=True)
class Journey:
    """Legs that follow each other."""

    legs: tuple[Leg, ...]

    @property
    def departs(self) -> datetime:
        """When it begins."""
        return self.legs[0].departs

    @property
    def arrives(self) -> datetime:
        """When it ends."""
        return self.legs[-1].arrives

    @property
    def changes(self) -> int:
        """How often one changes from a ferry to another."""
        return max(0, sum(1 for leg in self.legs if leg.line) - 1)

    def __str__(self) -> str:
        return "\n".join(
            f"{leg.departs:%H:%M} {leg.origin} - {leg.arrives:%H:%M} {leg.destination}"
            f" ({leg.line or 'on foot'})"
            for leg in self.legs
        )


def earliest_journey(timetable: Timetable, origin: str, destination: str, begin: datetime) -> Journey | None:
    """The journey from `origin`, not before `begin`, that is at `destination` first; None within HORIZON."""
    for code in (origin, destination):
        if code not in timetable.harbours:
            raise ValueError(f"no such harbour: {code}")
    best: dict[tuple[str, bool], datetime] = {}
    queue: list[tuple[datetime, int, str, tuple[Leg, ...]]] = [(begin, 0, origin, ())]
    while queue:
        moment, _, code, legs = heapq.heappop(queue)
        came_by_ferry = bool(legs and legs[-1].line)
        if code == destination:
            return Journey(legs) if legs else None
        if best.get((code, came_by_ferry), datetime.max) <= moment:
            continue
        best[code, came_by_ferry] = moment
        for leg in _onward(timetable, code, moment, legs, begin + HORIZON):
            heapq.heappush(queue, (leg.arrives, len(legs) + 1, leg.destination, (*legs, leg)))
    return None


def _onward(
    timetable: Timetable, code: str, moment: datetime, legs: tuple[Leg, ...], until: datetime
) -> list[Leg]:
    """What can be taken at a harbour: every sailing one is in time for, and walks, but not two in a row."""
    walked = bool(legs) and not legs[-1].line
    ready = moment if not legs or walked else moment + timetable.harbours[code].change
    found = [
        Leg(sailing.line, code, sailing.destination, departs, departs + timedelta(minutes=sailing.minutes))
        for departs, sailing in timetable.leaving(code, ready, until)
    ]
    if not walked:
        for other, walk in timetable.harbours.within_walk(code):
            found.append(Leg("", code, other, moment, moment + walk))
    return found
