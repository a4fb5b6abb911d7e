"""Failing tests in groups of one cause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.repair.causes import explained, finer, grouped
from tools.repair.localise import Statement, TestTrace
from tools.verdicts import Frame


def trace(
    name: str,
    lines: set[int],
    *,
    path: str = "a.py",
    outcome: str = "failed",
    raised: int = 0,
    error: str = "",
) -> TestTrace:
    frames = (Frame(path, raised, "f"),) if raised else ()
    statements: frozenset[Statement] = frozenset((path, line) for line in lines)
    return TestTrace(name, outcome, 0.1, error or "AssertionError: 1", frames, statements)


def test_tests_that_share_suspicious_code_are_one_group_and_others_apart() -> None:
    traces = [
        trace("one", {1, 2, 3}),
        trace("two", {1, 2, 4}),
        trace("other", {50, 51}, path="b.py"),
    ]
    assert grouped(traces, ["one", "other", "two"]) == (("one", "two"), ("other",))


def test_code_that_passing_tests_run_as_well_joins_nothing() -> None:
    shared = set(range(1, 20))
    traces = [
        trace("one", shared | {100, 101}),
        trace("two", shared | {200, 201}),
        *(trace(f"fine {n}", shared, outcome="passed") for n in range(30)),
    ]
    assert grouped(traces, ["one", "two"]) == (("one",), ("two",))


def test_where_the_same_is_raised_in_the_same_place_is_one_cause() -> None:
    traces = [
        trace("one", {1, 2, 3, 4}, raised=9, error="KeyError: 'a'"),
        trace("two", {6, 7, 8}, raised=9, error="KeyError: 'b'"),
        trace("type", {11, 12}, raised=9, error="TypeError: no"),
    ]
    assert grouped(traces, ["one", "two", "type"]) == (("one", "two"), ("type",))


def test_a_group_without_a_patch_is_taken_apart() -> None:
    traces = [trace("one", {1, 2, 3}), trace("two", {1, 2, 3, 4}), trace("same", {1, 2, 3})]
    assert grouped(traces, ["one", "two", "same"]) == (("one", "two", "same"),)
    assert finer(traces, ["one", "two", "same"]) == (("one", "same"), ("two",))
    assert finer(traces, ["one", "same"]) == (("one",), ("same",)), "nothing tells them apart"


def test_a_test_that_was_not_traced_stands_alone() -> None:
    assert grouped([trace("one", {1})], ["gone", "one"]) == (("gone",), ("one",))
    assert grouped([], []) == ()


@given(st.lists(st.frozensets(st.integers(0, 12), max_size=6), max_size=12))
def test_every_test_is_in_one_group(rows: list[frozenset[int]]) -> None:
    names = [f"t{n}" for n in range(len(rows))]
    groups = grouped([trace(name, set(row)) for name, row in zip(names, rows, strict=True)], names)
    assert sorted(test for group in groups for test in group) == sorted(names)
    assert [group[0] for group in groups] == sorted((group[0] for group in groups), key=names.index)


def test_a_helper_and_what_calls_it_explain_each_other_and_what_runs_elsewhere_is_unexplained() -> None:
    traces = [trace("whole", set(range(1, 10))), trace("part", {1, 2, 3}), trace("elsewhere", {3, 50, 51})]
    assert explained(traces, ["whole"], ["whole", "elsewhere", "part"]) == ("part",)
    assert explained(traces, ["part"], ["whole", "elsewhere"]) == ("whole",)


def test_code_that_passing_tests_run_as_well_makes_no_failure_explained_another() -> None:
    shared = set(range(1, 20))
    passing = [trace(f"passing{n}", shared, outcome="passed") for n in range(9)]
    traces = [trace("one", shared | {100, 101}), trace("two", shared | {200, 201, 202}), *passing]
    assert explained(traces, ["one"], ["two"]) == ()


def test_what_raises_where_a_target_does_is_explained() -> None:
    traces = [
        trace("one", {1, 2, 3}, raised=2, error="KeyError: 1"),
        trace("two", {2, *range(30, 40)}, raised=2, error="KeyError: 7"),
        trace("three", {2, *range(30, 40)}, raised=2, error="ValueError"),
    ]
    assert explained(traces, ["one"], ["two", "three", "untraced"]) == ("two",)
