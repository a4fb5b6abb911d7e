"""Patches of several tasks in one tree."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tools.base import Base
from tools.files import FileEdit

MOST_COMPARED = 2_000
"""Lines; comparing takes the square of it. A longer stretch counts as one change."""


class Conflict(ValueError):
    """Two patches change the same lines of `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"it changes the same lines of {path} as another patch")
        self.path = path


def merged(base: Base, patches: Sequence[tuple[FileEdit, ...]]) -> tuple[FileEdit, ...]:
    """All of these edits of the base in one, merged line by line where they are of the same file.

    Raises Conflict.
    """
    together: dict[str, FileEdit] = {}
    for edit in (edit for patch in patches for edit in patch):
        other = together.get(edit.path)
        together[edit.path] = edit if other is None else _both(base.read(edit.path), other, edit)
    return tuple(together.values())


def _both(before: bytes | None, one: FileEdit, other: FileEdit) -> FileEdit:
    if one.content == other.content:
        return one
    if before is None or one.content is None or other.content is None:
        raise Conflict(one.path)
    old = before.splitlines(keepends=True)
    changes = {*_changes(old, one.content), *_changes(old, other.content)}  # the same one is made once
    lines, before_it = list[bytes](), _Change(-1, 0, ())
    for change in sorted(changes):
        if change.start < before_it.end or change.start == before_it.start:
            raise Conflict(one.path)
        lines += [*old[before_it.end : change.start], *change.lines]
        before_it = change
    return FileEdit(one.path, b"".join([*lines, *old[before_it.end :]]))


class _Change(NamedTuple):
    """Lines [start, end) become these."""

    start: int
    end: int
    lines: tuple[bytes, ...]


def _changes(old: list[bytes], content: bytes) -> list[_Change]:
    """From the first to the last line that differs, apart where lines between are the same."""
    new = content.splitlines(keepends=True)
    shorter = min(len(old), len(new))
    first = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    last = next((n for n in range(shorter - first) if old[-1 - n] != new[-1 - n]), shorter - first)
    before, after = old[first : len(old) - last], new[first : len(new) - last]
    if max(len(before), len(after)) > MOST_COMPARED:
        return [_Change(first, first + len(before), tuple(after))]
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        _Change(first + start, first + end, tuple(after[low:high]))
        for tag, start, end, low, high in codes
        if tag != "equal"
    ]
