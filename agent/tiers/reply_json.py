"""Replies in JSON: found in the text around them, slightly mended, and read into changes and asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from agent.tiers.changes import Candidate, Change, Delete, Replace, Whole
from agent.tiers.found import MAX_CANDIDATES, MAX_CHANGES, Ask, Found, make_ask
from agent.tiers.reply_text import diff_changes

MAX_STARTS = 8
"""Places in a text where an object is looked for: each costs one pass over what follows."""

_DECODER = json.JSONDecoder(strict=False)  # line feeds within a string are taken as they are
# A string (possibly without its end), or a comma before a closing bracket. Possessive: no backtracking.
_SLIPS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|,(?=\s*+[}\]])', re.DOTALL)
_FENCED = r"```(?:json)?[ \t]{0,8}\r?\n\s{0,80}(?=[{\[])"
_ROW = {"search", "replace", "old_str", "new_str", "old_string", "new_string", "content", "diff", "patch"}
_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrtu]|)', re.DOTALL)


def objects(text: str, keys: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """Objects of the text that begin with one of the keys, or that are all of the text or of a fence; at most
    MAX_STARTS of them. A list there stands for its edits. What is broken beyond a slip is passed over."""
    whole = len(text) - len(text.lstrip())
    named = "|".join(map(re.escape, keys))
    beginning = re.compile(rf'{_FENCED}|(?=\{{\s{{0,80}}"(?:{named})")')
    starts = [whole] if text.startswith(("{", "["), whole) else []
    end = 0
    for match in beginning.finditer(text):
        if len(starts) >= MAX_STARTS:
            break
        if match.end() not in starts:
            starts.append(match.end())
    for start in starts:
        if start < end:
            continue
        value, length = _decode(text[start:])
        if isinstance(value, list):
            value = {"edits": value}
        if isinstance(value, dict):
            end = start + length
            yield value


def _decode(text: str) -> tuple[object, int]:
    """The value at the beginning of the text, and its length there; None where it cannot be read."""
    for version in (text, None):
        try:
            return _DECODER.raw_decode(_mended(text) if version is None else version)
        except (ValueError, RecursionError):
            continue
    return None, 0


def _mended(text: str) -> str:
    """Without commas before closing brackets; a backslash that escapes nothing stands for itself."""

    def mend(match: re.Match[str]) -> str:
        found = match.group()
        if found == ",":
            return ""
        return _ESCAPE.sub(lambda escape: escape.group() if len(escape.group()) > 1 else r"\\", found)

    return _SLIPS.sub(mend, text)


def read_reply(text: str) -> Found | None:
    """Candidates and asks of the first object that holds any, else the last that was meant as one; None where
    the text holds no such object."""
    seen: Found | None = None
    for value in objects(text, ("diagnosis", "candidates", "asks", "edits")):
        if not value.keys() & {"diagnosis", "candidates", "asks", "edits"}:
            if not value.keys() & _ROW:
                continue
            value = {"edits": [value]}
        seen = _reply(value)
        if seen.candidates or seen.asks:
            return seen
    return seen


def _reply(value: Mapping[str, object]) -> Found:
    problems: list[str] = []
    listed = value.get("candidates", [])
    rows = list(listed) if isinstance(listed, list) else [listed]
    if "edits" in value:
        rows.insert(0, value["edits"])
    candidates = []
    for row in rows[:MAX_CANDIDATES]:
        edits = row.get("edits") if isinstance(row, dict) else row
        if isinstance(row, dict) and len(rows) == 1 and row.keys() & _ROW:
            edits = [row]
        if edits == [] or edits is None:
            continue
        try:
            candidates.append(_candidate(edits if isinstance(edits, list) else [edits]))
        except ValueError as error:
            problems.append(str(error))
    asks = value.get("asks", [])
    found = [_ask(row) for row in asks] if isinstance(asks, list) else []
    diagnosis = value.get("diagnosis", "")
    return Found(
        prose=diagnosis if isinstance(diagnosis, str) else "",
        candidates=tuple(candidates),
        asks=tuple(ask for ask in found if ask is not None),
        problem=problems[0] if problems else "",
    )


def _candidate(rows: Sequence[object]) -> Candidate:
    """Raises ValueError with what is wrong."""
    if len(rows) > MAX_CHANGES:
        raise ValueError(f"more than {MAX_CHANGES} edits")
    return tuple(change for row in rows for change in _changes(row))


def _changes(row: object) -> tuple[Change, ...]:
    if not isinstance(row, dict):
        raise ValueError("an edit is no object")
    path = _text(row, "path", "file", "filename") or ""
    if diff := _text(row, "diff", "patch"):
        changes = diff_changes(diff, path)
        if not changes:
            raise ValueError("the diff of an edit cannot be read")
        return changes
    search = _text(row, "search", "old_str", "old_string", "old", "find")
    replace = _text(row, "replace", "new_str", "new_string", "new", "replacement")
    content = _text(row, "content")
    if not path and not search:
        raise ValueError("an edit names no file")
    if row.get("delete") is True:
        return (Delete(path),)
    if content is not None and not search:
        return (Whole(path, content),)
    if replace is None:
        raise ValueError(f"an edit of {path} has no text to put in")
    return (Replace(path, search or "", replace),)


def _text(row: Mapping[str, object], *names: str) -> str | None:
    """The first of the fields that is text, or lines of text; with line feeds alone at line ends."""
    for name in names:
        value = row.get(name)
        if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
            value = "\n".join(value)
        if isinstance(value, str):
            return value.replace("\r\n", "\n")
    return None


def _ask(row: object) -> Ask | None:
    if not isinstance(row, dict):
        return None
    first, last = row.get("first"), row.get("last")
    return make_ask(
        row.get("kind"),
        row.get("what"),
        first if type(first) is int else 0,
        last if type(last) is int else 0,
    )
