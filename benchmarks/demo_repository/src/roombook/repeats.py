"""Meetings that come back: every so many days or weeks, until a date or a count."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import date, timedelta

from .slots import Slot

LIMIT = 366


@dataclass(frozen=True)
class Repeat:
    """A rule for repeating a slot.

    `every` is the distance between two starts. `count` counts the occurrences that take place, so a
    skipped date does not use one up; `until` is the last date on which one may start.
    Raises ValueError when the rule would never end or never advance.
    """

    every: timedelta
    count: int | None = None
    until: date | None = None
    skip: Set[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if self.every <= timedelta(0):
            raise ValueError("a repeat must move forward in time")
        if self.count is None and self.until is None:
            raise ValueError("a repeat needs a count or a last date")

    @classmethod
    def weekly(cls, count: int | None = None, until: date | None = None) -> Repeat:
        """Every week on the same day."""
        return cls(timedelta(weeks=1), count, until)

    def slots(self, first: Slot) -> Iterator[Slot]:
        """The occurrences in order, beginning with `first`; never more than LIMIT."""
        held = 0
        for index in range(LIMIT):
            slot = first.shifted(index * self.every)
            if self._is_over(slot, held):
                return
            if slot.start.date() not in self.skip:
                held += 1
                yield slot

    def _is_over(self, slot: Slot, held: int) -> bool:
        if self.count is not None and held >= self.count:
            return True
        return self.until is not None and slot.start.date() > self.until
