"""The router against the rule written out, composite steps, and its regret bound by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tasks import coin, free_prices, plain

from policies.allocation import crossover_value
from policies.belief import Belief
from policies.estimates import CheckEstimate, DifficultyPrior, FinalEstimate
from policies.risk import DEFAULT_RISKS
from policies.router import Router, Way, quality_errors, regret_bound, route
from policies.vocabulary import ActionClass, Check, Prices

DRAFT, COMMIT = DEFAULT_RISKS.of(ActionClass.DRAFT), DEFAULT_RISKS.of(ActionClass.COMMIT)


def logit(probability):
    return math.log(probability / (1 - probability))


def router(*tiers, belief=Belief(), risk=DRAFT, **changes):  # noqa: B008
    return Router(plain(*tiers, **changes), belief, risk)


def test_it_routes_by_value_as_the_paper_does():
    """Quality 0.7 at $1 against 0.9 at $5 cross at V* = 20."""
    cheap, dear = coin("cheap", 1.0, ability=logit(0.7)), coin("dear", 5.0, ability=logit(0.9))
    open_ways = router(cheap, dear)
    ways = [open_ways.writes(cheap), open_ways.writes(dear)]
    choices = [way.choice(open_ways.weights) for way in ways]
    assert crossover_value(*choices, free_prices()) == pytest.approx(20)
    for value, chosen in ((19.9, "cheap"), (20.1, "dear"), (1.4, None)):
        found = route(ways, open_ways.weights, free_prices(value=value))
        assert found.chosen == chosen
        assert dict(found.utilities)["cheap"] == pytest.approx(0.7 * value - 1)
        assert found.regret == pytest.approx(0, abs=1e-6)  # nothing is hidden


def test_every_price_is_in_the_rule():
    """overfit 1/2 with a final verification of power 0.6: r = 0.5·0.5·0.4 = 0.1 loss units, 5 % for good."""
    tier = coin("a", 1.0, 10.0, overfit=0.5)
    open_ways = router(tier, risk=COMMIT, final=FinalEstimate(0.6, 0.0, 0.0))
    prices = Prices(30, 0.02, 7, 11)
    expected = 30 * 0.5 - 1 - 0.02 * 10 - 7 * 0.1 - 11 * 0.1 * 0.05
    assert open_ways.writes(tier).choice(open_ways.weights).full_price(prices) == pytest.approx(15 - expected)
    assert route([open_ways.writes(tier)], open_ways.weights, prices).utilities[0][1] == pytest.approx(
        expected
    )


def test_failures_lower_what_every_tier_is_worth_and_a_cold_cache_costs():
    tiers = [coin(name, 1.0, attempts=3, switch_dollars=0.3, worst_dollars=2.0) for name in "ab"]
    belief = Belief().after_failed_attempt("a").after_failed_attempt("a")
    prior = DifficultyPrior()
    before = router(*tiers, difficulty=prior)
    after = router(*tiers, belief=belief, difficulty=prior)
    for tier in tiers:
        fresh, tried = before.writes(tier).choice(before.weights), after.writes(tier).choice(after.weights)
        assert fresh.dollars == pytest.approx(1.3)
        assert tried.quality < fresh.quality - 0.1
    warm, cold = (after.writes(tier).choice(after.weights) for tier in tiers)
    assert cold.dollars == pytest.approx(warm.dollars + 0.3)
    assert route([after.writes(tier) for tier in tiers], after.weights, free_prices()).chosen == "a"


def test_a_draft_that_is_reviewed_against_the_dear_tier_writing():
    """Draft: q = 0.6, overfit 1/2, so a candidate in 0.8. Review: power 0.75, sensitivity 0.9, $0.50.

    Right and approved 0.54, wrong and approved 0.4·0.5·0.25 = 0.05; $0.10 + 0.8·$0.50 = $0.50.
    """
    cheap, dear = coin("cheap", 0.1, 5.0, ability=logit(0.6), overfit=0.5), coin("dear", 4.0)
    review = CheckEstimate(Check.REVIEW, 0.75, 0.5, 20, 20, 0.5, target_runs=0, sensitivity=0.9)
    open_ways = router(cheap, dear, risk=COMMIT)
    composite = open_ways.drafts(cheap, review)
    choice = composite.choice(open_ways.weights)
    assert (choice.quality, choice.dollars, choice.seconds) == pytest.approx((0.54, 0.5, 5 + 16))
    assert (choice.loss, choice.irreversible_loss) == pytest.approx((0.05, 0.0025))
    assert composite.name == "cheap, reviewed"
    # alone it loses 0.2 units: the review costs $0.40 and 0.06·V = $1.20 and saves 0.15 units
    alone = open_ways.writes(cheap)
    for risk, chosen in ((1.6 / 0.15 * 0.999, "cheap"), (1.6 / 0.15 * 1.001, composite.name)):
        prices = free_prices(risk=risk, value=20)
        assert route([alone, composite], open_ways.weights, prices).chosen == chosen


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_without_estimation_errors_the_bound_is_the_value_of_knowing_the_type(seed):
    draw = np.random.default_rng(seed)
    utilities, weights = draw.normal(size=(4, 7)), draw.dirichlet(np.ones(7))
    chosen = int(np.argmax(utilities @ weights))
    exact = sum(w * (max(column) - column[chosen]) for w, column in zip(weights, utilities.T, strict=True))
    assert regret_bound(utilities, weights, chosen, [0.0] * 4) == pytest.approx(exact)


def test_on_one_type_the_bound_is_upper_end_less_lower_end():
    utilities = np.array([[5.0], [4.0], [1.0]])
    assert regret_bound(utilities, np.ones(1), 0, [0.5, 1.0, 0.1]) == pytest.approx(4 + 1 - (5 - 0.5))
    assert regret_bound(utilities, np.ones(1), 0, [0.1, 0.1, 0.1]) == 0


def test_the_bound_holds_for_every_error_within_its_limits():
    draw = np.random.default_rng(4)
    for _ in range(300):
        true, weights = draw.normal(size=(3, 5)), draw.dirichlet(np.ones(5))
        errors = draw.uniform(0, 1, 3)
        estimated = true + draw.choice([-1, 1], size=(3, 5)) * errors[:, None]
        chosen = int(np.argmax(estimated @ weights))
        regret = weights @ (true.max(axis=0) - true[chosen])
        assert regret <= regret_bound(estimated, weights, chosen, errors.tolist()) + 1e-12


def test_the_bound_holds_at_its_level_when_qualities_are_measured():
    """Plug-in routing among three tiers by their observed shares: the regret exceeds the bound in at most a
    tenth of the cases (Hoeffding and the union bound leave room), and the bound is below V."""
    draw, value, costs = np.random.default_rng(7), 20.0, np.array([0.1, 1.0, 4.0])
    observed, exceeded, wide = [40, 40, 40], 0, 0.0
    for _ in range(2_000):
        true = draw.uniform(0.2, 0.9, 3)
        shares = draw.binomial(observed, true) / observed
        estimated = value * shares - costs
        chosen = int(np.argmax(estimated))
        bound = regret_bound(
            estimated[:, None], np.ones(1), chosen, quality_errors(observed, value, doubt=0.1)
        )
        worth = value * true - costs
        exceeded += worth.max() - worth[chosen] > bound
        wide += bound / 2_000
    assert exceeded <= 200
    assert 0 < wide < value


def test_errors_of_measured_qualities():
    """n = 1000, one tier, doubt 0.05: √(ln 40 / 2000) = 0.0429; a tier never measured may be anything."""
    assert quality_errors([1000], 20, 0.05) == pytest.approx((20 * 0.042946,), rel=1e-4)
    assert quality_errors([0, 1], 20, 0.05) == (20, 20)
    with pytest.raises(ValueError, match="doubt"):
        quality_errors([1], 20, 0)


def test_the_ways_are_those_that_have_something_left():
    review = CheckEstimate(Check.REVIEW, 0.75, 0.5, 20, 20, 0.5, target_runs=0, sensitivity=0.9)
    tiers = coin("a"), coin("b", attempts=2)
    belief = Belief().after_failed_attempt("a").after_failed_attempt("b")
    ways = router(*tiers, belief=belief, checks=(review,)).ways()
    assert [way.name for way in ways] == ["b", "b, reviewed"]
    assert [way.name for way in router(*tiers).ways()] == ["a", "b"]


def test_no_way_is_refused():
    with pytest.raises(ValueError, match="no way"):
        route([], np.ones(1), Prices())


def test_what_is_hidden_makes_regret():
    """Two types, equally likely: each of two ways is right on one of them. Knowing which is worth V/2."""
    zero = np.zeros(2)
    ways = [
        Way(name, np.array(quality), zero, zero, zero, zero)
        for name, quality in (("x", [1, 0]), ("y", [0, 1]))
    ]
    assert route(ways, np.array([0.5, 0.5]), free_prices()).regret == pytest.approx(10)
