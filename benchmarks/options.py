"""Types of command line options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: whole numbers from `least` on."""

    def number(text: str) -> int:
        if not (text.isdecimal() and len(text) < 10 and int(text) >= least):
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
        return int(text)

    return number


def some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """An argparse type: some of the names, with commas between."""

    def names(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(
                f"no such part: {', '.join(unknown)}; there are {', '.join(known)}"
            )
        return found

    return names
