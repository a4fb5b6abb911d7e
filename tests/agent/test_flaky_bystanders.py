"""A test beside the targets that fails in the final verification: by the patch, or as it does without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from agent import bystanders as beside
from agent import work
from agent.bystanders import FLAKY_LOOKS, MOST_SUSPECT, bystanders
from agent.observations import CheckDone, StepRefused
from agent.prepare import Looks
from policies.vocabulary import Check, Outcome
from tools.files import FileEdit
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome, judge

EDITS = (FileEdit("a.py", b"x = 1\n"),)
TARGET = "t.py::target"


def suite(**passed: bool) -> SuiteRun:
    verdicts = {
        f"t.py::{name}": Verdict(f"t.py::{name}", VerdictOutcome.PASSED if ok else VerdictOutcome.FAILED)
        for name, ok in passed.items()
    }
    return SuiteRun(tuple(verdicts), verdicts, complete=True)


BASELINE = suite(target=False, beside=True, other=True)
AFTER = suite(target=True, beside=False, other=True)


@dataclass
class Stub:
    """As much of a world as is asked for."""

    said: list[str] = field(default_factory=list)
    flaky: dict[str, tuple[int, int]] = field(default_factory=dict)

    left: float = 100.0

    def say(self, text: str) -> None:
        self.said.append(text)

    def load(self, name: str) -> bytes:
        return b""

    def verdict_key(self, tree: str, ids: Any, limits: Any) -> str:
        return "key"


def looks(failures: int, runs: int = FLAKY_LOOKS) -> Looks:
    test = "t.py::beside"
    return Looks(runs, {test: runs - failures}, {test: failures}, {test: ""}, 0.1, frozenset())


def found(
    monkeypatch: pytest.MonkeyPatch, before: Any, after: Any, verified: SuiteRun = AFTER
) -> tuple[bool, tuple[str, ...], Stub]:
    """Whether the fix counts, what was found to be flaky, and the world."""
    world = Stub()

    def look(world: Any, state: Any, tests: Any, times: int, edits: Any = ()) -> Any:
        return after if edits else before

    monkeypatch.setattr(beside, "baseline_run", lambda world, state: BASELINE)
    monkeypatch.setattr(beside, "look", look)
    flaky = bystanders(world, None, verified, (TARGET,), EDITS)  # type: ignore[arg-type]
    return judge(BASELINE, verified, (TARGET,), flaky).fixed, flaky, world


def test_one_that_fails_on_the_base_and_passes_with_the_patch_sometimes_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed, flaky, world = found(monkeypatch, looks(2), looks(3))
    assert fixed and flaky == ("t.py::beside",)
    assert world.said == ["flaky, so it tells nothing: t.py::beside"]
    assert world.flaky == {"t.py::beside": (2, FLAKY_LOOKS)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (looks(0), looks(3)),  # never without the patch
        (looks(2), looks(FLAKY_LOOKS)),  # always with the patch
        (StepRefused(outcome=Outcome.USAGE, message="no"), looks(1)),
        (looks(1), StepRefused(outcome=Outcome.USAGE, message="no")),
    ],
)
def test_any_other_is_a_regression(before: Any, after: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, flaky, _ = found(monkeypatch, before, after)
    assert not fixed and not flaky


def test_a_target_is_never_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, _, _ = found(monkeypatch, looks(2), looks(2), suite(target=False, beside=True, other=True))
    assert not fixed
    assert not judge(BASELINE, suite(target=False, beside=True, other=True), (TARGET,), {TARGET}).fixed


def test_many_regressions_are_no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"n{number}" for number in range(MOST_SUSPECT + 1)]
    before = suite(target=False, **dict.fromkeys(names, True))
    after = suite(target=True, **dict.fromkeys(names, False))
    monkeypatch.setattr(beside, "baseline_run", lambda world, state: before)
    monkeypatch.setattr(beside, "look", lambda *arguments: pytest.fail("looked"))
    flaky = bystanders(Stub(), None, after, (TARGET,), EDITS)  # type: ignore[arg-type]
    judgement = judge(before, after, (TARGET,), flaky)
    assert len(judgement.reasons) == MOST_SUSPECT + 1


@pytest.mark.parametrize("check", [Check.SUITE, Check.AFFECTED])
@pytest.mark.parametrize("random", [True, False])
def test_a_check_does_not_drop_a_candidate_for_a_test_that_fails_at_random(
    monkeypatch: pytest.MonkeyPatch, check: Check, random: bool
) -> None:
    after = looks(3) if random else looks(FLAKY_LOOKS)
    monkeypatch.setattr(beside, "baseline_run", lambda world, state: BASELINE)
    monkeypatch.setattr(work, "baseline_run", lambda world, state: BASELINE)
    monkeypatch.setattr(
        beside, "look", lambda world, state, tests, times, edits=(): after if edits else looks(2)
    )
    monkeypatch.setattr(work, "run_with", lambda *arguments: AFTER)
    monkeypatch.setattr(work, "load_edits", lambda blob: EDITS)
    monkeypatch.setattr(work, "judging", lambda *arguments: None)
    state = SimpleNamespace(
        hand=SimpleNamespace(patch="p", tree="t"),
        targets=(TARGET,),
        localised=SimpleNamespace(affected=("t.py::beside", "t.py::other")),
        looked_again=None,
    )
    world = Stub()
    done = work.verify(world, state, check)  # type: ignore[arg-type]
    assert isinstance(done, CheckDone)
    assert (done.passed, done.flaky) == ((True, ("t.py::beside",)) if random else (False, ()))
    assert bool(done.reasons) is not random
