"""Which tests are not waited for again."""

from __future__ import annotations

from agent.patience import hung, starved
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome


def test_tests_that_hung_and_those_that_ran_out_of_memory_are_told_from_others() -> None:
    verdicts = [
        Verdict("t.py::passes", VerdictOutcome.PASSED),
        Verdict(
            "t.py::hangs", VerdictOutcome.TIMEOUT, message="E   deadline.TimeLimit: the test took longer"
        ),
        Verdict("t.py::grows", VerdictOutcome.FAILED, message="m.py:3: in f\n    xs += xs\nE   MemoryError"),
        Verdict("t.py::falls", VerdictOutcome.FAILED, message="E   assert 1 == 2"),
    ]
    run = SuiteRun(tuple(each.id for each in verdicts), {each.id: each for each in verdicts}, complete=True)
    assert hung(run) == ("t.py::hangs",)
    assert starved(run) == ("t.py::grows",)
