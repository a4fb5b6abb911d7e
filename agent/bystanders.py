"""A test beside the targets that passed before and fails now: by the candidate, or at random?"""

from __future__ import annotations

from collections.abc import Sequence

from agent.observations import StepRefused
from agent.prepare import baseline_run, look
from agent.state import State
from agent.world import World
from tools.files import FileEdit
from tools.verdicts import SuiteRun, regressions

FLAKY_LOOKS = 8
"""On either tree, at tests that seem to have regressed: one that fails every third time is found out to be
flaky with a probability of 0.96."""

MOST_SUSPECT = 10
"""More regressions are hardly chance."""


def bystanders(
    world: World, state: State, suite: SuiteRun, targets: tuple[str, ...], edits: tuple[FileEdit, ...]
) -> tuple[str, ...]:
    """The tests beside the targets that seem to have regressed in this run with the edits, and are flaky: run
    again, they fail on the base and pass with the edits, too. What one run says of them tells nothing."""
    suspect = regressions(baseline_run(world, state), suite, targets)
    return at_random(world, state, suspect, edits) if suite.complete else ()


def at_random(
    world: World, state: State, suspect: Sequence[str], edits: tuple[FileEdit, ...]
) -> tuple[str, ...]:
    """Those of them that fail on the base and pass with the edits, sometimes. How often they failed on the
    base is kept in `World.flaky`."""
    if not suspect or len(suspect) > MOST_SUSPECT:
        return ()
    before = look(world, state, tuple(suspect), FLAKY_LOOKS)
    after = look(world, state, tuple(suspect), FLAKY_LOOKS, edits)
    if isinstance(before, StepRefused) or isinstance(after, StepRefused):
        return ()
    found = tuple(test for test in suspect if before.failures[test] and after.passes[test])
    for test in found:
        failed, looks = world.flaky.get(test, (0, 0))
        world.flaky[test] = failed + before.failures[test], looks + before.runs
    if found:
        world.say(f"flaky, so it tells nothing: {', '.join(sorted(found))}")
    return found
