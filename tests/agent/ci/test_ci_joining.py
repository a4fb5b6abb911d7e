"""Groups whose tests pass with another task's candidate join that task, begun or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from agent.ci import job as jobs
from agent.ci.job import Job
from agent.ci.prospects import Prospect
from agent.ci.tasks import Task
from agent.events import RunEnded
from agent.prepare import Looks
from policies.vocabulary import ActionClass, Limits, Outcome, Step, StepKind
from tools.files import FileEdit

SUBMIT, ATTEMPT = (Step(kind, ActionClass.DRAFT) for kind in (StepKind.SUBMIT, StepKind.ACT))


def group(*tests: str) -> Prospect:
    return Prospect(tests, None, {}, ())  # type: ignore[arg-type]


class Begun(Task):
    """A task with this candidate, which is to be verified or not."""

    edits = (FileEdit("src.py", b""),)  # type: ignore[assignment]

    def __init__(self, *tests: str, parked: bool = False, ended: RunEnded | None = None) -> None:
        decision = SimpleNamespace(chosen=SUBMIT if parked else ATTEMPT)
        state = SimpleNamespace(run_id=tests[0], decision=decision, booked=0.0, spent=Limits(0.0, 0.0, 0.0))
        run = SimpleNamespace(state=state, folder=SimpleNamespace(name=tests[0]))
        world = SimpleNamespace(sandbox="there", finish_by=0.0, searching=None)
        super().__init__(run, world, None, group(*tests), ended=ended)  # type: ignore[arg-type]


def job(monkeypatch: pytest.MonkeyPatch, passing: set[str], reached: Sequence[str] | None = None) -> Job:
    """Candidates make these tests pass."""

    def look(world: Any, state: Any, tests: tuple[str, ...], times: int, edits: Any) -> Looks:
        passes = {test: times * (test in passing) for test in tests}
        return Looks(times, passes, {}, {}, 0.1, frozenset())

    monkeypatch.setattr(jobs, "look", look)
    settings = SimpleNamespace(limits=Limits(2.0, 900.0, 1.0))
    survey = SimpleNamespace(reaches=lambda test, paths: reached is None or test in reached)
    finish_by = time.monotonic() + 900
    return Job("marginal", None, None, SimpleNamespace(settings=settings), survey, None, finish_by)  # type: ignore[arg-type]


def test_every_group_joins_all_of_whose_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = job(monkeypatch, {"a", "b", "d"})
    task, begun, other = Begun("x", parked=True), Begun("b"), Begun("c", "d")
    waiting, left = group("a"), group("e")
    mine.unbegun = [waiting, left]
    assert mine._join(task, [waiting, left, begun, other])
    assert mine.unbegun == [left]
    assert task.tests == ("x", "a", "b") and begun.fixed_by is task
    assert not begun.waits and other.waits


def test_what_is_not_executed_or_fails_does_not_join(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = job(monkeypatch, {"a"}, reached=["b"])
    task, groups = Begun("x", parked=True), [group("a"), group("b")]
    mine.unbegun = [*groups]
    assert not mine._join(task, groups)
    assert mine.unbegun == groups and task.tests == ("x",)


def test_a_candidate_for_more_tests_takes_the_place_of_one_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = job(monkeypatch, {"a", "b"})
    narrow, wide, widest = Begun("a", parked=True), Begun("b", parked=True), Begun("c", parked=True)
    assert mine._join(wide, [narrow]) and not narrow.parked
    assert mine._join(widest, [wide])
    assert narrow.fixed_by is widest, "by way of the other"
    assert widest.tests == ("c", "b", "a")


def test_what_joined_wrongly_goes_on_from_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = job(monkeypatch, {"a", "b"})
    task, begun, waiting = Begun("x", parked=True), Begun("b", parked=True), group("a")
    mine.unbegun = [waiting]
    mine._join(task, [waiting, begun])
    task.leave_out()
    mine._leave_out(task)
    assert mine.unbegun == [waiting] and begun.parked and begun.fixed_by is None
    assert task.tests == ("x",) and task.left_out == ()


def test_what_has_ended_in_vain_waits_and_what_is_fixed_or_flaky_does_not() -> None:
    vain, fixed, flaky = (
        Begun("x", ended=RunEnded(outcome=outcome, exit_code=0, explanation=""))
        for outcome in (Outcome.NOT_FIXED, Outcome.FIXED, Outcome.FLAKY)
    )
    assert vain.waits and not fixed.waits and not flaky.waits
    vain.split = True
    assert not vain.waits, "others are at work on its tests"
