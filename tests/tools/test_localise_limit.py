"""The time limit of a traced test: where it may interrupt, and where it waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tools.inside.repair.session import TooSlow, Watch

TRACER = "/tracer/"
LIMIT = 0.05


def compiled(path: str, body: str) -> Callable[..., Any]:
    """A function of this body in a file of this name."""
    names: dict[str, Any] = {"time": time}
    exec(compile(f"def run(*given):\n{body}", path, "exec"), names)
    return names["run"]


def limited(work: Callable[[], object]) -> None:
    """The work, as long as the limit lets it."""
    hook = Watch("/repo", LIMIT, spared=TRACER).limited(LIMIT)
    next(hook)
    try:
        work()
    finally:
        next(hook, None)


def endless() -> None:
    while True:
        pass


@pytest.mark.parametrize("path", [f"{TRACER}lock.py", "/elsewhere/called_by_it.py"])
def test_a_tracer_is_not_left_with_its_lock_held(path: str) -> None:
    """It is called at every step of a test: a limit that fell into it would freeze all that comes after."""
    held = list[str]()
    busy = compiled(path, "    until = time.monotonic() + 0.1\n    while time.monotonic() < until: pass\n")
    steps = "    given[0].append('held')\n    given[1]()\n    given[0].clear()\n"
    traced = compiled(f"{TRACER}lock.py", steps)

    def work() -> None:
        traced(held, busy)
        endless()

    with pytest.raises(TooSlow):
        limited(work)
    assert held == []


def test_a_tracer_that_never_ends_is_interrupted_after_all() -> None:
    with pytest.raises(TooSlow):
        limited(compiled(f"{TRACER}lock.py", "    while True:\n        pass\n"))
