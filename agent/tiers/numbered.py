"""Lines that a reply quotes with their numbers left of them, without these."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

_NUMBERED = re.compile(r"\s{0,8}(\d{1,7})(?:\s?[|:│→])?(\s.*|)")
MOST_SPACES = 2
"""Between a number and the code."""


def without_numbers(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """What the old and the new lines may be when the old ones are numbered: a pair for every number of spaces
    that can belong to the numbers. The new lines are all numbered, or none of them is."""
    rests, mended = _rests(old), _rests(new)
    if rests is None or (mended is None and any(_NUMBERED.fullmatch(line) for line in new)):
        return
    for spaces in range(MOST_SPACES + 1):
        if _begin(rests, spaces) and (mended is None or _begin(mended, spaces)):
            cut = list(new) if mended is None else [rest[spaces:] for rest in mended]
            yield [rest[spaces:] for rest in rests], cut


def _rests(lines: Sequence[str]) -> list[str] | None:
    """What follows the numbers, which ascend; None where a line that is not empty has none."""
    found = [_NUMBERED.fullmatch(line) if line.strip() else None for line in lines]
    numbers = [int(each[1]) for each in found if each]
    if any(a >= b for a, b in pairwise(numbers)):
        return None
    if any(line.strip() and not each for line, each in zip(lines, found, strict=True)):
        return None
    rests = [each[2] if each else "" for each in found]
    return rests if any(rest.strip() for rest in rests) else None


def _begin(rests: Sequence[str], spaces: int) -> bool:
    return all(not rest[:spaces].strip() for rest in rests)
