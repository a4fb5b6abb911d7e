"""Flaky tests are looked for while repeats of the suite pay, and named with their rate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.ci import flaky
from agent.ci.flaky import MORE_LOOKS, flaky_test, looked_for
from agent.events import RunStarted
from agent.fold import start
from agent.prepare import Looks
from agent.state import State
from agent.task import Settings
from policies.priors import repair_tier
from policies.vocabulary import Prices
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

TESTS = tuple(f"t.py::test_{number}" for number in range(200))


def suite(*failing: str, seconds: float = 5.0, complete: bool = True) -> SuiteRun:
    outcomes = {test: VerdictOutcome.FAILED if test in failing else VerdictOutcome.PASSED for test in TESTS}
    verdicts = {test: Verdict(test, outcome) for test, outcome in outcomes.items()}
    return SuiteRun(TESTS, verdicts, complete=complete, seconds=seconds)


@dataclass
class Stub:
    """As much of a world as is asked for. runs: of the suite, one after the other."""

    runs: Iterator[SuiteRun]
    bought: int = 0
    sandbox: str = "a sandbox"
    finish_by: float = 0.0
    flaky: dict[str, tuple[int, int]] = field(default_factory=dict)
    looks: list[tuple[str, ...]] = field(default_factory=list)

    @contextmanager
    def edited(self, sandbox: str, edits: Any) -> Iterator[None]:
        yield

    def run_tests(self, *arguments: Any) -> SuiteRun:
        self.bought += 1
        return next(self.runs)


def found(
    monkeypatch: pytest.MonkeyPatch,
    *runs: SuiteRun,
    latency: float = 0.01,
    seconds: float = 900.0,
    known: dict[str, tuple[int, int]] | None = None,
) -> tuple[dict[str, tuple[int, int]], Stub]:
    """Tests that were named, with failures and looks; each fails three more times alone."""
    world = Stub(iter(runs[1:]), flaky=known or {})
    settings = Settings(repository="r", tiers=(repair_tier(),), prices=Prices(latency=latency))
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))

    def look(world: Any, state: State, tests: tuple[str, ...], times: int) -> Looks:
        world.looks.append(tests)
        return Looks(times, {}, dict.fromkeys(tests, 3), {}, 0.1, frozenset())

    monkeypatch.setattr(flaky, "baseline_run", lambda world, state: runs[0])
    monkeypatch.setattr(flaky, "on_base", lambda *arguments: None)
    monkeypatch.setattr(flaky, "look", look)
    named = looked_for(world, state, seconds)  # type: ignore[arg-type]
    return {each.test: (each.failed, each.looks) for each in named}, world


def test_repeats_are_bought_while_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    named, world = found(monkeypatch, *[suite()] * 9)
    assert (named, world.bought, world.looks) == ({}, 4, [])
    _, world = found(monkeypatch, *[suite()] * 9, latency=1.0)
    assert world.bought == 0
    _, world = found(monkeypatch, *[suite(seconds=300.0)] * 9)
    assert world.bought == 0


def test_what_failed_in_a_repeat_is_named_with_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    red = TESTS[0]  # fails in the baseline: it is no flaky bystander
    runs = [suite(red), suite(red, TESTS[7]), *[suite(red)] * 3]
    named, world = found(monkeypatch, *runs)
    assert named == {TESTS[7]: (1 + 3, 5 + MORE_LOOKS)}
    assert world.looks == [(TESTS[7],)]


def test_one_that_verifying_showed_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    named, _ = found(monkeypatch, *[suite()] * 9, known={TESTS[3]: (2, 8)})
    assert named == {TESTS[3]: (2 + 3, 8 + 5 + MORE_LOOKS)}


def test_what_was_seen_is_named_though_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    named, _ = found(monkeypatch, *[suite()] * 9, known={TESTS[3]: (2, 8)}, seconds=5.0)
    assert named == {TESTS[3]: (2, 9)}


def test_no_time_no_repeat_and_a_broken_one_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, world = found(monkeypatch, *[suite()] * 9, seconds=9.0)
    assert world.bought == 0
    named, world = found(monkeypatch, suite(), suite(TESTS[1], complete=False))
    assert (named, world.bought) == ({}, 1)


def test_a_line_for_the_list_of_a_team() -> None:
    assert flaky_test("t.py::a", 3, 10).line() == "t.py::a: failed 3 of 10 times, 30% (11% to 60%)"
