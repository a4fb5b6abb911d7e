"""Reports from inside a sandbox, read as data: JSON lines, bounded and typed. They are never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

MAX_EVENTS = 200_000
MAX_LINE_BYTES = 8_000_000
MAX_NAME = 4_000
MAX_NUMBER = 10**12

TEMPLATE_NAME = r"^[a-z][a-z -]{0,39}$"
MOST_TEMPLATES = 500
"""More than there are."""

TemplateName = Annotated[str, Field(pattern=TEMPLATE_NAME)]


class RepairError(RuntimeError):
    """Our own code inside the sandbox ended without its report; the message holds the end of its errors."""


class Tally(NamedTuple):
    """What was tried of a template: candidates that were run, how many of them passed the targets, and the
    prior mass of those up to the first that passed."""

    tried: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    passed: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    mass: Annotated[float, Field(ge=0, le=1)]


Tallies = Annotated[dict[TemplateName, Tally], Field(max_length=MOST_TEMPLATES)]
"""By template."""


def together(some: Mapping[str, Tally], more: Mapping[str, Tally]) -> dict[str, Tally]:
    """Both, within bounds."""
    summed = dict(some)
    for name, tally in more.items():
        if name in summed or len(summed) < MOST_TEMPLATES:
            tried, passed, mass = map(sum, zip(tally, summed.get(name, (0, 0, 0.0)), strict=True))
            summed[name] = Tally(min(MAX_NUMBER, int(tried)), min(MAX_NUMBER, int(passed)), min(1.0, mass))
    return summed


@dataclass(frozen=True)
class Event:
    """One report line. The accessors return a value of the type asked for, or its empty value."""

    kind: str
    fields: dict[str, object]

    def text(self, name: str, limit: int = MAX_NAME) -> str:
        value = self.fields.get(name)
        return value[:limit] if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        value = self.fields.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            return 0.0
        return float(max(0, min(value, MAX_NUMBER)))  # bounded first: a float has no room for every integer

    def integer(self, name: str) -> int:
        return int(self.number(name))

    def truth(self, name: str) -> bool:
        return self.fields.get(name) is True

    def numbers(self, name: str) -> tuple[float, ...]:
        value = self.fields.get(name)
        items = value if isinstance(value, list) else []
        return tuple(Event("", {"n": item}).number("n") for item in items)

    def counts(self, name: str) -> dict[str, int]:
        value = self.fields.get(name)
        items = value if isinstance(value, dict) else {}
        return {str(key)[:40]: Event("", {"n": count}).integer("n") for key, count in items.items()}

    def template(self, name: str) -> str:
        text = self.text(name)
        return text if re.fullmatch(TEMPLATE_NAME, text) else ""

    def tallies(self, name: str) -> dict[str, Tally]:
        value = self.fields.get(name)
        found: dict[str, Tally] = {}
        for key, row in value.items() if isinstance(value, dict) else ():
            numbers = Event("", {"row": row}).numbers("row")
            if len(numbers) == 3 and re.fullmatch(TEMPLATE_NAME, key) and len(found) < MOST_TEMPLATES:
                found[key] = Tally(int(numbers[0]), int(numbers[1]), min(1.0, numbers[2]))
        return found


def events(report: bytes) -> Iterator[Event]:
    """Events of a report; lines that are not JSON objects with an `event`, or are too long, are left out."""
    for number, line in enumerate(report.split(b"\n")):
        if number >= MAX_EVENTS:
            return
        if not line or len(line) > MAX_LINE_BYTES:
            continue
        try:
            value = json.loads(line)
            if b"\\u" in line:  # lone surrogates cannot be written to a trace
                value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("event"), str):
            yield Event(value["event"], value)


class EventReader:
    """Calls `see` with each event as soon as its line is complete; feed it chunks as they arrive."""

    def __init__(self, see: Callable[[Event], None]) -> None:
        self._see = see
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        whole, newline, rest = (self._rest + chunk).rpartition(b"\n")
        self._rest = rest[-MAX_LINE_BYTES:]
        for event in events(whole + newline):
            self._see(event)
