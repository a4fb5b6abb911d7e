"""On which days a sailing runs: weekdays, a season, and single days that are otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True)
class Weekdays:
    """A set of weekdays, 0 = Monday."""

    days: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Weekdays:
        """`Mo-Fr`, `Sa,Su`, `Fr-Mo` (over the weekend) or `daily`."""
        if text.strip().lower() == "daily":
            return cls(frozenset(range(7)))
        days: set[int] = set()
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            start, end = _number(first), _number(last or first)
            days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
        return cls(frozenset(days))

    def __contains__(self, day: date) -> bool:
        return day.weekday() in self.days

    def __str__(self) -> str:
        if len(self.days) == 7:
            return "daily"
        return ",".join(NAMES[day] for day in sorted(self.days))


@dataclass(frozen=True)
class Season:
    """From the first day to the last, both included, every year; a winter season ends in the next one."""

    first: tuple[int, int]
    last: tuple[int, int]

    @classmethod
    def parse(cls, text: str) -> Season:
        """`01.05-30.09`: day and month."""
        first, _, last = text.partition("-")
        return cls(_day_and_month(first), _day_and_month(last))

    def __contains__(self, day: date) -> bool:
        here = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last


ALL_YEAR = Season((1, 1), (12, 31))


@dataclass(frozen=True)
class Running:
    """When something runs: on these weekdays in this season, with exceptions in both directions."""

    weekdays: Weekdays
    season: Season = ALL_YEAR
    also: frozenset[date] = field(default_factory=frozenset)
    never: frozenset[date] = field(default_factory=frozenset)

    def on(self, day: date) -> bool:
        """Whether it runs on that day."""
        if day in self.never:
            return False
        return day in self.also or (day in self.weekdays and day in self.season)


def _number(name: str) -> int:
    try:
        return NAMES.index(name.strip().capitalize())
    except ValueError:
        raise ValueError(f"no such weekday: {name.strip()!r}") from None


def _day_and_month(text: str) -> tuple[int, int]:
    day, _, month = text.strip().partition(".")
    return int(month), int(day)
