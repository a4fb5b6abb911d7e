"""A failure's text made short: what was asserted and where it was raised stay, with head and tail."""

from __future__ import annotations

import re

from tools.plain import plain

MAX_LINE = 300
MAX_TEXT = 40_000
_SAID = re.compile(r"E( |$)")  # pytest's mark of what was raised
_PLACE = re.compile(r"\S+:\d+: |  File \"")
_SOURCE = re.compile(r" {4,}\S")


def trimmed(text: str, limit: int) -> str:
    """At most about `limit` bytes of a failure's text, in its order; a line of … stands for what is left out.

    In pytest's form the lines of source around the one that raised are left out first: the code is shown
    beside it.
    """
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT // 4]}\n{text[-3 * MAX_TEXT // 4 :]}"
    text = plain(text, 8 * MAX_TEXT).strip("\n")
    lines = [line.rstrip()[:MAX_LINE] for line in text.split("\n")]
    said = [n for n, line in enumerate(lines) if _SAID.match(line)]
    numbers = [n for n, line in enumerate(lines) if line and not (said and _SOURCE.match(line))]
    kept: set[int] = set()
    left = limit
    for number in _by_weight(lines, numbers, said):
        size = len(lines[number].encode()) + 1
        if number not in kept and size <= left:
            kept.add(number)
            left -= size
    shown: list[str] = []
    for number in numbers:
        if number in kept:
            shown.append(lines[number])
        elif not shown or shown[-1] != "…":
            shown.append("…")
    return "\n".join(shown)


def _by_weight(lines: list[str], numbers: list[int], said: list[int]) -> list[int]:
    """Line numbers, what tells most first: the beginning of what was raised last, the places nearest to it,
    then the end and the beginning in turns."""
    beginnings = set(said)
    last = next((n for n in reversed(said) if n - 1 not in beginnings), len(lines))
    raised = [n for n in said if n >= last][:12]
    places = [n for n in reversed(numbers) if _PLACE.match(lines[n]) or lines[n].startswith(">")][:16]
    ends: list[int] = []
    for position in range((len(numbers) + 1) // 2):
        ends += [numbers[-1 - position], numbers[position]]
    return [*raised, *places, *ends]
