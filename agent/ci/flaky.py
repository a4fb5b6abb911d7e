"""Tests that fail by chance: named with their rate, found by repeats of the suite while these pay."""

from __future__ import annotations

import time
from collections import Counter

from agent.forecast import estimates
from agent.observations import StepRefused
from agent.patience import on_base
from agent.prepare import baseline_run, look
from agent.state import State
from agent.task import Record
from agent.world import World
from policies.flaky import failure_rate, repeat_pays

MORE_LOOKS = 8
"""At tests that failed and passed, to tell how often."""

SPARE = 2.0
"""A repeat is begun with so many times its expected seconds left."""


class FlakyTest(Record):
    """A test that failed in `failed` of `looks` runs of the same tree; the rate at which it fails, and its
    95 % interval. asked: it is one of the failures that the job was about."""

    test: str
    failed: int
    looks: int
    rate: float
    low: float
    high: float
    asked: bool = True

    def line(self) -> str:
        """As the list for a team has it."""
        rate = f"{self.rate:.0%} ({self.low:.0%} to {self.high:.0%})"
        return f"{self.test}: failed {self.failed} of {self.looks} times, {rate}"


def flaky_test(test: str, failed: int, looks: int, asked: bool = True) -> FlakyTest:
    """With the rate at which it fails."""
    rate = failure_rate(failed, looks)
    return FlakyTest(
        test=test, failed=failed, looks=looks, rate=rate.mean, low=rate.low, high=rate.high, asked=asked
    )


def found_by(state: State) -> tuple[FlakyTest, ...]:
    """Of the tests that a task was for, those that were seen to pass without a patch, too."""
    seen = zip(state.targets, state.belief.flakiness, strict=True)
    return tuple(flaky_test(test, each.fails, each.passes + each.fails) for test, each in seen if each.passes)


def looked_for(world: World, state: State, seconds: float) -> tuple[FlakyTest, ...]:
    """Of the tests that passed in the baseline, those that a repeat of the suite on the base sees fail.

    Repeated while it pays: what a person's glance costs is saved for each that is found. `seconds`: what is
    left. With those that were seen to be flaky already (`World.flaky`). Raises SandboxError.
    """
    assert world.sandbox is not None
    world.finish_by = time.monotonic() + seconds
    first, settings, prior = baseline_run(world, state), state.settings, estimates(state).flakiness
    passing = {test for test in first.collected if first.passed(test)}
    each, price = first.seconds, settings.prices.latency * first.seconds
    worth, looks, failed = settings.schedule.attention.glance, 1, Counter(dict.fromkeys(world.flaky, 0))
    while seconds > SPARE * each and repeat_pays(len(passing - set(failed)), looks, prior, worth, price):
        with world.edited(world.sandbox, ()):
            limits = on_base(world, state, SPARE * each)
            run = world.run_tests(world.sandbox, None, limits, f"looking for flaky tests, run {looks}")
        if not run.complete:
            break
        looks, seconds = looks + 1, seconds - run.seconds
        failed.update(test for test in passing if test in run.verdicts and run.verdicts[test].bad)
    return _rates(world, state, failed, looks, seconds) if failed else ()


def _rates(
    world: World, state: State, failed: Counter[str], looks: int, seconds: float
) -> tuple[FlakyTest, ...]:
    """With more looks at each alone, where there is time for them."""
    tests, more, times = tuple(sorted(failed)), Counter[str](), 0
    if seconds > SPARE * MORE_LOOKS:
        seen = look(world, state, tests, MORE_LOOKS)
        if not isinstance(seen, StepRefused):
            more, times = Counter(seen.failures), seen.runs
    found = []
    for test in tests:
        before, looked = world.flaky.get(test, (0, 0))
        if count := before + failed[test] + more[test]:
            found.append(flaky_test(test, count, looked + looks + times, asked=False))
    return tuple(found)
