"""A text by lines: where lines stand in it, and lines put in the place of others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

MAX_PLACES = 200
"""Places that are looked at; a text that is there more often says too little."""


@dataclass(frozen=True)
class Place:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


def split(text: str) -> list[str]:
    """Lines of a text, without the empty one after a last line feed."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


class Lines:
    """A text by lines, with the characters at which they begin. The last line may lack its line feed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = split(text)
        self._starts = [0, *accumulate(len(line) + 1 for line in self.all)]
        self._starts[-1] = len(text)

    def __len__(self) -> int:
        return len(self.all)

    def start(self, line: int) -> int:
        """The character at which a line (0-based) begins; the end of the text after the last one."""
        return self._starts[line]

    def number(self, start: int) -> int:
        """The line (0-based) that holds a character."""
        return min(bisect_right(self._starts, start) - 1, len(self.all))

    def find(self, wanted: Sequence[str]) -> list[int]:
        """Lines at which these lines stand in a row."""
        return rows_of(self.all, wanted)

    def place(self, first: int, last: int, new: Sequence[str]) -> Place:
        """Lines `first` to before `last` (0-based) replaced; the end of the file keeps or lacks its line feed
        as before."""
        start, end, text = self.start(first), self.start(last), joined(new)
        if end == len(self.text) and self.text and not self.text.endswith("\n"):
            text = text.removesuffix("\n")
            if start == end and new:
                text = f"\n{text}"
        return Place(start, end, text)


@lru_cache(maxsize=1)
def lines_in(text: str) -> Lines:
    """Kept for the next change of the same file."""
    return Lines(text)


def joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def rows_of(rows: Sequence[str], wanted: Sequence[str], most: int = MAX_PLACES) -> list[int]:
    """Positions at which `wanted` stands in `rows`, the first of them. As one search of a text, which takes
    time in proportion where a comparison at every position would not."""
    if not wanted:
        return []
    text, pattern = "\n".join(["", *rows, ""]), "\n".join(["", *wanted, ""])
    starts = [0, *accumulate(len(row) + 1 for row in rows)]
    found: list[int] = []
    at = text.find(pattern)
    while at >= 0 and len(found) < most:
        found.append(bisect_left(starts, at))
        at = text.find(pattern, at + 1)
    return found
