"""What the policy is told to expect, once a run has measured something."""

from __future__ import annotations

from dataclasses import replace

from agent.events import BaselineDone, Counts, RunStarted
from agent.forecast import estimates
from agent.state import State, start
from agent.task import Settings
from policies.priors import default_estimates, repair_tier
from policies.vocabulary import Check

SHIPPED = default_estimates((repair_tier(),))


def began() -> State:
    settings = Settings(repository="r", tiers=(repair_tier(),))
    return start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))


def with_baseline(passed: int) -> State:
    counts = Counts(collected=passed + 1, passed=passed, failed=1)
    baseline = BaselineDone(
        counts=counts, failing=("t::a",), complete=True, suite_seconds=2.0, verdicts="", key=""
    )
    return replace(began(), baseline=baseline)


def test_before_a_baseline_the_checks_are_as_strong_as_shipped() -> None:
    known = estimates(began())
    assert known.check(Check.SUITE).power == SHIPPED.check(Check.SUITE).power


def test_a_suite_without_other_tests_than_the_targets_is_no_evidence() -> None:
    known = estimates(with_baseline(0))
    assert [known.check(check).power for check in (Check.SUITE, Check.AFFECTED)] == [0, 0]
    assert known.final.power == 0
    assert known.check(Check.REPEAT).target_runs == SHIPPED.check(Check.REPEAT).target_runs


def test_with_other_tests_a_suite_is_as_strong_as_shipped() -> None:
    known = estimates(with_baseline(1))
    assert known.check(Check.SUITE).power == SHIPPED.check(Check.SUITE).power > 0
    assert known.final.power == SHIPPED.final.power
