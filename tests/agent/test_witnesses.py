"""Which failing tests beside the targets speak for or against a candidate."""

from __future__ import annotations

from agent.work import MOST_WITNESSES, witnesses_of
from tools.repair.localise import TestTrace, Traced


def trace(name: str, *lines: int, outcome: str = "failed") -> TestTrace:
    return TestTrace(name, outcome, 0.1, "AssertionError: 1", (), frozenset(("a.py", line) for line in lines))


def test_what_fails_in_the_same_code_is_a_witness_and_what_fails_elsewhere_is_none() -> None:
    traces = (
        trace("target", 1, 2, 3),
        trace("alike", 1, 2, 3),
        trace("elsewhere", 50, 51),
        trace("passing", 1, 2, 3, outcome="passed"),
    )
    assert witnesses_of(Traced(traces, frozenset(), 0.0), ("target",)) == ("alike",)


def test_targets_are_no_witnesses_and_there_are_not_too_many() -> None:
    traces = tuple(trace(f"test{number}", 1, 2) for number in range(20))
    traced = Traced(traces, frozenset(), 0.0)
    found = witnesses_of(traced, ("test0", "test1"))
    assert len(found) == MOST_WITNESSES and not {"test0", "test1"} & set(found)
    assert witnesses_of(traced, tuple(each.id for each in traces)) == ()
