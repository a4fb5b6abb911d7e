"""Time slots: half-open intervals that hold their start and not their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

FORMAT = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, order=True)
class Slot:
    """The time from `start` up to, but not including, `end`.

    Raises ValueError unless `start` lies before `end`.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a slot must start before it ends: {self.start} .. {self.end}")

    @classmethod
    def parse(cls, start: str, end: str) -> Slot:
        """A slot from two texts such as `2025-03-03 09:00`."""
        return cls(datetime.strptime(start, FORMAT), datetime.strptime(end, FORMAT))

    @property
    def duration(self) -> timedelta:
        """How long the slot lasts."""
        return self.end - self.start

    def overlaps(self, other: Slot) -> bool:
        """Whether the two slots share any time."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: Slot) -> bool:
        """Whether all of `other` lies within this slot."""
        return self.start <= other.start and other.end <= self.end

    def intersection(self, other: Slot) -> Slot | None:
        """The time both slots share, or None."""
        if not self.overlaps(other):
            return None
        return Slot(max(self.start, other.start), min(self.end, other.end))

    def shifted(self, by: timedelta) -> Slot:
        """The same slot, moved."""
        return Slot(self.start + by, self.end + by)

    def without(self, taken: Iterable[Slot]) -> list[Slot]:
        """What is left of this slot when the taken slots are cut out, in order."""
        free = []
        cursor = self.start
        for slot in sorted(taken):
            if not self.overlaps(slot):
                continue
            if cursor < slot.start:
                free.append(Slot(cursor, slot.start))
            cursor = max(cursor, slot.end)
        if cursor < self.end:
            free.append(Slot(cursor, self.end))
        return free

    def pieces(self, length: timedelta) -> Iterator[Slot]:
        """Consecutive pieces of exactly `length`; a shorter rest is dropped."""
        start = self.start
        while start + length <= self.end:
            yield Slot(start, start + length)
            start += length
