"""Each price and limit flips a decision exactly where a computation by hand says it does.

The tier `coin` is right with probability 1/2 on the only difficulty there is; see small_tasks.
"""

import math

import pytest
from small_tasks import DEFER, LOCALISE, SUBMIT, act, coin, free_prices, plain, plan, verify

from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import CheckEstimate, FinalEstimate, ReadEstimate
from policies.vocabulary import ActionClass, Check, Limits, StepKind

ABOVE, BELOW = 1.001, 0.999


def decide(belief, options, estimates, prices, limits=Limits(), delivery=ActionClass.DRAFT):  # noqa: B008
    return MarginalPolicy().decide(belief, options, estimates, prices, limits, delivery)


def logit(probability):
    return math.log(probability / (1 - probability))


def test_value_flips_buying_an_attempt():
    """act: 1/2·V - $1, so V* = $2."""
    estimates = plain(coin(dollars=1.0))
    for value, bought in ((2 * ABOVE, True), (2 * BELOW, False)):
        decision = decide(Belief(), (act("coin"),), estimates, free_prices(value=value))
        assert (decision.chosen == act("coin")) is bought
        assert decision.candidates[0].net == pytest.approx(value / 2 - 1)
        assert not decision.limit_alone


def test_latency_price_flips_buying_an_attempt():
    """act: 1/2·$20 - λ·100 s, so λ* = $0.10/s."""
    estimates = plain(coin(dollars=0.0, seconds=100.0))
    for latency, bought in ((0.1 * BELOW, True), (0.1 * ABOVE, False)):
        decision = decide(Belief(), (act("coin"),), estimates, free_prices(latency=latency))
        assert (decision.chosen == act("coin")) is bought


def test_risk_price_flips_buying_an_attempt():
    """overfit 1/2: P(candidate) = 1/2 + 1/2·1/2 = 3/4 and c = 2/3.

    A draft (severity 0.1) delivered freely loses ρ·0.1·1/3 = ρ/30, but from ρ = 120 on it is cheaper to ask a
    person, who stops half of it for $2: ρ/60 + 2. So act is worth 3/4·(20·2/3 - ρ/60 - 2) - $1, which is 0 at
    ρ* = 600.
    """
    estimates = plain(coin(dollars=1.0, overfit=0.5))
    for risk, bought in ((600 * BELOW, True), (600 * ABOVE, False)):
        decision = decide(Belief(), (act("coin"),), estimates, free_prices(risk=risk))
        assert (decision.chosen == act("coin")) is bought


def test_irreversible_price_flips_submitting():
    """Commit: severity 1, share 0.05, confirmation $2; c = 2/3. V·2/3 - 2 - ρ_irr·0.05/3 = 0 at ρ_irr = 680,
    as two people (who stop half of what one lets through) are dearer there: 10 + 340/60 > 2 + 680/60."""
    estimates = plain(coin(overfit=0.5))
    belief = Belief().after_candidate("coin")
    for irreversible, sent in ((680 * BELOW, True), (680 * ABOVE, False)):
        prices = free_prices(irreversible=irreversible)
        decision = decide(belief, (SUBMIT,), estimates, prices, delivery=ActionClass.COMMIT)
        assert (decision.chosen == SUBMIT) is sent


def test_budget_flips_the_tier():
    """One attempt in all, V = 30: cheap 0.7·30 - 1 = 20, dear 0.9·30 - 5 = 22 if $5 are there."""
    cheap = coin("cheap", 1.0, ability=logit(0.7))
    dear = coin("dear", 5.0, ability=logit(0.9))
    estimates = plain(cheap, dear, attempts=1)
    options = (act("cheap"), act("dear"))
    for budget, chosen in ((5.0, "dear"), (4.999, "cheap"), (1.0, "cheap"), (0.999, None)):
        decision = decide(Belief(), options, estimates, free_prices(value=30), Limits(dollars=budget))
        assert decision.chosen == (act(chosen) if chosen else None)
        assert decision.limit_alone is (chosen is None)


def test_value_flips_the_tier_at_the_crossover_of_the_paper():
    """Quality 0.7 at $1 against 0.9 at $5: V* = 4 / 0.2 = 20 (MTA eq. 4)."""
    estimates = plain(
        coin("cheap", 1.0, ability=logit(0.7)), coin("dear", 5.0, ability=logit(0.9)), attempts=1
    )
    for value, chosen in ((20 * BELOW, "cheap"), (20 * ABOVE, "dear")):
        decision = decide(Belief(), (act("cheap"), act("dear")), estimates, free_prices(value=value))
        assert decision.chosen == act(chosen)


def test_a_second_attempt_is_priced_into_the_first_and_needs_its_money():
    """Two attempts: the first is worth 10 + 1/2·(10 - 1) - 1 = 13.5; with $1 in all only 10 - 1 = 9."""
    estimates = plain(coin(dollars=1.0, attempts=2))
    for budget, net in ((2.0, 13.5), (1.999, 9.0)):
        decision = decide(Belief(), (act("coin"),), estimates, free_prices(), Limits(dollars=budget))
        assert decision.candidates[0].net == pytest.approx(net)
    assert decision.shadow_dollars > 0
    # 4.5 more for one dollar more, the price of the cheapest attempt
    assert decision.shadow_dollars == pytest.approx(4.5)
    assert decision.shadow_seconds == 0


def test_deadline_flips_buying_an_attempt():
    """An attempt of 10 s and a final verification of 5 s need 15 s."""
    estimates = plain(coin(dollars=0.0, seconds=10.0), final=FinalEstimate(0.0, 5.0, 5.0))
    for seconds, bought in ((15.0, True), (14.9, False)):
        decision = decide(Belief(), (act("coin"),), estimates, free_prices(), Limits(seconds=seconds))
        assert (decision.chosen is not None) is bought
        assert decision.limit_alone is not bought
        assert (decision.shadow_seconds > 0) is not bought


def test_the_limit_on_loss_refuses_a_delivery():
    """c = 2/3: a draft can lose 0.1/3 loss units."""
    belief, estimates = Belief().after_candidate("coin"), plain(coin(overfit=0.5))
    for left, sent in ((0.1 / 3 * ABOVE, True), (0.1 / 3 * BELOW, False)):
        decision = decide(belief, (SUBMIT,), estimates, free_prices(), Limits(loss=left))
        assert (decision.chosen == SUBMIT) is sent
        assert decision.limit_alone is not sent


@pytest.mark.parametrize(("seconds", "chosen"), [(800 * BELOW, LOCALISE), (800 * ABOVE, act("coin"))])
def test_a_read_is_bought_when_it_is_worth_it(seconds, chosen):
    """Knowing where lifts 0.5 to 0.9: 18 - 10 = $8 more, so at λ = $0.01/s a read may take 800 s."""
    tier = coin(dollars=1.0, knowledge_gain=(("localised", logit(0.9)),))
    estimates = plain(tier, reads=(ReadEstimate("localise", seconds, 900.0),))
    decision = decide(Belief(), (LOCALISE, act("coin")), estimates, free_prices(latency=0.01))
    assert decision.chosen == chosen


@pytest.mark.parametrize(("dollars", "chosen"), [(8 * BELOW, plan("coin")), (8 * ABOVE, act("coin"))])
def test_a_plan_is_bought_when_it_is_worth_it(dollars, chosen):
    """As the read, but for money: up to $8."""
    tier = coin(
        dollars=1.0,
        knowledge_gain=(("planned", logit(0.9)),),
        can_plan=True,
        plan_dollars=dollars,
        plan_worst_dollars=dollars,
    )
    decision = decide(Belief(), (plan("coin"), act("coin")), plain(tier), free_prices())
    assert decision.chosen == chosen


@pytest.mark.parametrize(
    ("dollars", "chosen"), [(8 / 3 * BELOW, verify(Check.SUITE)), (8 / 3 * ABOVE, SUBMIT)]
)
def test_a_check_is_bought_when_it_is_worth_it(dollars, chosen):
    """c = 2/3, ρ = 100: submitting is worth 20·2/3 - 100·0.1/3 = 10. A check of power 0.8 leaves a fifth of
    the wrong ones: 20·2/3 - 100·0.1/15 = 12 2/3. So it is worth up to $2 2/3, all of it in later losses."""
    suite = CheckEstimate(Check.SUITE, 0.8, dollars, 0.0, 0.0, dollars)
    estimates = plain(coin(overfit=0.5), checks=(suite,))
    belief = Belief().after_candidate("coin")
    decision = decide(belief, (verify(Check.SUITE), SUBMIT), estimates, free_prices(risk=100))
    assert decision.chosen == chosen
    gain = decision.candidates[0].quote.gain
    assert gain.total == pytest.approx(8 / 3)
    assert gain.later_losses == pytest.approx(8 / 3)
    assert gain.value == pytest.approx(0)


@pytest.mark.parametrize(("risk", "chosen"), [(310 * BELOW, SUBMIT), (310 * ABOVE, DEFER)])
def test_deferring_wins_when_risk_is_dear(risk, chosen):
    """c = 2/3. Deferring: 1/2·20·2/3 - 0.5 = 6 1/6. Submitting, confirmed: 13 1/3 - 2 - ρ/60.

    They are equal at ρ = 310.
    """
    estimates = plain(coin(overfit=0.5), defer_share=0.5)
    decision = decide(Belief().after_candidate("coin"), (SUBMIT, DEFER), estimates, free_prices(risk=risk))
    assert decision.chosen == chosen


def test_a_warm_cache_keeps_the_tier():
    """Two equal tiers; a switch costs $0.10 more, so the one called last is taken again."""
    tiers = tuple(
        coin(name, 1.0, attempts=2, switch_dollars=0.1, worst_dollars=1.1) for name in ("first", "second")
    )
    belief = Belief().after_failed_attempt("second")
    decision = decide(belief, (act("first"), act("second")), plain(*tiers), free_prices())
    assert decision.chosen == act("second")
    first, second = decision.candidates
    assert first.quote.dollars == pytest.approx(second.quote.dollars + 0.1)


def test_a_free_step_without_gain_is_not_taken():
    """Ties go to stopping."""
    estimates = plain(coin(dollars=0.0, ability=-800.0))
    decision = decide(Belief(), (act("coin"),), estimates, free_prices())
    assert decision.chosen is None
    assert decision.candidates[0].step.kind is StepKind.ACT
