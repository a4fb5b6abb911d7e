"""Which paths a patch changes, read from its text: one that others made, so bounded and never applied."""

from __future__ import annotations

import re

MAX_BYTES = 64 * 2**20
_HUNK = re.compile(rb"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_WITHIN = (b" ", b"-", b"+", b"\\", b"", b"\r")
_NAMED = (b"rename from ", b"rename to ", b"copy from ", b"copy to ")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def changed_paths(patch: bytes) -> tuple[str, ...]:
    """The paths that a unified diff, as git writes it, changes, in their order; of a renamed file both.

    Raises ValueError for what is no patch, or too large.
    """
    if len(patch) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 2**20} MB")
    paths, before, after = dict[str, None](), 0, 0
    for line in patch.split(b"\n"):
        if (before > 0 or after > 0) and line[:1] in _WITHIN:  # a line of a hunk may look like anything
            before -= line[:1] in (b" ", b"-", b"", b"\r")
            after -= line[:1] in (b" ", b"+", b"", b"\r")
        elif found := _HUNK.match(line):
            before, after = (1 if number is None else int(number[:9]) for number in found.groups())
        else:
            paths |= dict.fromkeys(_named_in(line.rstrip(b"\r")))
    if not paths:
        raise ValueError("it names no file: it is no patch, or an empty one")
    return tuple(paths)


def _named_in(line: bytes) -> tuple[str, ...]:
    """The paths that a line of a header names."""
    if line.startswith((b"--- ", b"+++ ")):
        name = _unquoted(line[4:].split(b"\t")[0] if line[4:5] != b'"' else line[4:].rstrip())
        return () if name == b"/dev/null" else (_text(_without_side(name)),)
    for word in _NAMED:
        if line.startswith(word):
            return (_text(_unquoted(line[len(word) :])),)
    if line.startswith(b"diff --git "):
        return _of_both(line[len(b"diff --git ") :])
    return ()


def _of_both(names: bytes) -> tuple[str, ...]:
    """`a/X b/X`, where X may hold blanks; other names follow in the header's own lines."""
    if names.startswith(b'"'):
        return (_text(_without_side(_unquoted(names[: names.find(b'" ') + 1]))),)
    half = len(names) // 2
    one, other = names[:half], names[half + 1 :]
    if _without_side(one) == _without_side(other):
        return (_text(_without_side(one)),)
    return ()


def _without_side(name: bytes) -> bytes:
    return name[2:] if name[:2] in (b"a/", b"b/") else name


def _unquoted(name: bytes) -> bytes:
    """As git quotes names with special characters."""
    if len(name) < 2 or not (name.startswith(b'"') and name.endswith(b'"')):
        return name
    return _ESCAPE.sub(_meant, name[1:-1])


def _meant(escape: re.Match[bytes]) -> bytes:
    letter = escape[1]
    if len(letter) == 3:
        return bytes([int(letter, 8) & 0xFF])
    return _LETTERS.get(letter, letter)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
