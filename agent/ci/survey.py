"""The base looked at once for all tasks of a job: environment, suite, what fails always, and why alike."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from agent import fold, prepare, work
from agent.ci.failing import Reported
from agent.ci.flaky import MORE_LOOKS, FlakyTest, flaky_test
from agent.errors import AgentError
from agent.events import RunStarted, StepDone
from agent.forecast import paying_looks
from agent.observations import Observation, StepRefused
from agent.options import PREPARATIONS
from agent.policies import MARGINAL
from agent.prepare import Looks, baseline_run, look
from agent.runners import PYTHON_RUNNERS
from agent.state import State
from agent.world import World
from policies.vocabulary import EXIT_CODES, Bill, Step
from tools.repair.causes import grouped
from tools.repair.localise import Traced

LOOKS = 2
"""Looks at each failing test alone, at least; with the suite's that makes three."""


class SurveyEnded(AgentError):
    """The job ends before there is a task, as a step of the survey was refused."""

    def __init__(self, refused: StepRefused) -> None:
        super().__init__(refused.message)
        self.exit_code = EXIT_CODES[refused.outcome]


@dataclass(frozen=True)
class Survey:
    """What is known of the base. state: with intake, environment and baseline folded in. groups: tests that
    fail always, by likely cause. passing: reported, and passing here; unknown: reported, and not here."""

    state: State
    looks: Looks
    traced: Traced | None
    groups: tuple[tuple[str, ...], ...]
    flaky: tuple[FlakyTest, ...] = ()
    passing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def traced_for(self, tests: Sequence[str]) -> Traced | None:
        """What tests execute, without those that are no witnesses of this task: flaky ones, and those of a
        group that was taken apart as no patch mends all of it."""
        if self.traced is None:
            return None
        apart = {test for group in self.groups if set(group) & set(tests) for test in group} - set(tests)
        others = apart | {each.test for each in self.flaky}
        traces = (each for each in self.traced.traces if each.id not in others)
        return replace(self.traced, traces=tuple(traces))

    def reaches(self, test: str, paths: Collection[str]) -> bool:
        """Whether the test executes a statement of these files on the base; True where nobody knows."""
        return self.traced is None or self.traced.reaches(test, paths)


def survey(world: World, reported: Reported, finish_by: float) -> Survey:
    """Look at the base within the time until `finish_by` (monotonic seconds).

    Raises SurveyEnded where there is no task to be had from it, and SandboxError, ImageError, UsageError.
    """
    world.finish_by = finish_by
    state = fold.start(RunStarted(run_id="", time=0, versions={}, policy=MARGINAL, settings=world.settings))
    for name, step in (
        ("intake", prepare.intake),
        ("environment", prepare.environment),
        ("baseline", prepare.baseline),
    ):
        began = time.monotonic()
        seen = step(world, state)
        if isinstance(seen, StepRefused):
            raise SurveyEnded(seen)
        state = after(state, PREPARATIONS[name], seen, time.monotonic() - began)
    suite = baseline_run(world, state)
    asked, unknown = state.baseline.failing if state.baseline else (), tuple[str, ...]()
    if reported.source:
        asked, unknown = reported.among(tuple(dict.fromkeys((*suite.collected, *asked))))
    if not asked:
        return Survey(state, Looks.none(), None, (), unknown=unknown)
    looks = _looked(world, state, asked, LOOKS)
    in_suite = set(state.baseline.failing if state.baseline else ())
    failed = {test: looks.failures[test] + (test in in_suite) for test in asked}
    always = [test for test in asked if failed[test] == looks.runs + 1]
    mixed = tuple(test for test in asked if 0 < failed[test] <= looks.runs)
    flaky = _rates(world, state, mixed, failed, looks) if mixed else ()
    if more := paying_looks(len(always), looks.runs + 1, looks.seconds_each, state.prices):
        looks = looks.and_again(_looked(world, state, tuple(always), more))
        sometimes = [test for test in always if looks.passes[test]]
        flaky += tuple(flaky_test(test, looks.failures[test] + 1, looks.runs + 1) for test in sometimes)
        always = [test for test in always if test not in sometimes]
    traceable = always and state.runner in PYTHON_RUNNERS
    traced = work.trace(world, state, suite, always) if traceable else None
    groups = grouped(traced.traces, always) if traced else tuple((test,) for test in always)
    passing = tuple(test for test in asked if failed[test] == 0)
    return Survey(state, looks, traced, groups, flaky, passing, unknown)


def after(state: State, step: Step, seen: Observation, seconds: float = 0.0) -> State:
    """The state once the step came to this, without a trace."""
    return fold.apply(state, StepDone(step=step, observation=seen, bill=Bill(seconds=seconds)))


def _looked(world: World, state: State, tests: tuple[str, ...], times: int) -> Looks:
    found = look(world, state, tests, times)
    if isinstance(found, StepRefused):
        raise SurveyEnded(found)
    return found


def _rates(
    world: World, state: State, mixed: tuple[str, ...], failed: dict[str, int], looks: Looks
) -> tuple[FlakyTest, ...]:
    more = _looked(world, state, mixed, MORE_LOOKS)
    runs = looks.runs + 1 + more.runs
    return tuple(flaky_test(test, failed[test] + more.failures[test], runs) for test in mixed)
