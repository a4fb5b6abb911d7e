"""Timetables from text: one section for harbours, one for sailings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

from .days import ALL_YEAR, Running, Season, Weekdays
from .harbours import Harbour, Harbours
from .timetable import Sailing, Timetable


class TimetableError(ValueError):
    """A line that cannot be read, with its number."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"line {number}: {problem}")
        self.number = number


def read_timetable(text: str) -> Timetable:
    """A timetable from text:

        [harbours]
        SKA Skagen  change=15 walk=SKN:12
        [sailings]
        A1 SKA-LAE 08:15 95 Mo-Fr 01.05-30.09 not=2025-06-09

    Empty lines and what follows a # are passed over. Raises TimetableError.
    """
    harbours: list[Harbour] = []
    sailings: list[Sailing] = []
    section = ""
    for number, line in _lines(text):
        if line.startswith("["):
            section = line.strip("[]").strip().lower()
            if section not in ("harbours", "sailings"):
                raise TimetableError(number, f"no such section: {section}")
            continue
        try:
            if section == "harbours":
                harbours.append(_harbour(line))
            elif section == "sailings":
                sailings.append(_sailing(line))
            else:
                raise ValueError("it stands in no section")
        except (ValueError, IndexError) as error:
            raise TimetableError(number, str(error)) from None
    return Timetable(Harbours(harbours), sailings)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0].strip()
        if content:
            yield number, content


def _harbour(line: str) -> Harbour:
    words, options = _words(line)
    code, name = words[0], " ".join(words[1:])
    if not name:
        raise ValueError(f"harbour {code} has no name")
    walks = [walk.split(":") for walk in options.get("walk", "").split(",") if walk]
    return Harbour(
        code,
        name,
        change=timedelta(minutes=int(options.get("change", "10"))),
        walk=tuple((other, int(minutes)) for other, minutes in walks),
    )


def _sailing(line: str) -> Sailing:
    words, options = _words(line)
    if len(words) < 5:
        raise ValueError("a sailing has a line, harbours, a time, minutes and weekdays")
    origin, _, destination = words[1].partition("-")
    hour, _, minute = words[2].partition(":")
    running = Running(
        Weekdays.parse(words[4]),
        Season.parse(words[5]) if len(words) > 5 else ALL_YEAR,
        also=_dates(options.get("also", "")),
        never=_dates(options.get("not", "")),
    )
    return Sailing(words[0], origin, destination, time(int(hour), int(minute)), int(words[3]), running)


def _dates(text: str) -> frozenset[date]:
    return frozenset(date.fromisoformat(part) for part in text.split(",") if part)


def _words(line: str) -> tuple[list[str], dict[str, str]]:
    """The plain words of a line, and its options."""
    words, options = [], {}
    for word in line.split():
        name, equals, value = word.partition("=")
        if equals:
            options[name] = value
        else:
            words.append(word)
    return words, options
