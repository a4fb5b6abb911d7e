"""Cheap drafts, dear reviews: what a review brings is in the row of the attempt that it follows."""

from __future__ import annotations

import pytest
from small_tasks import SUBMIT, act, coin, free_prices, plain, verify

from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import CheckEstimate, Estimates, FinalEstimate
from policies.vocabulary import ActionClass, Check, Decision, Limits

CHEAP = coin("cheap", 0.05, overfit=0.9)
"""Every other draft is right, and of the wrong ones nine in ten pass the failing tests."""

DEAR = coin("dear", 6.0, overfit=0.0, ability=3.0)
"""Nearly always right."""


def task(*checks: CheckEstimate) -> Estimates:
    return plain(CHEAP, DEAR, checks=checks, final=FinalEstimate(0.0, 0.0, 0.0))


def review(dollars: float) -> CheckEstimate:
    return CheckEstimate(
        Check.REVIEW, 0.9, dollars, 0.0, 0.0, worst_dollars=dollars, target_runs=0, sensitivity=0.95
    )


def decided(estimates: Estimates, belief: Belief) -> Decision:
    """What to do where a wrong commit costs $30."""
    steps = [act(tier.name) for tier in estimates.tiers if not belief.abandoned().failed(tier.name)]
    if belief.hand is not None:
        seen = belief.hand.passed | belief.hand.failed
        steps += [SUBMIT, *(verify(each.check) for each in estimates.checks if each.check not in seen)]
    prices = free_prices(risk=30.0)
    return MarginalPolicy().decide(belief, tuple(steps), estimates, prices, Limits(), ActionClass.COMMIT)


def test_a_cheap_review_makes_the_cheap_tier_draft() -> None:
    assert decided(task(), Belief()).chosen == act("dear")
    assert decided(task(review(3.5)), Belief()).chosen == act("dear")
    assert decided(task(review(0.3)), Belief()).chosen == act("cheap")


def test_the_draft_is_reviewed_and_dropped_or_submitted_by_what_the_review_says() -> None:
    estimates = task(review(0.3))
    drafted = Belief().after_candidate("cheap")
    assert decided(estimates, drafted).chosen == verify(Check.REVIEW)
    assert decided(estimates, drafted.after_check(Check.REVIEW, True)).chosen == SUBMIT
    against = drafted.after_check(Check.REVIEW, False, proof=False)
    assert decided(estimates, against).chosen == act("dear")


def test_the_row_of_the_draft_holds_what_the_review_will_cost_and_bring() -> None:
    free, priced = (decided(task(review(dollars)), Belief()).candidates[0] for dollars in (0.1, 0.3))
    assert (free.step, priced.step) == (act("cheap"), act("cheap"))
    assert free.quote.dollars == priced.quote.dollars == CHEAP.dollars, "the review is a step of its own"
    plausible = 0.5 + 0.5 * CHEAP.overfit
    assert free.net - priced.net == pytest.approx(0.2 * plausible, rel=0.02)
