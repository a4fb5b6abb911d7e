"""Untrusted text made safe for a terminal and a CI log. Callers print the result without markup."""

from __future__ import annotations

import re
import unicodedata

# Controls (escape sequences need one to begin), formats (they reorder or hide text: bidirectional
# overrides, zero-width characters, tags), lone surrogates, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What CI services obey: `::command::`, `##[command]`, `##vso[...]`, `##teamcity[...]`. Some look for the
# marker anywhere in a line, so `##name[` is broken wherever it stands.
_LINE_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
_BREAK = "\N{MIDDLE DOT}"
CUT = " …[cut]"


def plain(text: str, limit: int = 4000) -> str:
    """The text with hidden characters shown by number, CI commands broken up, at most `limit` characters.

    Tabs and line feeds stay; CR LF becomes LF. What is plain already is returned as it is.
    """
    too_long = len(text) > limit
    text = text[: limit + 1].replace("\r\n", "\n")
    text = "\n".join(map(_shown, text.split("\n")))
    text = _LINE_COMMAND.sub(rf"\1{_BREAK}", text)
    text = _HASH_COMMAND.sub(_BREAK, text)
    if too_long or len(text) > limit:
        return text[: max(limit - len(CUT), 0)] + CUT[: max(limit, 0)]
    return text


def plain_line(text: str, limit: int = 300) -> str:
    """As `plain`, on one line."""
    return plain(" ".join(text[: 4 * limit].split()), limit)


def _shown(line: str) -> str:
    if line.isprintable():  # as nearly every line is, and a look at each character takes long
        return line
    return "".join(character if _harmless(character) else _number(character) for character in line)


def _harmless(character: str) -> bool:
    return character == "\t" or unicodedata.category(character) not in _HIDDEN


def _number(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
