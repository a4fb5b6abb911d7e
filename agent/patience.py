"""How long each test may run. One that was seen to hang gets less from then on, with a patch in place too, so
that it is judged by one measure before and after."""

from __future__ import annotations

from dataclasses import replace

from agent.state import State
from agent.targets import reason
from agent.world import World
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, VerdictOutcome

COMPUTING_SECONDS = 10.0
"""CPU time after which a target that is said to fail is taken to hang when it is looked at first. A test that
waits (for a server, for a process) does not use it up."""

AGAIN_SECONDS = 1.0
"""For a test that hung before, where nothing depends on it: it failed, and has only to do so again."""


def reproducing(world: World, state: State, seconds: float) -> RunLimits:
    """Bounds of a look at the targets of the base."""
    return replace(on_base(world, state, seconds), computing_seconds=COMPUTING_SECONDS)


def on_base(world: World, state: State, seconds: float) -> RunLimits:
    """Bounds of a run of the base's tests."""
    again = tuple((test, AGAIN_SECONDS) for test in hanging(state))
    return replace(world.run_limits(seconds), hanging=again)


def judging(world: World, state: State, seconds: float) -> RunLimits:
    """Bounds of a run with a patch: a target that hung has the time that showed it."""
    targets = set(state.targets)
    again = tuple((test, COMPUTING_SECONDS if test in targets else AGAIN_SECONDS) for test in hanging(state))
    return replace(world.run_limits(seconds), hanging=again)


def hung(run: SuiteRun) -> tuple[str, ...]:
    """The tests that ran into their time limit."""
    return tuple(test for test, verdict in run.verdicts.items() if verdict.outcome is VerdictOutcome.TIMEOUT)


def starved(run: SuiteRun) -> tuple[str, ...]:
    """The tests that ran out of memory, as a loop without end does that stores something."""
    return tuple(
        test
        for test, verdict in run.verdicts.items()
        if verdict.bad and "MemoryError" in reason(verdict.message)
    )


def hanging(state: State) -> tuple[str, ...]:
    """The tests that ran into their time limit on the base."""
    looks = (state.reproduction, state.baseline)
    return tuple(sorted({test for seen in looks if seen is not None for test in seen.hanging}))
