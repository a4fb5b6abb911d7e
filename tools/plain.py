"""Untrusted text made safe for a terminal and a CI log. Callers print the result without markup."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls (escape sequences need one of them to begin), and the characters that reorder or
# hide text: bidirectional controls, zero-width characters, line and paragraph separators, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# What CI services obey: `::command::` (also `##[command]`, `##vso[...]`, `##teamcity[...]`). Some of them look
# for the marker anywhere in a line, so `##name[` is broken wherever it stands.
_LINE_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
_BREAK = "\N{MIDDLE DOT}"
CUT = " …[cut]"


def plain(text: str, limit: int = 4000) -> str:
    """The text with controls shown as `\\xNN`, CI commands broken up, and at most `limit` characters.

    Tabs and line feeds stay; CR LF becomes LF. Idempotent within the limit.
    """
    text = text[: limit + 1].replace("\r\n", "\n")
    text = _HIDDEN.sub(_shown, text)
    text = "".join(_shown_surrogate(c) if unicodedata.category(c) == "Cs" else c for c in text)
    text = _LINE_COMMAND.sub(rf"\1{_BREAK}", text)
    text = _HASH_COMMAND.sub(_BREAK, text)
    return text if len(text) <= limit else text[: max(limit - len(CUT), 0)] + CUT[:limit]


def plain_line(text: str, limit: int = 300) -> str:
    """As `plain`, on one line."""
    return plain(" ".join(text[: 4 * limit].split()), limit)


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _shown_surrogate(character: str) -> str:
    return f"\\u{ord(character):04x}"
