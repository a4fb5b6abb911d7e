"""A target that a candidate passed and then failed, on the same tree: looked at again, without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from agent import doubt
from agent.ci.flaky import found_by
from agent.doubt import looked_again, looked_without
from agent.events import RunStarted, StepDone
from agent.fold import apply, start
from agent.forecast import DOUBTFUL_LOOKS, estimates, looks_without
from agent.observations import (
    AttemptDone,
    CheckDone,
    Counts,
    Observation,
    ReproductionDone,
    StepRefused,
    SubmissionDone,
)
from agent.prepare import Looks
from agent.state import State
from agent.task import Settings
from agent.world import Final
from policies.belief import hand_right
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Bill, Check, Outcome, Step, StepKind
from tools.files import FileEdit
from tools.repair.localise import TestTrace, Traced
from tools.verdicts import SuiteRun

ONE, TWO = "t.py::one", "t.py::two"
ATTEMPT = Step(StepKind.ACT, ActionClass.DRAFT, tier="repair")


def seen(state: State, observation: Observation) -> State:
    return apply(state, StepDone(step=ATTEMPT, observation=observation, bill=Bill()))


def with_candidate() -> State:
    """Both targets failed twice; a candidate passes them."""
    settings = Settings(repository="r", tests=(ONE, TWO), tiers=(repair_tier(),))
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    state = replace(state, belief=replace(state.belief, preparations=("reproduce",)))
    state = seen(state, ReproductionDone(targets=(ONE, TWO), runs=2, passes=(0, 0), seconds_each=0.1))
    return seen(state, AttemptDone(tier="repair", patch="p", tree="t", description="a patch"))


def looks(*passes: int) -> ReproductionDone:
    return ReproductionDone(targets=(TWO,), runs=8, passes=passes, seconds_each=0.1)


FAILED = [
    CheckDone(check=Check.SUITE, key="k", passed=False, counts=Counts()),
    SubmissionDone(verified=False, key="k", reasons=("t.py::two fails alone",)),
]


@pytest.mark.parametrize("failed", FAILED, ids=["check", "submission"])
def test_one_that_passes_without_the_candidate_is_flaky(failed: CheckDone | SubmissionDone) -> None:
    state = seen(with_candidate(), failed.model_copy(update={"looked": looks(3)}))
    assert state.ended is Outcome.FLAKY
    assert state.explanation == "fails only sometimes: t.py::two (3 of 8 more looks passed)"


@pytest.mark.parametrize("failed", FAILED, ids=["check", "submission"])
def test_one_that_never_passes_is_hardly_flaky(failed: CheckDone | SubmissionDone) -> None:
    before = with_candidate()
    state = seen(before, failed.model_copy(update={"looked": looks(0)}))
    assert state.ended is None and state.hand is None
    assert [each.fails for each in state.belief.flakiness] == [2, 10]
    again = AttemptDone(tier="repair", patch="q", tree="u", description="another")
    alike = seen(seen(before, failed), again)
    surer = seen(state, again)
    assert hand_right(surer.belief, estimates(surer)) > hand_right(alike.belief, estimates(alike))


@dataclass
class Stub:
    """As much of a world as is asked for."""

    left: float
    traced: Any = None


def asked(monkeypatch: pytest.MonkeyPatch, left: float, state: State, answer: Any) -> list[tuple[Any, int]]:
    calls: list[tuple[Any, int]] = []

    def look(world: Any, state: Any, tests: Any, times: int) -> Any:
        calls.append((tests, times))
        return answer

    monkeypatch.setattr(doubt, "look", look)
    looked_again(Stub(left), state, (TWO,))  # type: ignore[arg-type]
    return calls


NONE = Looks(8, {TWO: 0}, {TWO: 8}, {TWO: "said"}, 0.1, frozenset())


def test_as_many_looks_as_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    state = with_candidate()
    assert asked(monkeypatch, 100.0, state, NONE) == [((TWO,), DOUBTFUL_LOOKS)]
    assert asked(monkeypatch, 0.5, state, NONE) == [((TWO,), 3)]
    assert asked(monkeypatch, 0.1, state, NONE) == []


def test_only_once_and_only_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    state = with_candidate()
    assert asked(monkeypatch, 100.0, replace(state, looked_again=looks(0)), NONE) == []
    monkeypatch.setattr(doubt, "look", lambda *arguments: pytest.fail("looked"))
    assert looked_again(Stub(100.0), state, ()) is None  # type: ignore[arg-type]


def test_what_cannot_be_run_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = StepRefused(outcome=Outcome.USAGE, message="no")
    monkeypatch.setattr(doubt, "look", lambda *arguments: refused)
    assert looked_again(Stub(100.0), with_candidate(), (TWO,)) is None  # type: ignore[arg-type]


def tracing(*executed: str) -> Traced:
    """Both targets execute a line of these files."""
    statements = frozenset((path, 1) for path in executed)
    traces = [TestTrace(test, "failed", 0.1, "", (), statements) for test in (ONE, TWO)]
    return Traced(tuple(traces), frozenset(), 0.1)


def bought(monkeypatch: pytest.MonkeyPatch, state: State, traced: Traced | None, left: float = 100.0) -> int:
    """Looks at the base once a candidate for src.py passes everything."""
    calls: list[int] = []

    def look(world: Any, state: Any, tests: Any, times: int) -> Looks:
        calls.append(times)
        return Looks(times, {ONE: 0, TWO: 1}, {}, {ONE: "", TWO: ""}, 0.1, frozenset())

    monkeypatch.setattr(doubt, "look", look)
    edits = (FileEdit("src.py", b""),)
    seen = looked_without(Stub(left, traced), state, (ONE, TWO), edits)  # type: ignore[arg-type]
    assert (seen.passes if seen else None) == ((0, 1) if calls else None)
    return sum(calls)


def test_what_passes_is_looked_at_without_the_candidate_as_often_as_pays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = with_candidate()
    paying = looks_without(state)
    assert 0 < bought(monkeypatch, state, tracing("src.py")) == paying <= DOUBTFUL_LOOKS
    slow = replace(state, reproduction=state.reproduction.model_copy(update={"seconds_each": 60.0}))  # type: ignore[union-attr]
    assert bought(monkeypatch, slow, tracing("src.py"), left=900.0) == 0
    assert bought(monkeypatch, replace(state, looked_again=looks(0)), None) == 0, "they were bought before"


def test_a_candidate_that_the_test_does_not_execute_is_doubted_at_any_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = with_candidate()
    slow = replace(state, reproduction=state.reproduction.model_copy(update={"seconds_each": 9.0}))  # type: ignore[union-attr]
    assert bought(monkeypatch, slow, tracing("other.py"), left=900.0) == DOUBTFUL_LOOKS
    assert bought(monkeypatch, slow, tracing("other.py"), left=30.0) == 2


def test_what_passes_without_the_candidate_is_not_its_merit() -> None:
    passed = SubmissionDone(verified=False, key="k", reasons=("t.py::two passes without it, too",))
    state = seen(with_candidate(), passed.model_copy(update={"looked": looks(1)}))
    assert state.ended is Outcome.FLAKY
    assert [found.test for found in found_by(state)] == [TWO]
    assert (found_by(state)[0].failed, found_by(state)[0].looks) == (9, 10)


def test_a_final_run_names_the_targets_that_pass_by_chance() -> None:
    run = SuiteRun((), {}, complete=True)
    final = Final(run, run, "key", without=looks(2))
    assert final.by_chance((ONE, TWO)) == (TWO,)
    assert final.by_chance((ONE,)) == () == Final(run, run, "key").by_chance((TWO,))
