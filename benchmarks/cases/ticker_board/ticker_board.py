"""Texts that run across the display over the door of a bus."""

from __future__ import annotations

from collections.abc import Iterator


def frames(text: str, width: int) -> list[str]:
    """What is seen moment by moment: the text comes in from the right and leaves to the left.

    A text that fits stands still in the middle.
    """
    if len(text) <= width:
        return [text.center(width)]
    blank = " " * width
    strip = blank + text + blank
    return [strip[start : start + width] for start in range(1, len(text) + width)]


def shown(texts: list[str], width: int, still: int) -> Iterator[str]:
    """All frames of all texts; one that stands still does so for `still` moments."""
    for text in texts:
        moments = frames(text, width)
        if len(moments) == 1:
            moments = moments * still
        yield from moments


def seconds(texts: list[str], width: int, still: int = 8, per_second: int = 4) -> float:
    return sum(1 for _ in shown(texts, width, still)) / per_second
