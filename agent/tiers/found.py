"""What a reply held: candidates, and what it asks to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agent.tiers.changes import Candidate

MAX_CANDIDATES = 8
MAX_CHANGES = 100
MAX_ASKS = 8

_LINES = re.compile(r"(.*?)(?::|,?\s+(?:lines?\s+)?)(\d{1,7})(?:\s?(?:-|–|to)\s?(\d{1,7}))?")


@dataclass(frozen=True)
class Ask:
    """A file (its lines `first` to `last`, 1-based; 0: from its beginning, to its end), or a search for a
    text."""

    kind: Literal["file", "search"]
    what: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class Found:
    """What a text held. `problem`: what was wrong with what is left out."""

    prose: str = ""
    candidates: tuple[Candidate, ...] = ()
    asks: tuple[Ask, ...] = ()
    problem: str = ""


def make_ask(kind: object, what: object, first: int = 0, last: int = 0) -> Ask | None:
    """An ask of untrusted values, or None."""
    if kind not in ("file", "search") or not isinstance(what, str) or not 0 < len(what.strip()) <= 500:
        return None
    what = what.strip().strip("`\"'") if kind == "file" else what.strip()
    first = min(max(first, 0), 10_000_000)
    return Ask("file" if kind == "file" else "search", what, first, last if last >= max(first, 1) else 0)


def ask_of(kind: str, what: str) -> Ask | None:
    """An ask of a line in plain text: lines of a file may follow its path."""
    if kind == "file" and (parts := _LINES.fullmatch(what.strip())):
        first = int(parts[2])
        return make_ask("file", parts[1], first, int(parts[3] or first))
    return make_ask(kind, what)
