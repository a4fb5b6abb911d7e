"""Print the menu of a program as an outline, with the short-cut of every entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    title: str
    keys: str = ""
    entries: tuple[Entry, ...] = ()


def outline(entry: Entry, depth: int = 0) -> Iterator[str]:
    """The lines for an entry and everything below it, two blanks deeper per level."""
    keys = f" ({entry.keys})" if entry.keys else ""
    yield "  " * depth + entry.title + keys
    for inner in entry.entries:
        yield from outline(inner, depth + 1)


def find(entry: Entry, keys: str) -> list[str] | None:
    """The titles on the way to the entry with these keys."""
    if entry.keys == keys:
        return [entry.title]
    for inner in entry.entries:
        way = find(inner, keys)
        if way is not None:
            return [entry.title, *way]
    return None
