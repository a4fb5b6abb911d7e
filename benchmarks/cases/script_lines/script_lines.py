"""Who says what in the script of a play: lines such as `ANNA (softly): Come in. (pause) Sit down.`"""

from __future__ import annotations

import re

LINE = re.compile(r"([A-Z][A-Z ]*?)\s*(?:\((.*?)\))?:\s*(.*)")
ASIDE = re.compile(r"\s*\(.*?\)")


def speeches(script: str) -> list[tuple[str, str]]:
    """Speaker and spoken words; a line without a speaker goes on with the speech before it."""
    found: list[tuple[str, str]] = []
    for line in script.strip().splitlines():
        match = LINE.fullmatch(line.strip())
        if match:
            found.append((match[1], ASIDE.sub("", match[3])))
        elif found:
            speaker, words = found[-1]
            found[-1] = (speaker, words + " " + ASIDE.sub("", line).strip())
    return found


def word_counts(script: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for speaker, words in speeches(script):
        counts[speaker] = counts.get(speaker, 0) + len(words.split())
    return counts
