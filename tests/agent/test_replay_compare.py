"""What is compared of a step that is run again, and what is otherwise in every run."""

from __future__ import annotations

import pytest

from agent.observations import (
    AttemptDone,
    BaselineDone,
    CheckDone,
    Counts,
    EnvironmentDone,
    IntakeDone,
    ReproductionDone,
    StepRefused,
)
from agent.redact import Redactor
from agent.replaying.compare import Differing, differing, differing_verdicts, normal
from policies.vocabulary import Check, Outcome
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

PLAIN = Redactor({})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<calc.Mean object at 0x7f3afa25ea00>", "<calc.Mean object at 0x55d0c0ffee10>"),
        ("1 failed in 0.12s", "1 failed in 3.4 s"),
        ("at 2026-11-22 05:56:03,123", "at 2025-01-02T23:00:00Z"),
        (
            "open('/tmp/pytest-of-sandbox/pytest-3/x0/a.txt')",
            "open('/tmp/pytest-of-sandbox/pytest-11/x0/a.txt')",
        ),
        ("killed pid 812", "killed pid 9"),
    ],
)
def test_what_differs_in_every_run_is_the_same(one: str, other: str) -> None:
    assert one != other
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("assert 3 == 4", "assert 3 == 5"),
        ("0x1", "0x2"),  # a value, not an address
        ("/workspace/repo/a.py:3", "/workspace/repo/a.py:4"),
        ("E   KeyError: 'a'", "E   KeyError: 'b'"),
        ("seconds", "minutes"),
    ],
)
def test_what_tests_say_is_not(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def reproduction(message: str, passes: int = 0, seconds: float = 0.1) -> ReproductionDone:
    return ReproductionDone(
        targets=("t",), runs=2, passes=(passes,), seconds_each=seconds, messages=(message,)
    )


def test_times_are_not_compared_and_outcomes_are() -> None:
    assert differing(reproduction("at 0x7f00aa11"), reproduction("at 0x7f00bb22", seconds=9.0), PLAIN) is None
    found = differing(reproduction("m"), reproduction("m", passes=1), PLAIN)
    assert found == Differing("passes[0]", "0", "1")


def test_a_long_text_is_shown_from_where_it_parts() -> None:
    found = differing(reproduction("x" * 400 + "one"), reproduction("x" * 400 + "two"), PLAIN)
    assert found is not None
    assert found.field == "messages[0]"
    assert found.recorded.endswith("one") and found.now.endswith("two")
    assert len(found.recorded) < 100


def test_another_kind_of_result_differs_by_its_type() -> None:
    refused = StepRefused(outcome=Outcome.USAGE, message="no")
    found = differing(reproduction("m"), refused, PLAIN)
    assert found is not None and found.field == "type"
    assert (found.recorded, found.now) == ("reproduction", "refused")


def test_what_was_redacted_in_the_trace_is_redacted_now() -> None:
    redactor = Redactor({"MY_SERVICE_API_KEY": "s3cret-s3cret-s3cret"})
    recorded = reproduction(str(redactor.tree("token s3cret-s3cret-s3cret")))
    assert "s3cret" not in recorded.messages[0]
    assert differing(recorded, reproduction("token s3cret-s3cret-s3cret"), redactor) is None


@pytest.mark.parametrize(
    "now", ["token s3cret-s3cret: 3 != 4, token s3cret-s3cret.", "token : 3 != 4, token a\nb."]
)
def test_what_was_redacted_may_be_anything_now(now: str) -> None:
    """The variable that held it is not set where it is replayed."""
    then = "token [redacted]: 3 != 4, token [redacted]."
    assert differing(reproduction(then), reproduction(now), PLAIN) is None
    assert differing(reproduction(now), reproduction(then), PLAIN) is None
    for other in (now.replace("3 != 4", "3 != 5"), now[1:], now[:-1], "token ."):
        assert differing(reproduction(then), reproduction(other), PLAIN) is not None


def test_no_key_is_shown_though_its_variable_is_not_set() -> None:
    key = "sk-proj-" + 40 * "a"
    found = differing(reproduction(f"{key} was 1"), reproduction(f"{key} was 2"), PLAIN)
    assert found and found.now == "[redacted] was 2"
    verdicts = [
        SuiteRun(("t",), {"t": Verdict("t", VerdictOutcome.FAILED, 1.0, f"{key} was {number}")}, True)
        for number in (1, 2)
    ]
    said = differing_verdicts(verdicts[0], verdicts[1], PLAIN)
    assert said and said.now == "[redacted] was 2"


def test_an_environment_differs_by_its_image_and_not_by_its_cache() -> None:
    then = EnvironmentDone(image="i", image_digest="sha256:1", python="p", backend="docker", cached=False)
    assert differing(then, then.model_copy(update={"cached": True, "notes": ("n",)}), PLAIN) is None
    found = differing(then, then.model_copy(update={"image_digest": "sha256:2"}), PLAIN)
    assert found == Differing("image_digest", "sha256:1", "sha256:2")


def test_the_base_is_compared_by_its_tree_and_not_by_its_history() -> None:
    then = IntakeDone(tree_hash="a", files=2, head="h", dirty=1)
    assert differing(then, then.model_copy(update={"head": "", "dirty": 0}), PLAIN) is None
    assert differing(then, then.model_copy(update={"files": 3}), PLAIN) is not None


def test_a_search_is_compared_by_its_patch() -> None:
    then = AttemptDone(
        tier="repair", patch="p", tree="t", description="a.py:1: x", tried=70, plausible=3, share=0.4
    )
    slower = then.model_copy(update={"tried": 40, "plausible": 1, "share": 1.0, "mass": 0.2})
    assert differing(then, slower, PLAIN) is None
    found = differing(then, then.model_copy(update={"tree": "u"}), PLAIN)
    assert found is not None and found.field == "tree"


def test_a_check_is_compared_in_full() -> None:
    then = CheckDone(check=Check.SUITE, key="k", passed=True, counts=Counts(collected=2, passed=2))
    found = differing(then, then.model_copy(update={"key": "l"}), PLAIN)
    assert found is not None and found.field == "key"


def test_verdicts_are_compared_test_by_test() -> None:
    def run(outcome: VerdictOutcome, seconds: float, message: str = "") -> SuiteRun:
        return SuiteRun(("t",), {"t": Verdict("t", outcome, seconds, message)}, True, seconds=seconds)

    failed = VerdictOutcome.FAILED
    one, other = run(failed, 1.0, "at 0x7f00aa11"), run(failed, 2.0, "at 0x7f00bb22")
    assert differing_verdicts(one, other, PLAIN) is None
    found = differing_verdicts(run(failed, 1.0), run(VerdictOutcome.PASSED, 1.0), PLAIN)
    assert found == Differing("t.outcome", "failed", "passed")
    gone = differing_verdicts(run(failed, 1.0), SuiteRun((), {}, True), PLAIN)
    assert gone is not None and gone.field == "t"


def test_a_baseline_is_compared_without_the_names_of_its_blobs() -> None:
    then = BaselineDone(
        counts=Counts(), failing=("t",), complete=True, suite_seconds=1.0, verdicts="a" * 64, key="k"
    )
    again = then.model_copy(update={"verdicts": "b" * 64, "suite_seconds": 5.0})
    assert differing(then, again, PLAIN) is None
    assert differing(then, then.model_copy(update={"failing": ()}), PLAIN) is not None
