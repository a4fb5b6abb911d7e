"""Literal strings in Python source, found by a scan in linear time: nothing is parsed, nothing is run.

The scan knows strings, commas and brackets, and ends at anything else (a name, an f-string, a backslash).
What it has then is a hint of what the code says, never more than strings that plainly stand there.
"""

from __future__ import annotations

import re

_MAX_TOKENS = 4000
_MAX_ENTRIES = 200
_TOKEN = re.compile(r"""\s+|\#[^\n]*|[uU]?"(?!"")[^"\\\n]*"|[uU]?'(?!'')[^'\\\n]*'|[,\])]""")
_KEY = re.compile(r"""(?:[\s,]|\#[^\n]*\n)*["']([\w.-]{1,100})["']\s*:\s*""")
_NAME = re.compile(r"[A-Za-z_]\w{0,60}\b")


def keyword_list(source: str, keyword: str) -> tuple[list[str], bool]:
    """(The strings of the list in `keyword = [...]`, whether it is plain to its end.)

    A name in place of the list stands for what is assigned to that name at the start of a line. Without such
    a keyword the answer is an empty plain list.
    """
    position = _value_of(source, keyword)
    if position is None:
        return [], True
    found, plain, _ = _list_at(source, position)
    return found, plain


def keyword_table(source: str, keyword: str) -> dict[str, list[str]]:
    """The lists of strings in `keyword = {"name": [...], ...}`, up to the first that is not plain."""
    found: dict[str, list[str]] = {}
    position = _value_of(source, keyword)
    if position is None or source[position : position + 1] != "{":
        return found
    position += 1
    while len(found) < _MAX_ENTRIES and (key := _KEY.match(source, position)):
        name = _NAME.match(source, key.end())
        values, plain, position = _list_at(source, _follow(source, key.end()))
        if not plain:
            break
        found[key[1]] = values
        position = name.end() if name else position
    return found


def keyword_string(source: str, keyword: str) -> str:
    """The string in `keyword = "..."`, or ""."""
    position = _value_of(source, keyword)
    token = _TOKEN.match(source, position) if position is not None else None
    text = token[0].lstrip("uU") if token else ""
    return text[1:-1] if text[:1] in ("'", '"') else ""


def arguments(source: str, position: int) -> list[str]:
    """The literal strings a call begins with; `position` is that of its opening bracket."""
    return _list_at(source, position)[0]


def _value_of(source: str, keyword: str) -> int | None:
    """Where the value begins that the source gives to a keyword."""
    match = re.search(rf"(?<![\w.]){keyword}\s*=(?!=)\s*", source)
    return _follow(source, match.end()) if match else None


def _follow(source: str, position: int) -> int:
    """`position`, or where the value assigned to the name that stands there begins."""
    name = _NAME.match(source, position)
    match = re.search(rf"^{name[0]}\s*=(?!=)\s*", source, re.MULTILINE) if name else None
    return match.end() if match else position


def _list_at(source: str, position: int) -> tuple[list[str], bool, int]:
    """(The strings of the list at `position`, whether it is plain, where it or the plain part of it ends.)"""
    found: list[str] = []
    pieces: list[str] = []
    if source[position : position + 1] not in ("[", "("):
        return found, False, position
    position += 1
    for _ in range(_MAX_TOKENS):
        token = _TOKEN.match(source, position)
        if not token:
            break
        text, position = token[0].lstrip("uU"), token.end()
        if text[0] in "\"'":
            pieces.append(text[1:-1])  # strings next to each other are one
        elif text[0] in ",])":
            found += ["".join(pieces)] if pieces else []
            pieces = []
            if text != ",":
                return found, True, position
    return found, False, position
