"""Two edits of one file at once, for when no single edit will do.

The first halves are single edits that moved the failure (with them the tests got further), and some of the
likeliest. The second halves are the likeliest single edits of the same file, not far away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .candidates import Candidate, tie

MOST_FIRSTS = 50
MOVED = 10.0
"""An edit that moved the failure is so much likelier to be a half than its mass says. A judgement."""

MOST_SECONDS = 200
MOST_PAIRS = 5_000
MOST_APART = 4_000
"""Bytes from the one edit to the other: a pair is kept with all that is between them."""

TEMPLATE = "pair"


def pairs(
    singles: Mapping[int, Candidate],
    moved: Sequence[int],
    contents: Mapping[str, bytes],
    seed: int,
    likely: int = 0,
    share: float = 1.0,
) -> list[Candidate]:
    """Pairs by the product of their halves' masses; masses sum to `share`. `moved`: edits that moved the
    failure; `likely`: so many of the likeliest are first halves too. `contents` of the files as they are."""
    firsts = dict.fromkeys(sorted(singles)[:likely], 1.0)
    firsts.update((index, MOVED) for index in moved[:MOST_FIRSTS])
    seconds: dict[str, list[Candidate]] = {}
    for index in sorted(singles):
        each = singles[index]
        if len(seconds.setdefault(each.path, [])) < MOST_SECONDS:
            seconds[each.path].append(each)
    weighed: dict[tuple[str, int, int, bytes], tuple[float, int]] = {}
    for index, weight in firsts.items():
        first = singles.get(index)
        for second in seconds.get(first.path, ()) if first is not None else ():
            assert first is not None
            key = _both(first, second, contents[first.path])
            if key is not None:
                mass = weight * first.mass * second.mass
                weighed[key] = max(weighed.get(key, (0.0, 0)), (mass, second.line))
    ordered = sorted(weighed, key=lambda key: (-weighed[key][0], tie(seed, key)))[:MOST_PAIRS]
    whole = sum(weighed[key][0] for key in ordered) or 1.0
    return [
        Candidate(*key, template=TEMPLATE, line=weighed[key][1], mass=share * weighed[key][0] / whole)
        for key in ordered
    ]


def _both(one: Candidate, other: Candidate, data: bytes) -> tuple[str, int, int, bytes] | None:
    """Both edits as one, with what is between them; None where they touch, or are far apart."""
    first, second = sorted((one, other), key=lambda each: (each.start, each.end))
    if not 0 < second.start - first.end <= MOST_APART:
        return None
    between = data[first.end : second.start]
    return first.path, first.start, second.end, first.replacement + between + second.replacement
