"""Which pieces of the repository are worth their price in a prompt.

A piece that an attempt lacks costs `share · value`: the chance that the attempt fails for lack of it, times
what such a failure costs. Showing it costs its bytes and those of a heading. Each piece is included while the
first covers the second (MTA eq. 2 at the margin of one piece), counting only the lines that are not shown
already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

GAP = 2
"""Lines between two pieces, mostly blank, that cost less than the heading of a piece of its own."""

HEADING = 45
"""Bytes of a heading and its fences, for a piece of its own."""

PieceKind = Literal["test", "suspect", "asked", "callee", "type", "caller", "import", "neighbour"]
ORDER: tuple[PieceKind, ...] = (
    "test", "suspect", "callee", "type", "caller", "import", "neighbour", "asked",
)  # fmt: skip
"""How pieces follow one another: what changes least over the steps of a run comes first."""


ALWAYS = frozenset({"test", "asked"})
"""Kinds that are not weighed: without the test nobody knows what is asked, and who asks for code and is not
given it asks again, or gives up the attempt."""


@dataclass(frozen=True)
class SharePrior:
    """P(an attempt fails for lack of a piece): `first` for the first of its kind, then first / rank^decay."""

    first: float
    decay: float
    reason: str


SHARES: dict[PieceKind, SharePrior] = {
    "test": SharePrior(1.0, 0.0, "without the test nobody knows what is asked"),
    "suspect": SharePrior(
        0.45, 1.6, "28 of 57 faults were in the first, 12 in the second: between that and 0.4 / rank^1.5"
    ),
    "asked": SharePrior(0.5, 0.5, "a model that asks for a piece is right to every other time"),
    "callee": SharePrior(0.032, 1.0, "0 of 53 cases, judged 0.12: its name says enough, or it is suspect"),
    "type": SharePrior(0.019, 1.0, "0 of 16, judged 0.08: fields and methods have to be known to be used"),
    "caller": SharePrior(0.01, 1.0, "0 of 41, judged 0.04: what callers expect is in the test already"),
    "import": SharePrior(0.008, 0.5, "0 of 57, judged 0.04: a missing import is added blindly too"),
    "neighbour": SharePrior(0.017, 1.0, "1 of 38, judged 0.02: a sibling shows a convention"),
}  # fmt: skip
"""Half measured by `benchmarks.context`: of how many cases that had such a piece the known repair needed one.
That is a lower bound, for injected mistakes are small edits, so the other half is judgement: the shares of a
kind beside suspects sum up to (measured + judged) / 2 in the mean case. test and asked are judged alone."""


def share_of(kind: PieceKind, rank: int) -> float:
    """The prior share of the piece with this rank (1: the first) among those of its kind."""
    prior = SHARES[kind]
    return prior.first / float(max(rank, 1) ** prior.decay)


@dataclass(frozen=True)
class Piece:
    """Lines `first` to `last` (1-based, inclusive) of a file, `size` UTF-8 bytes. `share`: P(an attempt that
    lacks it fails for lack of it), in [0, 1]."""

    path: str
    first: int
    last: int
    kind: PieceKind
    name: str
    size: int
    share: float

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.last - self.first + 1


def choose(
    pieces: Sequence[Piece],
    *,
    dollars_per_byte: float,
    value: float,
    window_bytes: int,
    shown: Sequence[Piece] = (),
) -> tuple[Piece, ...]:
    """The pieces to show, in an order in which the first ones stay the same over the steps of a run.

    dollars_per_byte: price of a byte over all calls in which it will be read, priced seconds included. value:
    dollars that are lost when an attempt fails for lack of a piece: at most what another call costs where a
    model can ask for it. window_bytes: what all of them may take. shown: what earlier prompts of the run
    held; it stays first and as it is, since anything else would throw a warm cache away.

    Tests and what was asked for are always included as far as there is room, and tests take half of it at
    most: the code to mend must have its place. No line is shown twice; pieces that overlap or touch become
    one.
    """
    lines = _Lines(shown)
    left = window_bytes - sum(piece.size for piece in shown)
    chosen: list[Piece] = []
    spare = left - left // 2
    for piece in pieces:
        if piece.kind not in ALWAYS:
            continue
        fitting = _cut(piece, lines.cost(piece), left - (spare if piece.kind == "test" else 0))
        if fitting is not None:
            left -= lines.cost(fitting)
            lines.add(fitting)
            chosen.append(fitting)
    waiting = dict(enumerate(piece for piece in pieces if piece.kind not in ALWAYS))
    size = {number: lines.cost(piece) for number, piece in waiting.items()}
    worth = {n: _worth(piece, size[n], dollars_per_byte, value) for n, piece in waiting.items()}
    while waiting:
        number = max(waiting, key=worth.__getitem__)
        best = waiting.pop(number)
        if not size[number] or size[number] > left or value * best.share < size[number] * dollars_per_byte:
            continue
        left -= size[number]
        lines.add(best)
        chosen.append(best)
        for other, piece in waiting.items():  # what overlaps becomes cheaper once a part of it is there
            if piece.path == best.path:
                size[other] = lines.cost(piece)
                worth[other] = _worth(piece, size[other], dollars_per_byte, value)
    before = _Lines(shown)
    fresh = _merged([part for piece in chosen for part in before.without(piece)], before)
    return (
        *shown,
        *sorted(fresh, key=lambda each: (ORDER.index(each.kind), -each.share, each.path, each.first)),
    )


def _cut(piece: Piece, cost: int, room: int) -> Piece | None:
    """As many of its first lines as have room; None for none. Lines are taken as equally long."""
    lines = piece.lines if cost <= room else piece.lines * max(0, room - HEADING) // max(cost, 1)
    if not lines:
        return None
    return replace(piece, last=piece.first + lines - 1, size=-(-piece.size * lines // piece.lines))


def _worth(piece: Piece, size: float, dollars_per_byte: float, value: float) -> tuple[float, float]:
    """What a piece brings for each byte; among those that bring nothing, the one with the least loss."""
    gain = value * piece.share - size * dollars_per_byte
    return (gain / size if gain > 0 and size else 0.0, gain)


class _Lines:
    """Lines that are shown, by file."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._lines: dict[str, set[int]] = {}
        for piece in pieces:
            self.add(piece)

    def add(self, piece: Piece) -> None:
        self._lines.setdefault(piece.path, set()).update(range(piece.first, piece.last + 1))

    def has(self, path: str, line: int) -> bool:
        """Whether a line is there."""
        return line in self._lines.get(path, set())

    def new_bytes(self, piece: Piece) -> int:
        """Bytes of the lines of a piece that are not there, taking lines as equally long; 0: all are."""
        there = self._lines.get(piece.path, set())
        new = piece.lines - len(there.intersection(range(piece.first, piece.last + 1)))
        return -(-piece.size * new // max(piece.lines, 1))

    def cost(self, piece: Piece) -> int:
        """Those bytes, and a heading's where the piece touches nothing that is there."""
        new, there = self.new_bytes(piece), self._lines.get(piece.path, set())
        near = range(piece.first - 1 - GAP, piece.last + 2 + GAP)
        return new + HEADING if new and there.isdisjoint(near) else new

    def without(self, piece: Piece) -> Iterator[Piece]:
        """The parts of a piece that are not there."""
        there = self._lines.get(piece.path, set())
        new = [line for line in range(piece.first, piece.last + 1) if line not in there]
        if len(new) == piece.lines:
            yield piece
            return
        starts = [line for line in new if line == piece.first or line - 1 in there]
        ends = [line for line in new if line == piece.last or line + 1 in there]
        for first, last in zip(starts, ends, strict=True):
            size = piece.size * (last - first + 1) // piece.lines
            yield replace(piece, first=first, last=last, size=size)


def _merged(pieces: Sequence[Piece], shown: _Lines) -> list[Piece]:
    """Pieces of a file that overlap, touch or leave at most GAP lines between them (which are not shown) as
    one, under the kind and name of that which matters most."""
    done: list[Piece] = []
    for piece in sorted(pieces, key=lambda each: (each.path, each.first, each.last)):
        before = done[-1] if done else piece
        near = before.path == piece.path and piece.first <= before.last + 1 + GAP
        if not done or not near or any(shown.has(piece.path, n) for n in range(before.last + 1, piece.first)):
            done.append(piece)
            continue
        main = min(before, piece, key=lambda each: (ORDER.index(each.kind), -each.share, each.first))
        last = max(before.last, piece.last)
        gap = max(0, piece.first - before.last - 1)
        new = last - before.last - gap
        size = before.size + -(-piece.size * new // piece.lines) + -(-before.size * gap // before.lines)
        done[-1] = replace(
            main, first=before.first, last=last, size=size, share=max(before.share, piece.share)
        )
    return done
