"""When a fix counts, and what a verdict is keyed by."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.verdicts import Counts, SuiteRun, Verdict, VerdictKey, VerdictOutcome, ids_of, judge

IDS = ("t.py::a", "t.py::b", "t.py::c", "t.py::d")
TARGET = "t.py::a"


def run_of(**outcomes: str) -> SuiteRun:
    verdicts = {
        f"t.py::{name}": Verdict(f"t.py::{name}", VerdictOutcome(how)) for name, how in outcomes.items()
    }
    return SuiteRun(tuple(verdicts), verdicts, complete=True)


BASELINE = run_of(a="failed", b="passed", c="failed", d="skipped")
AFTER = run_of(a="passed", b="passed", c="failed", d="skipped")


def test_fixed_and_counted() -> None:
    found = judge(BASELINE, AFTER, [TARGET])
    assert found.fixed
    assert found.reasons == ()
    assert found.counts == Counts(collected=4, passed=2, bad=1, fixed=0, still_bad=1)


def test_another_failure_that_goes_away_is_counted() -> None:
    found = judge(BASELINE, run_of(a="passed", b="passed", c="passed", d="passed"), [TARGET])
    assert found.fixed
    assert found.counts == Counts(collected=4, passed=4, bad=0, fixed=1, still_bad=0)


@pytest.mark.parametrize("outcome", ["failed", "error", "timeout", "skipped", "xfailed", "xpassed"])
def test_a_target_must_pass(outcome: str) -> None:
    found = judge(BASELINE, run_of(a=outcome, b="passed", c="failed", d="skipped"), [TARGET])
    assert not found.fixed
    assert found.reasons[0].startswith(TARGET)


@pytest.mark.parametrize("outcome", ["failed", "error", "timeout", "skipped", "xfailed"])
def test_what_passed_must_pass(outcome: str) -> None:
    found = judge(BASELINE, run_of(a="passed", b=outcome, c="failed", d="skipped"), [TARGET])
    assert not found.fixed
    assert found.reasons[0].startswith("t.py::b passed before and now ")


CHANGES: dict[str, tuple[SuiteRun, str]] = {
    "incomplete": (replace(AFTER, complete=False, problem="cut off"), "the report is not complete: cut off"),
    "missing": (run_of(a="passed", b="passed", d="skipped"), "t.py::c is no longer collected"),
    "deselected": (
        replace(run_of(a="passed", c="failed", d="skipped"), deselected=("t.py::b",)),
        "t.py::b is deselected",
    ),
    "added": (
        run_of(a="passed", b="passed", c="failed", d="skipped", e="passed"),
        "t.py::e is not collected on the base",
    ),
    "reordered": (
        run_of(b="passed", a="passed", c="failed", d="skipped"),
        "the tests were collected in another order",
    ),
    "broken file": (replace(AFTER, collection_errors={"u.py": "x"}), "u.py no longer collects"),
    "altered": (replace(AFTER, altered=("builtins.len",)), "the test machinery was altered: builtins.len"),
    "plugin": (replace(AFTER, plugins=("calc.helper",)), "a pytest plugin was added: calc.helper"),
    "no verdict": (
        replace(AFTER, verdicts={i: v for i, v in AFTER.verdicts.items() if i != "t.py::b"}),
        "t.py::b passed before and now has no verdict",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_anything_else_that_changed_is_a_reason(name: str) -> None:
    after, reason = CHANGES[name]
    found = judge(BASELINE, after, [TARGET])
    assert not found.fixed
    assert reason in found.reasons


def test_what_the_base_alters_itself_is_allowed() -> None:
    altered = {"altered": ("_pytest.x",), "plugins": ("hypothesis",)}
    assert judge(replace(BASELINE, **altered), replace(AFTER, **altered), [TARGET]).fixed


def test_an_incomplete_base_proves_nothing() -> None:
    assert not judge(replace(BASELINE, complete=False, problem="x"), AFTER, [TARGET]).fixed


def test_without_targets_nothing_is_fixed() -> None:
    assert judge(BASELINE, AFTER, []).reasons == ("no test was asked about",)


def test_a_file_that_collects_again_may_bring_tests() -> None:
    base = replace(BASELINE, collection_errors={"new.py": "ImportError"})
    after = SuiteRun(
        (*IDS, "new.py::x"),
        {**AFTER.verdicts, "new.py::x": Verdict("new.py::x", VerdictOutcome.PASSED)},
        complete=True,
    )
    assert judge(base, after, ["new.py::x"]).reasons == ()


def healed(target: str, **outcomes: str) -> tuple[str, ...]:
    """What is said against a run in which `new.py`, not collected on the base, brings these tests."""
    base = replace(BASELINE, collection_errors={"new.py": "NameError"})
    tests = {f"new.py::{name}": how for name, how in outcomes.items()}
    verdicts = {test: Verdict(test, VerdictOutcome(how)) for test, how in tests.items()}
    after = replace(AFTER, collected=(*IDS, *tests), verdicts={**AFTER.verdicts, **verdicts})
    return judge(base, after, [target]).reasons


def test_a_file_that_collects_again_passes_when_all_of_its_tests_do() -> None:
    assert healed("new.py", x="passed", y="passed") == ()
    assert healed("new.py::x", x="passed", y="failed") == ()
    assert healed("new.py", x="passed", y="failed") == ("new.py::y fails",)
    assert healed("new.py", x="passed", y="skipped") == ("new.py::y is skipped",)
    assert healed("new.py", x="passed", y="xpassed") != ()


def test_a_file_that_collects_again_without_tests_has_not_passed() -> None:
    assert healed("new.py") == ("new.py has no verdict",)
    assert healed("new.py::x", xy="passed") == ("new.py::x has no verdict",)


def test_a_name_stands_for_all_that_is_in_it() -> None:
    ids = ("a.py::A::x", "a.py::A::y[1]", "a.py::A::y[2]", "a.py::Ab::x", "a.pyx::A::x")
    assert ids_of("a.py", ids) == ids[:4]
    assert ids_of("a.py::A", ids) == ids[:3]
    assert ids_of("a.py::A::y", ids) == ids[1:3]
    assert ids_of("a.py::A::y[1]", ids) == ids[1:2]
    assert ids_of("a.py::B", ids) == ()


@pytest.mark.parametrize("outcome", [None, "failed", "skipped"])
def test_a_target_of_the_base_is_that_test_and_no_other(outcome: str | None) -> None:
    """Tests whose ids begin like its own do not stand in for it."""
    others = Verdict(f"{TARGET}[1]", VerdictOutcome.PASSED)
    verdicts = {**AFTER.verdicts, others.id: others}
    verdicts.pop(TARGET)
    if outcome:
        verdicts[TARGET] = Verdict(TARGET, VerdictOutcome(outcome))
    after = SuiteRun(tuple(verdicts), verdicts, complete=True)
    assert any(reason.startswith(f"{TARGET} ") for reason in judge(BASELINE, after, [TARGET]).reasons)


KEY = VerdictKey("tree", IDS, "pytest", "image", "python", (("seconds", 1.0),), "docker", "cold")


@pytest.mark.parametrize(
    "change",
    [
        {"tree": "other"},
        {"ids": IDS[::-1]},
        {"ids": None},
        {"ids": ()},
        {"command": "x"},
        {"image": "x"},
        {"interpreter": "x"},
        {"limits": (("seconds", 2.0),)},
        {"limits": ()},
        {"backend": "x"},
        {"mode": "fork"},
    ],
)
def test_every_part_of_the_key_counts(change: dict[str, object]) -> None:
    other = replace(KEY, **change)  # type: ignore[arg-type]
    assert other.digest != KEY.digest
    assert other != KEY


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_keys_are_equal_exactly_when_their_digests_are(first: list[str], second: list[str]) -> None:
    one, other = replace(KEY, ids=tuple(first)), replace(KEY, ids=tuple(second))
    assert (one == other) == (one.digest == other.digest)
    assert hash(one) == hash(replace(KEY, ids=tuple(first)))


def test_the_order_of_limits_does_not_count() -> None:
    limits = (("a", 1.0), ("b", 2.0))
    assert replace(KEY, limits=limits).digest == replace(KEY, limits=limits[::-1]).digest
