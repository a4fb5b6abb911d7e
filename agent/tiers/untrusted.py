"""Reading what a server sent, which may be anything: the SDKs give its JSON a type without checking it."""

from __future__ import annotations

from collections.abc import Mapping

MOST_COUNT = 1_000_000_000
"""No request has this many tokens; a server that says so is not believed."""


def part(value: object, *names: str) -> object:
    """The value at a path of attributes or keys, None where it leads nowhere."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def count(value: object) -> int | None:
    """A number of tokens or requests; None for anything else (missing, negative, text, absurdly large)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_COUNT else None


def items(value: object) -> list[object]:
    """The list, or nothing where it is none."""
    return list(value) if isinstance(value, (list, tuple)) else []


def words(value: object) -> str:
    """The text, or "" where it is none."""
    return value if isinstance(value, str) else ""


def without(text: str, secret: str) -> str:
    """The text with `secret` taken out of it."""
    return text.replace(secret, "[redacted]") if secret else text


def one_line(text: str, most: int = 200, secret: str = "") -> str:
    """Text as one line of at most `most` characters that any terminal may show, `secret` taken out of it."""
    line = " ".join("".join(char if char.isprintable() else " " for char in without(text, secret)).split())
    line = without(line, secret)  # it may have been broken, or spaced out
    return line if len(line) <= most else line[: most - 1] + "…"
