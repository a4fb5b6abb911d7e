"""How long a client waits between its attempts to reach a server."""

from __future__ import annotations

from collections.abc import Iterator


def delays(first: float, factor: float, most: float, budget: float) -> Iterator[float]:
    """Seconds before each new attempt: growing up to `most`, as long as the whole stays within `budget`."""
    delay = first
    spent = 0.0
    while spent + delay <= budget:
        yield delay
        spent += delay
        delay = min(delay * factor, most)


def attempts(first: float, factor: float, most: float, budget: float) -> int:
    """How often the server is called, the first time included."""
    return 1 + sum(1 for _ in delays(first, factor, most, budget))


def describe(waits: Iterator[float]) -> str:
    return ", ".join(f"{wait:g} s" for wait in waits) or "no second attempt"
