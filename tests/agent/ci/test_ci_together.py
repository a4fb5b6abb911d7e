"""Candidates verified together: what holds, what is taken apart, which groups wait again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from agent.ci import together
from agent.ci.flaky import flaky_test
from agent.ci.survey import Survey
from agent.ci.tasks import Task
from agent.ci.together import Together
from agent.work import witnesses_of
from agent.world import Final, Refusal
from tools.files import FileEdit
from tools.repair.localise import TestTrace, Traced
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome


@dataclass(eq=False)
class Stub:
    """As much of a task as is asked for: its candidate mends its own tests only."""

    own: tuple[str, ...]
    edits: tuple[FileEdit, ...]
    joined: tuple[Any, ...] = ()
    left_out: tuple[Any, ...] = ()
    breaks: bool = False
    spoils: str = ""
    asks: bool = False
    run: Any = field(
        default_factory=lambda: SimpleNamespace(state=SimpleNamespace(run_id="r", looked_again=None))
    )

    @property
    def tests(self) -> tuple[str, ...]:
        return (*self.own, *(test for each in self.joined for test in each.tests))

    leave_out = Task.leave_out


def run_of(outcomes: dict[str, bool]) -> SuiteRun:
    verdicts = {
        test: Verdict(test, VerdictOutcome.PASSED if ok else VerdictOutcome.FAILED)
        for test, ok in outcomes.items()
    }
    return SuiteRun(tuple(verdicts), verdicts, complete=True)


TESTS = ("t::a", "t::b", "t::c", "t::fine")
BASELINE = run_of({test: test == "t::fine" for test in TESTS})


def verdicts_of(
    monkeypatch: pytest.MonkeyPatch, *tasks: Stub
) -> tuple[list[tuple[Stub, Final | Refusal | None]], Together, list[int]]:
    """The verdicts, what is kept, and how many candidates each run had."""
    runs = list[int]()

    def run(world: Any, state: Any, edits: tuple[FileEdit, ...], tree: str, targets: Any) -> Final:
        there = [task for task in tasks if set(task.edits) <= set(edits)]
        runs.append(len(there))
        passing = {test for task in there for test in task.own} - {task.spoils for task in there}
        broken = any(task.breaks for task in there)
        suite = run_of({test: test in passing or (test == "t::fine" and not broken) for test in TESTS})
        return Final(suite, suite, "key")

    monkeypatch.setattr(together, "run_finally", run)
    monkeypatch.setattr(together, "baseline_run", lambda world, state: BASELINE)
    asking = [task.run.state for task in tasks if task.asks]
    monkeypatch.setattr(together, "unconfirmed", lambda state: "a person" if state in asking else "")
    monkeypatch.setattr(together, "patched_tree_hash", lambda base, edits: "tree")
    world = SimpleNamespace(take_base=lambda: SimpleNamespace(read=lambda path: b"1\n2\n3\n"), finish_by=0.0)
    survey = SimpleNamespace(state=None)
    verifying = Together(world, survey, time.monotonic() + 900)  # type: ignore[arg-type]
    return list(verifying.verdicts([], tasks)), verifying, runs  # type: ignore[arg-type]


def stub(name: str, *joined: str, breaks: bool = False, spoils: str = "") -> Stub:
    groups = tuple(SimpleNamespace(tests=(test,)) for test in joined)
    return Stub((f"t::{name}",), (FileEdit(f"{name}.py", b"x\n"),), groups, breaks=breaks, spoils=spoils)


def test_what_holds_together_takes_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = stub("a"), stub("b")
    found, verifying, runs = verdicts_of(monkeypatch, one, two)
    assert runs == [2] and verifying.held == [one, two]
    assert [task for task, _ in found] == [one, two]
    assert verifying.suite is not None and verifying.suite.passed("t::b")


def test_one_that_breaks_something_is_told_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    one, bad, three = stub("a"), stub("b", breaks=True), stub("c")
    found, verifying, _ = verdicts_of(monkeypatch, one, bad, three)
    assert verifying.held == [one, three]
    assert {task.own for task, _ in found} == {one.own, bad.own, three.own}
    assert verifying.suite is not None, "of what held, not of what failed"
    assert verifying.suite.passed("t::fine") and not verifying.suite.passed("t::b")


def test_one_that_spoils_what_another_fixes_is_refused_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = stub("a"), stub("b", spoils="t::a")
    found, verifying, _ = verdicts_of(monkeypatch, one, two)
    assert verifying.held == [one]
    refused = {task.own: verdict for task, verdict in found}[two.own]
    assert isinstance(refused, Refusal) and refused.reason.endswith("fix fails again: t::a")


def test_a_group_that_had_joined_wrongly_waits_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = stub("a"), stub("b", "t::c")
    group = two.joined[0]
    _, verifying, _ = verdicts_of(monkeypatch, one, two)
    assert verifying.held == [one, two]
    assert (two.joined, two.left_out, two.tests) == ((), (group,), ("t::b",))


def test_a_conflict_is_refused_without_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = stub("a"), stub("b")
    two.edits = (FileEdit("a.py", b"y\n"),)
    found, verifying, runs = verdicts_of(monkeypatch, one, two)
    assert verifying.held == [one] and runs == [1]
    refused = {task.own: verdict for task, verdict in found}[two.own]
    assert isinstance(refused, Refusal) and "same lines of a.py" in refused.reason


def test_one_that_people_must_confirm_is_verified_by_itself_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two, asking = stub("a"), stub("b"), stub("c")
    asking.asks = True
    asking.run.state = SimpleNamespace(run_id="asking", looked_again=None)
    asking.edits = (
        FileEdit("a.py", b"y\n"),
    )  # in conflict with what is kept, which it is not delivered with
    found, verifying, runs = verdicts_of(monkeypatch, one, asking, two)
    assert verifying.held == [one, two] and sorted(runs) == [1, 2]
    verdict = {task.own: verdict for task, verdict in found}[asking.own]
    assert isinstance(verdict, Final)
    assert verdict.suite.passed("t::c") and not verdict.suite.passed("t::a")
    assert verdict.beside == ("asking",)
    assert verifying.suite is not None and verifying.suite.passed("t::a"), "of what is kept"


def test_a_test_is_reached_where_it_executes_an_edited_file() -> None:
    trace = SimpleNamespace(id="t::a", statements=frozenset({("a.py", 3)}))
    traced = Traced((trace,), frozenset(), 1.0)  # type: ignore[arg-type]
    survey = Survey(None, None, traced, ())  # type: ignore[arg-type]
    assert survey.reaches("t::a", {"a.py", "b.py"}) and not survey.reaches("t::a", {"b.py"})
    assert survey.reaches("t::unknown", {"b.py"})
    assert Survey(None, None, None, ()).reaches("t::a", {"b.py"})  # type: ignore[arg-type]


def test_neither_what_was_taken_apart_nor_what_is_flaky_is_a_witness() -> None:
    names = ("t::mine", "t::sibling", "t::other", "t::chance", "t::unreported")
    traces = tuple(TestTrace(name, "failed", 0.1, "", (), frozenset({("a.py", 1)})) for name in names)
    survey = Survey(
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        Traced(traces, frozenset(), 0.0),
        (("t::mine", "t::sibling"), ("t::other",)),
        (flaky_test("t::chance", 1, 4),),
    )
    own = survey.traced_for(("t::mine",))
    assert own is not None
    assert witnesses_of(own, ("t::mine",)) == ("t::other", "t::unreported")
