"""Beliefs: Bayes by hand, failures that lower every tier's chances, hazards, checks, flakiness."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import certain_difficulty, coin, plain

from policies.belief import Belief, difficulty, hand_right, success
from policies.estimates import LOCALISED, CheckEstimate, DifficultyPrior, FlakinessPrior, TierEstimate
from policies.posterior import Failed
from policies.power import Flakiness, Hand, Power, tells_more
from policies.priors import default_estimates, repair_tier
from policies.vocabulary import Check

MODEL = TierEstimate("model", 0.5, 1.2, 0.1, 20.0, 0.2, 60.0, 4)
ESTIMATES = default_estimates((repair_tier(), MODEL))


def test_bayes_by_hand_on_two_difficulties():
    """d = ±1 equally likely, logistic(∓1) = 0.269, 0.731; after a failure P(d = 1) = 0.731 and
    P(success) = 0.731·0.269 + 0.269·0.731 = 0.393."""
    prior = DifficultyPrior(mean=0.0, sd=1.0, points=2, reach=1.0)
    estimates = plain(coin(attempts=3), difficulty=prior)
    easy = 1 / (1 + math.exp(-1))
    assert success(Belief(), "coin", estimates) == pytest.approx(0.5)
    failed = Belief().after_failed_attempt("coin")
    grid, weights = difficulty(failed, estimates)
    assert list(grid) == [-1.0, 1.0]
    assert list(weights) == pytest.approx([1 - easy, easy])
    assert success(failed, "coin", estimates) == pytest.approx(2 * easy * (1 - easy))


@pytest.mark.parametrize("failing", ["repair", "model"])
def test_a_failure_lowers_the_predicted_success_of_every_tier(failing):
    before = Belief()
    for _ in range(3):
        after = before.after_failed_attempt(failing)
        for tier in ("repair", "model"):
            assert success(after, tier, ESTIMATES) < success(before, tier, ESTIMATES)
        before = after


def test_the_order_of_failures_is_forgotten():
    beliefs = set()
    for order in permutations(["repair", "model", "model"]):
        belief = Belief()
        for tier in order:
            belief = belief.after_failed_attempt(tier)
        beliefs.add(belief.failures)
    assert beliefs == {(Failed("model", (), 2), Failed("repair", (), 1))}


def test_how_an_attempt_failed_tells_nothing_more():
    """Nothing found, caught by a check, failed final verification or put down: the same posterior."""
    candidate = Belief().after_candidate("model")
    ways = {
        Belief().after_failed_attempt("model"),
        candidate.after_check(Check.SUITE, False),
        candidate.after_check(Check.AFFECTED, True).after_submit_failed(),
        candidate.abandoned(),
    }
    assert len(ways) == 1


def test_failures_before_a_read_are_judged_by_what_was_known_then():
    tier = TierEstimate("model", 0.0, 1.0, 0, 1, 0, 1, 9, knowledge_gain=((LOCALISED, 2.0),))
    estimates = plain(tier, difficulty=DifficultyPrior())
    before = Belief().after_failed_attempt("model").after_read("localise", LOCALISED)
    after = Belief().after_read("localise", LOCALISED).after_failed_attempt("model")
    assert before != after
    # failing although one knew where is the stronger sign of a hard task
    assert success(after, "model", estimates) < success(before, "model", estimates)


@given(st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3), st.floats(-2, 2))
def test_hazards_of_slices_by_hand(slices, ability):
    """At a certain difficulty: s_j = cov·m_j / (1 - cov·M_(j-1)), and 0 once all slices are searched."""
    tier = TierEstimate("search", ability, 1.0, 0, 1, 0, 1, len(slices), slices=tuple(slices))
    estimates = plain(tier, difficulty=certain_difficulty())
    cover = 1 / (1 + math.exp(-ability))
    belief = Belief()
    for position, share in enumerate(slices):
        expected = cover * share / (1 - cover * sum(slices[:position]))
        assert success(belief, "search", estimates) == pytest.approx(expected, rel=1e-6)
        belief = belief.after_failed_attempt("search")
    assert success(belief, "search", estimates) == 0.0


def test_a_search_that_found_nothing_says_the_task_is_hard():
    """Even at full coverage: an exhausted sure search leaves only the difficulties it does not cover."""
    exhausted = Belief().after_failed_attempt("repair", 6)
    _, weights = difficulty(exhausted, ESTIMATES)
    grid, prior = difficulty(Belief(), ESTIMATES)
    assert weights @ grid > prior @ grid
    assert weights.sum() == pytest.approx(1.0)
    assert success(exhausted, "repair", ESTIMATES) == 0.0
    assert exhausted.failed("repair") == 6


def test_rivals_scale_the_confidence_in_a_fresh_candidate_and_checks_go_on_from_there():
    """q = 1/2, overfit 1/2: c = 2/3, with rivals of equal weight 1/3; a suite of power 0.8 makes odds of 1:2
    into 5:2. With no wrong candidate that could pass, rivals tell nothing."""
    checks = (CheckEstimate(Check.SUITE, 0.8, 0, 0, 0),)
    estimates = plain(coin(overfit=0.5), checks=checks)
    belief = Belief().after_candidate("coin", share=0.5)
    assert hand_right(belief, estimates) == pytest.approx(1 / 3)
    assert hand_right(belief.after_check(Check.SUITE, True), estimates) == pytest.approx(5 / 7)
    assert hand_right(belief, plain(coin(overfit=0.0))) == 1.0
    assert belief.abandoned() == Belief().after_candidate("coin").abandoned()


def test_confidence_in_a_candidate_by_hand():
    """q = 1/2, overfit 1/2: c = 2/3; suite of power 0.8: 1/2 against 1/2·1/2·0.2; affected after it adds
    nothing, review multiplies."""
    checks = (
        CheckEstimate(Check.AFFECTED, 0.5, 0, 0, 0),
        CheckEstimate(Check.SUITE, 0.8, 0, 0, 0),
        CheckEstimate(Check.REVIEW, 0.6, 0, 0, 0),
    )
    estimates = plain(coin(overfit=0.5), checks=checks)
    belief = Belief().after_candidate("coin")
    assert hand_right(Belief(), estimates) == 0.0
    assert hand_right(belief, estimates) == pytest.approx(2 / 3)
    suite = belief.after_check(Check.SUITE, True)
    assert hand_right(suite, estimates) == pytest.approx(0.5 / 0.55)
    assert hand_right(suite.after_check(Check.AFFECTED, True), estimates) == pytest.approx(0.5 / 0.55)
    assert hand_right(suite.after_check(Check.REVIEW, True), estimates) == pytest.approx(0.5 / 0.52)


def test_the_posterior_with_a_candidate_in_hand_mixes_right_and_failed():
    grid, weights = difficulty(Belief().after_candidate("model"), ESTIMATES)
    _, prior = difficulty(Belief(), ESTIMATES)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ grid < prior @ grid  # a candidate is a sign of an easy task


def test_chance_passes_by_hand():
    """Share 0.1 flaky with a uniform rate. Three fails: 0.1·1/4 against 0.9, times (0 + 1)/(3 + 2)."""
    prior = FlakinessPrior(0.1)
    assert Flakiness().chance(prior) == pytest.approx(0.1 / 2)
    assert Flakiness(0, 3).chance(prior) == pytest.approx(0.025 / 0.925 / 5)
    # one pass among three: certainly flaky, Beta(2, 3)
    assert Flakiness(1, 2).chance(prior) == pytest.approx(2 / 5)
    # two passes in a row: 2/5 · 3/6
    assert Flakiness(1, 2).chance(prior, runs=2) == pytest.approx(1 / 5)


def test_each_target_has_a_flakiness_of_its_own():
    """A candidate passes by chance at most as often as its steadiest target, however many others pass."""
    estimates = plain(coin(overfit=0.0), flakiness=FlakinessPrior(0.1))

    def wrong(*passes):
        belief = Belief().reproduced(passes, 3)
        return Power(estimates, belief.flakiness).wrong(Hand("coin"))

    assert wrong(0) == pytest.approx(0.025 / 0.925 / 5)
    assert wrong(1) == pytest.approx(2 / 5)
    assert wrong(1, 0) == wrong(0) == wrong(0, 0)
    assert wrong(1, 2) == wrong(1)


def test_what_a_check_would_only_repeat_tells_no_more():
    suite, affected = Hand("coin", frozenset({Check.SUITE})), Hand("coin", frozenset({Check.AFFECTED}))
    assert not tells_more(Check.AFFECTED, suite) and not tells_more(Check.SUITE, suite)
    assert tells_more(Check.SUITE, affected) and tells_more(Check.REVIEW, suite)
    assert not tells_more(Check.REVIEW, suite.after(Check.REVIEW, False))
    once = suite.after(Check.REPEAT, True)
    assert tells_more(Check.REPEAT, once, 2) and not tells_more(Check.REPEAT, once, 1)


def test_a_failure_in_the_whole_suite_is_one_more_look():
    belief = Belief().reproduced((0, 1), 2).failed_in_suite((True, False))
    assert belief.flakiness == (Flakiness(0, 3), Flakiness(1, 1))


def test_repeating_helps_only_against_chance():
    checks = (CheckEstimate(Check.REPEAT, 0.0, 0, 0, 0, target_runs=4),)
    estimates = plain(coin(overfit=0.2), checks=checks, flakiness=FlakinessPrior(0.05))
    sure = Belief().reproduced((0,), 50).after_candidate("coin")
    flaky = Belief().reproduced((2,), 5).after_candidate("coin")
    gained = [
        hand_right(b.after_check(Check.REPEAT, True), estimates) - hand_right(b, estimates)
        for b in (sure, flaky)
    ]
    assert gained[0] == pytest.approx(0, abs=1e-4)
    assert gained[1] > 0.1


def test_updates_are_pure_and_keep_the_rest():
    belief = Belief(preparations=("intake", "baseline"))
    prepared = belief.prepared("intake")
    assert (belief.preparations, prepared.preparations) == (("intake", "baseline"), ("baseline",))
    held = Belief().after_candidate("model").after_check(Check.SUITE, True)
    assert held.hand == Hand("model", frozenset({Check.SUITE}), frozenset())
    assert held.last_tier == "model"
    assert hash(held) == hash(Belief().after_candidate("model").after_check(Check.SUITE, True))
    again = held.after_candidate("repair")
    assert again.failures == (Failed("model", (), 1),) and again.hand == Hand("repair")
    planned = again.after_plan("model")
    assert planned.knowledge == {"planned"} and planned.last_tier == "model"
    useless = again.after_read("localise", None)
    assert useless.knowledge == frozenset() and useless.bought == {"localise"}


def test_updates_that_make_no_sense_are_errors():
    with pytest.raises(ValueError, match="not the next preparation"):
        Belief(preparations=("intake",)).prepared("baseline")
    with pytest.raises(ValueError, match="without a candidate"):
        Belief().after_check(Check.SUITE, True)
    with pytest.raises(ValueError, match="without a candidate"):
        Belief().after_submit_failed()
