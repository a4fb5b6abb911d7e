"""Where in a text a change belongs. Exact first; then whole lines with white space aside, where one place
alone fits: ends of lines, empty lines, indentation that is the same amount off on every line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.tiers.changes import Hunk, Replace
from agent.tiers.lines import MAX_PLACES, Lines, Place, joined, lines_in, rows_of, split
from agent.tiers.numbered import without_numbers

MAX_COMPARED = 400_000
"""Lines compared by their indentation, over all places."""


class Unfit(ValueError):
    """A change has no place, or more than one; the message says which."""


def put(text: str, places: Sequence[Place]) -> str:
    """The text with every place filled; they do not overlap."""
    parts, at = [], 0
    for place in sorted(places, key=lambda each: each.start):
        parts += [text[at : place.start], place.text]
        at = place.end
    return "".join([*parts, text[at:]])


def places_of_all(text: str, change: Replace | Hunk, times: int) -> list[Place]:
    """The places of a change that a reply makes `times` times: as many, or one that was merely said twice.

    Raises Unfit.
    """
    try:
        return [place_of(text, change)]
    except Several as several:
        apart = all(a.end <= b.start for a, b in pairwise(several.places))
        if len(several.places) == times and apart:
            return several.places
        raise


def place_of(text: str, change: Replace | Hunk) -> Place:
    """The one place of the change in the text. Raises Unfit."""
    lines = lines_in(text)
    if isinstance(change, Hunk):
        return _hunk_place(lines, change)
    search, replace = change.search.replace("\r\n", "\n"), change.replace.replace("\r\n", "\n")
    old, new = split(search), split(replace)
    places = [lines.place(at, at + len(old), new) for at in lines.find(old)]
    if not places:
        within = [Place(at, at + len(search), replace) for at in _occurrences(text, search)]
        if len(old) == len(within) == 1 and _as_it_is(lines, within[0], new):
            return within[0]
        places = _loosely(lines, old, new) or within or _numbered(lines, old, new)
    return _only(places, "the text to search for", old)


def _numbered(lines: Lines, old: Sequence[str], new: Sequence[str]) -> list[Place]:
    """Places of lines that are quoted with numbers left of them: as a whole, with their own indentation."""
    pairs = without_numbers(old, new)
    return [lines.place(at, at + len(bare), cut) for bare, cut in pairs for at in lines.find(bare)]


def _as_it_is(lines: Lines, place: Place, new: Sequence[str]) -> bool:
    """Whether new lines for a part of one line have their own indentation, all but the first; else they lack
    that of the line, as all of a reply's lines may."""
    below = [line for line in new[1:] if line.strip()]
    start = lines.start(lines.number(place.start))
    before = lines.text[start : place.start]
    if before.strip() or not below:
        return bool(before.strip())
    deeper = new[0].rstrip().endswith((":", "{", "(", "["))
    return all(line.startswith(before) for line in below) and (
        not deeper or len(_indent(below[0])) > len(before)
    )


def _hunk_place(lines: Lines, hunk: Hunk) -> Place:
    old, new = list(hunk.old), list(hunk.new)
    what = "the old lines of a hunk"
    if not any(line.strip() for line in old):
        first = hunk.line - bool(old)
        if lines.text and not (
            hunk.line and lines.all[first : first + len(old)] == old and first <= len(lines)
        ):
            raise Unfit("a hunk without context does not say where it belongs")
        return lines.place(first, first + len(old), new) if lines.text else Place(0, 0, joined(new))
    found = lines.find(old)
    if len(found) > 1 and hunk.line - 1 in found:
        found = [hunk.line - 1]
    if len(found) > 1 and hunk.heading:
        heads = [at for at, line in enumerate(lines.all) if line.strip() == hunk.heading]
        below = [at for at in found if len(heads) == 1 and at >= heads[0]]
        found = below[:1] or found
    places = [lines.place(at, at + len(old), new) for at in found] or _loosely(lines, old, new)
    return _only(places, what, old)


class Several(Unfit):
    """A change has more than one place."""

    def __init__(self, message: str, places: list[Place]) -> None:
        super().__init__(message)
        self.places = places


def _only(places: list[Place], what: str, old: Sequence[str]) -> Place:
    if len(places) == 1:
        return places[0]
    first = next((line.strip() for line in old if line.strip()), "")[:60]
    if places:
        times = "twice" if len(places) == 2 else f"{len(places)} times"
        raise Several(f"{what} ('{first}') is there {times}; more lines around it are needed", places)
    raise Unfit(f"{what} ('{first}') is not in the file")


def _occurrences(text: str, search: str) -> list[int]:
    """Where the text stands, without overlaps; at most MAX_PLACES, none where it is far too common. Not
    within a word; and what ends with a line feed is whole lines, before which there is only white space."""
    if not search or text.count(search) > 10 * MAX_PLACES:
        return []
    found: list[int] = []
    at = text.find(search)
    while at >= 0 and len(found) < MAX_PLACES:
        before, after = text[max(0, at - 1) : at], text[at + len(search) : at + len(search) + 1]
        in_word = (_word(before) and _word(search[0])) or (_word(after) and _word(search[-1]))
        in_line = search.endswith("\n") and text[text.rfind("\n", 0, at) + 1 : at].strip()
        if not in_word and not in_line:
            found.append(at)
        at = text.find(search, at + len(search))
    return found


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _loosely(lines: Lines, old: Sequence[str], new: Sequence[str]) -> list[Place]:
    """Places where only white space differs: ends of lines first; then empty lines and indentation too."""
    if not any(line.strip() for line in old):
        return []
    rows = list(range(len(lines)))
    wanted = list(range(len(old)))
    found = _match(lines, rows, old, wanted, new, str.rstrip)
    if found:
        return found
    old, new = _without_blank_ends(old, new)
    rows = [at for at in rows if lines.all[at].strip()]
    wanted = [at for at, line in enumerate(old) if line.strip()]
    return _match(lines, rows, old, wanted, new, str.strip)


def _without_blank_ends(old: Sequence[str], new: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Both without the empty lines that `old` begins and ends with."""
    for _ in range(2):
        blank = next((n for n, line in enumerate(old) if line.strip()), 0)
        also = next((n for n, line in enumerate(new[:blank]) if line.strip()), min(blank, len(new)))
        old, new = old[blank:][::-1], new[also:][::-1]
    return old, new


def _match(
    lines: Lines,
    rows: list[int],
    old: Sequence[str],
    wanted: list[int],
    new: Sequence[str],
    form: Callable[[str], str],
) -> list[Place]:
    """Places where the wanted lines stand in a row among `rows`, both in this form."""
    found = []
    most = min(MAX_PLACES, 2 + MAX_COMPARED // len(wanted))
    for at in rows_of([form(lines.all[n]) for n in rows], [form(old[n]) for n in wanted], most):
        there = rows[at : at + len(wanted)]
        shift = _shift([(lines.all[n], old[m]) for n, m in zip(there, wanted, strict=True)])
        if shift is not None:
            found.append(_changed(lines, there, old, wanted, new, shift))
    return found


@dataclass(frozen=True)
class _Shift:
    """White space that every line of the file has before what the reply says (`more`), or lacks (`less`)."""

    more: str = ""
    less: str = ""

    def apply(self, line: str) -> str:
        if not line.strip():
            return line
        if not line.startswith(self.less):
            raise Unfit("the indentation of the new text does not follow that of the text to search for")
        return self.more + line[len(self.less) :]


def _shift(pairs: Sequence[tuple[str, str]]) -> _Shift | None:
    """What turns the second of every pair into the first, white space at line ends aside; None: nothing."""
    there, said = next((each for each in pairs if each[0].strip()), ("", ""))
    mine, theirs = _indent(there), _indent(said)
    if mine.endswith(theirs):
        shift = _Shift(more=mine[: len(mine) - len(theirs)])
    elif theirs.endswith(mine):
        shift = _Shift(less=theirs[: len(theirs) - len(mine)])
    else:
        return None
    for there, said in pairs:
        if said.strip() and not (
            said.startswith(shift.less) and shift.apply(said).rstrip() == there.rstrip()
        ):
            return None
    return shift


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _changed(
    lines: Lines, there: list[int], old: Sequence[str], wanted: list[int], new: Sequence[str], shift: _Shift
) -> Place:
    """The lines between what `old` and `new` begin and end with alike: only those are replaced, so that lines
    of context keep their own white space."""
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    kept = sum(at < first for at in wanted)
    changed = [n for n, at in zip(there, wanted, strict=True) if first <= at < len(old) - last]
    if changed:
        start, end = changed[0], changed[-1] + 1
    else:
        start = there[kept - 1] + 1 if kept else there[0]
        blank = first - (wanted[kept - 1] + 1 if kept else 0)
        while blank > 0 and start < len(lines) and not lines.all[start].strip():
            start, blank = start + 1, blank - 1
        end = start
    middle = [shift.apply(line) for line in new[first : len(new) - last]]
    return lines.place(start, end, middle)


def _alike(a: Sequence[str], b: Sequence[str]) -> int:
    """How many lines both begin with."""
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count
