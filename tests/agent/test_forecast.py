"""What the policy is told to expect, once a run has measured something."""

from __future__ import annotations

from dataclasses import replace

import pytest

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


@pytest.mark.parametrize("passed, share", [(0, 0.0), (1, 0.5), (99, 0.99)])
def test_a_suite_is_evidence_as_far_as_it_holds_other_tests_than_the_targets(
    passed: int, share: float
) -> None:
    known = estimates(with_baseline(passed))
    for check in (Check.SUITE, Check.AFFECTED):
        assert known.check(check).power == pytest.approx(share * SHIPPED.check(check).power)
    assert known.final.power == pytest.approx(share * SHIPPED.final.power)
