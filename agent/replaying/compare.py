"""What a step showed then and now, compared field by field without what depends on time and place alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.observations import AttemptDone, Observation
from agent.redact import REPLACEMENT, JSONValue, Redactor
from tools.plain import plain_line
from tools.verdicts import SuiteRun

SHOWN = 160
"""Characters of a value that are shown."""

_UNCOMPARED: dict[str, frozenset[str]] = {
    "intake": frozenset({"notes", "head", "dirty"}),
    "environment": frozenset({"notes", "cached", "image"}),
    "reproduction": frozenset({"seconds_each"}),
    "baseline": frozenset({"suite_seconds", "verdicts"}),
    "localise": frozenset({"ranking", "planned", "planned_seconds"}),
    "submission": frozenset({"delivered", "undelivered", "confirmed", "required"}),
}
"""Fields that hold times, counts that depend on them, names of blobs with times in them (verdicts are
compared on their own), how the base lies in git, an image's name (its digest says which it is), and how it
was delivered."""

_LOOKED = frozenset({"runs", "seconds_each"})
"""Fields not compared of further looks: there are as many as there is time for."""

_SEARCHED = frozenset({"type", "tier", "tree", "patch", "template", "description"})
"""Fields compared of an attempt: how far a search comes and how many rivals it finds depends on its time."""

_SAME = (
    (re.compile(r"\b0x[0-9a-fA-F]{4,}\b"), "0x…"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"(?:/private)?(?:/var)?/tmp/[^\s'\",:;)\]]*"), "/tmp/…"),  # noqa: S108
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)?\s?(?:s|ms|µs|us|ns|secs?|seconds?|minutes?)\b"), "<duration>"),
    (re.compile(r"\b(pid|PID)([ =:]+)\d+"), r"\1\2<pid>"),
)
"""What is otherwise in every run: addresses, dates and times, temporary paths, durations, process ids."""


@dataclass(frozen=True)
class Differing:
    """A field that differs, and both values as they are shown."""

    field: str
    recorded: str
    now: str


def normal(text: str) -> str:
    """Text without what is otherwise in every run."""
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


def differing(recorded: Observation, now: Observation, redactor: Redactor) -> Differing | None:
    """The first field that differs; None when all are the same. Both are redacted first, as a trace is."""
    return _first(_fields(recorded), _fields(now), redactor)


def differing_verdicts(recorded: SuiteRun, now: SuiteRun, redactor: Redactor) -> Differing | None:
    """The first test that ended otherwise, or said something else. Both are redacted first: in a blob, what
    only looks like a key is not."""
    return _first(_verdicts(recorded), _verdicts(now), redactor)


def hidden(found: Differing, redactor: Redactor) -> Differing:
    """As it may be shown: what tests print may be a key."""
    return Differing(*map(redactor, (found.field, found.recorded, found.now)))


def same_text(then: str, here: str) -> bool:
    """Whether two texts say the same but for what is in every run. Where one was redacted any characters may
    stand in the other: the variable that held the secret may be unset now, or another."""
    if normal(then) == normal(here):
        return True
    return _matches(then.split(REPLACEMENT), here) or _matches(here.split(REPLACEMENT), then)


def _matches(pieces: list[str], text: str) -> bool:
    """Whether the text is these pieces, in order, with anything between them."""
    first, *between = map(normal, pieces)
    if not between:
        return False
    text, last = normal(text), between.pop()
    if not text.startswith(first) or not text[len(first) :].endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in between:
        at = text.find(piece, at, end) + len(piece)
        if at < len(piece):
            return False
    return True


def _verdicts(run: SuiteRun) -> dict[str, JSONValue]:
    return {
        name: {"outcome": str(verdict.outcome), "message": verdict.message}
        for name, verdict in run.verdicts.items()
    }


def _fields(seen: Observation) -> dict[str, JSONValue]:
    data: dict[str, JSONValue] = json.loads(seen.model_dump_json())
    if isinstance(seen, AttemptDone):
        return {name: value for name, value in data.items() if name in _SEARCHED}
    if isinstance(looked := data.get("looked"), dict):
        data["looked"] = {name: value for name, value in looked.items() if name not in _LOOKED}
    return {name: value for name, value in data.items() if name not in _UNCOMPARED.get(seen.type, ())}


def _first(then: dict[str, JSONValue], here: dict[str, JSONValue], redactor: Redactor) -> Differing | None:
    found = next(_differences(redactor.tree(then), redactor.tree(here), ""), None)
    return found and hidden(found, redactor)


def _differences(then: Any, here: Any, where: str) -> Iterator[Differing]:
    """Every field that differs, in order. Not deep: what is compared was read as an observation."""
    if isinstance(then, Mapping) and isinstance(here, Mapping):
        for name in dict.fromkeys((*then, *here)):
            yield from _differences(then.get(name), here.get(name), f"{where}.{name}" if where else str(name))
    elif isinstance(then, list) and isinstance(here, list) and len(then) == len(here):
        for position, (one, other) in enumerate(zip(then, here, strict=True)):
            yield from _differences(one, other, f"{where}[{position}]")
    elif isinstance(then, str) and isinstance(here, str):
        if not same_text(then, here):
            yield Differing(where, *_apart(normal(then), normal(here)))
    elif then != here:
        yield Differing(where, plain_line(repr(then), SHOWN), plain_line(repr(here), SHOWN))


def _apart(then: str, here: str) -> tuple[str, str]:
    """Both texts from shortly before where they part."""
    at = next((i for i, (one, other) in enumerate(zip(then, here, strict=False)) if one != other), 0)
    start = max(0, at - 20) if min(len(then), len(here)) > SHOWN else 0
    lead = "…" if start else ""
    return plain_line(lead + then[start:], SHOWN), plain_line(lead + here[start:], SHOWN)
