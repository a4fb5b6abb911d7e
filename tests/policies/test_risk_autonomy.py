"""Severities, tails, worst cases, the schedule, waiting and snapshots: pricing only ever tightens."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.autonomy import (
    DEFAULT_SCHEDULE,
    Attention,
    Confirmation,
    Schedule,
    delivery_terms,
    required,
    terms_at,
)
from policies.risk import (
    DEFAULT_RISKS,
    ClassRisk,
    Risks,
    beta_share,
    cvar,
    decision_loss,
    expected_loss,
    worst_loss,
    worst_wrong,
)
from policies.stakes import break_even, optimum, recoverable_terms, stakes, utility
from policies.vocabulary import ActionClass, Prices
from policies.waiting import News, Snapshot, surcharge, waiting

FREE, CONFIRM, MULTI = Confirmation


def test_default_severities():
    table = {r.action_class: (r.severity, r.irreversible_share) for r in DEFAULT_RISKS.classes}
    assert table == {
        ActionClass.READ: (0, 0),
        ActionClass.DRAFT: (0.1, 0),
        ActionClass.EXECUTE: (0, 0),
        ActionClass.COMMIT: (1, 0.05),
        ActionClass.PUBLISH: (2, 0.3),
        ActionClass.DEPLOY: (20, 1),
    }
    assert all(risk.reason for risk in DEFAULT_RISKS.classes)


def test_default_schedule_and_attention():
    assert dict(DEFAULT_SCHEDULE.levels) == {
        ActionClass.READ: FREE,
        ActionClass.DRAFT: FREE,
        ActionClass.EXECUTE: FREE,
        ActionClass.COMMIT: CONFIRM,
        ActionClass.PUBLISH: CONFIRM,
        ActionClass.DEPLOY: MULTI,
    }
    attention = DEFAULT_SCHEDULE.attention
    assert attention.glance == 0.5
    assert [attention.of(level) for level in Confirmation] == [0, 2, 10]


def test_cvar_of_a_yes_no_loss():
    assert cvar(20, 0.02, 0.9) == pytest.approx(4)
    assert cvar(20, 0.3, 0.9) == 20
    assert cvar(20, 0.3, 0.0) == pytest.approx(6)
    with pytest.raises(ValueError, match="level"):
        cvar(1, 0.1, 1.0)


@given(st.floats(0, 1))
def test_only_what_cannot_be_undone_is_judged_by_its_tail(wrong):
    commit, deploy = DEFAULT_RISKS.of(ActionClass.COMMIT), DEFAULT_RISKS.of(ActionClass.DEPLOY)
    assert decision_loss(commit, wrong) == expected_loss(commit, wrong) == wrong
    assert decision_loss(deploy, wrong) == pytest.approx(20 * min(1, wrong / 0.1))


@given(st.sampled_from(ActionClass), st.floats(0, 1), st.floats(0, 500), st.floats(0, 500))
def test_pricing_never_loosens_and_takes_the_cheapest_allowed_level(action_class, c, risk, irreversible):
    prices = Prices(risk=risk, irreversible=irreversible)
    level = required(action_class, c, prices)
    assert level >= DEFAULT_SCHEDULE.scheduled(action_class)
    cost = delivery_terms(action_class, c, prices).price(prices)
    for other in Confirmation:
        if other >= DEFAULT_SCHEDULE.scheduled(action_class):
            assert cost <= terms_at(other, action_class, c, DEFAULT_SCHEDULE).price(prices)


def test_the_next_level_is_asked_for_where_it_pays():
    """A draft with c = 0.5 loses ρ·0.05; a person stops half of that for $2: from ρ = 80 on."""
    assert required(ActionClass.DRAFT, 0.5, Prices(risk=79.9)) is FREE
    assert required(ActionClass.DRAFT, 0.5, Prices(risk=80.1)) is CONFIRM
    assert required(ActionClass.COMMIT, 1.0, Prices(risk=1e6)) is CONFIRM
    assert required(ActionClass.READ, 0.0, Prices(risk=1e6)) is FREE


def test_at_the_scheduled_level_the_loss_is_the_plain_expectation():
    terms = terms_at(CONFIRM, ActionClass.COMMIT, 0.9, DEFAULT_SCHEDULE)
    assert (terms.loss, terms.irreversible_loss) == pytest.approx((0.1, 0.005))
    assert terms.price(Prices(risk=20, irreversible=20)) == pytest.approx(2 + 2 + 0.1)


def test_a_schedule_can_only_be_tightened():
    stricter = DEFAULT_SCHEDULE.tightened(((ActionClass.DRAFT, CONFIRM), (ActionClass.DEPLOY, FREE)))
    assert stricter.scheduled(ActionClass.DRAFT) is CONFIRM
    assert stricter.scheduled(ActionClass.DEPLOY) is MULTI


def test_incomplete_tables_are_refused():
    with pytest.raises(ValueError, match="exactly one confirmation"):
        Schedule(levels=((ActionClass.READ, FREE),))
    with pytest.raises(ValueError, match="exactly one severity"):
        Risks(DEFAULT_RISKS.classes[:-1])
    with pytest.raises(ValueError, match="severity"):
        ClassRisk(ActionClass.READ, -1, 0, "")


def test_deploy_needs_two_people_whatever_the_schedule_says():
    levels = tuple((cls, CONFIRM) for cls in ActionClass)
    with pytest.raises(ValueError, match="deploy needs at least multi-party"):
        Schedule(levels=levels)
    with pytest.raises(ValueError, match="attention glance"):
        Attention(glance=-1)


def exhaustive_beta_share(x, a, b):
    """I_x(a, b) for whole a, b: P(at least a of a + b - 1 draws are below x)."""
    n = a + b - 1
    return sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.001, 0.999))
def test_the_beta_distribution_equals_binomial_sums(a, b, x):
    assert beta_share(x, a, b) == pytest.approx(exhaustive_beta_share(x, a, b), abs=1e-12)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.05, 0.99))
def test_the_worst_case_holds_its_share_of_the_posterior(wrong, right, level):
    upper = worst_wrong(wrong, right, level)
    assert beta_share(upper, wrong + 1, right + 1) == pytest.approx(level, abs=1e-9)
    deploy = DEFAULT_RISKS.of(ActionClass.DEPLOY)
    assert worst_loss(deploy, wrong, right, level) == 20 * upper


def test_the_worst_case_by_hand():
    """No evidence: uniform. Never wrong in n tries: 1 - 0.05^(1/(n+1)), the rule of three."""
    assert worst_wrong(0, 0) == pytest.approx(0.95)
    assert worst_wrong(0, 99) == pytest.approx(1 - 0.05**0.01)
    assert worst_wrong(0, 10**6) == pytest.approx(3e-6, rel=0.01)
    for bad in ((-1, 0, 0.9), (0, 0, 1.0)):
        with pytest.raises(ValueError, match="level"):
            worst_wrong(*bad)
    with pytest.raises(ValueError, match="above 0"):
        beta_share(0.5, 0, 1)


prices = st.builds(Prices, *[st.floats(0.01, 200)] * 4)
schedules = st.builds(
    lambda confirm, two: Schedule(attention=Attention(0.5, confirm, two)), st.floats(0, 20), st.floats(0, 20)
)


@given(st.sampled_from(ActionClass), st.sampled_from([CONFIRM, MULTI]), prices, schedules)
def test_break_even_is_where_the_scan_changes_level(action_class, level, price, schedule):
    threshold = break_even(level, action_class, price, schedule)
    for c in (i / 200 for i in range(200)):
        if abs(c - threshold) > 1e-9:
            assert (required(action_class, c, price, schedule) >= level) is (c < threshold)


def test_break_even_by_hand():
    """A draft at ρ = 160: 16·(1-c) freely, 8·(1-c) + 2 confirmed, 4·(1-c) + 10 by two people (never)."""
    assert break_even(CONFIRM, ActionClass.DRAFT, Prices(risk=160)) == pytest.approx(0.75)
    assert break_even(MULTI, ActionClass.DRAFT, Prices(risk=160)) == 0
    assert break_even(CONFIRM, ActionClass.COMMIT, Prices()) == 1
    assert break_even(CONFIRM, ActionClass.READ, Prices()) == 0


@given(st.sampled_from(ActionClass), st.floats(0, 1), prices)
def test_the_optimum_has_the_highest_utility_and_stopping_costs_it_nothing(action_class, c, price):
    best = optimum(action_class, c, price)
    for level in Confirmation:
        cost = terms_at(level, action_class, c).price(price)
        assert utility(level, action_class, c, price) == pytest.approx(price.value * c - cost)
        assert utility(best, action_class, c, price) >= utility(level, action_class, c, price)
    assert utility(best, action_class, c, price, spent=3) == pytest.approx(
        utility(best, action_class, c, price) - 3
    )


@given(st.floats(0, 1), prices, st.floats(0, 1), st.floats(0, 5), st.floats(0, 60))
def test_a_snapshot_is_taken_where_it_pays(c, price, share_left, dollars, seconds):
    """One person confirms: it spares ρ_irr · 2·(1-c) · 0.3 of what it takes out of what cannot be undone."""
    snapshot = Snapshot(share_left, dollars, seconds)
    spared = price.irreversible * 2 * (1 - c) * 0.3 * (1 - share_left)
    net = spared - dollars - price.latency * seconds
    terms = recoverable_terms(ActionClass.PUBLISH, c, price, snapshot)
    plain = delivery_terms(ActionClass.PUBLISH, c, price)
    assert terms.price(price) <= plain.price(price)
    if plain.level is CONFIRM and net > 1e-9:
        assert terms.snapshot == snapshot
        if terms.level is CONFIRM:
            assert plain.price(price) - terms.price(price) == pytest.approx(net, abs=1e-6)
    if terms.snapshot is None:
        assert terms == plain


def test_a_snapshot_takes_a_deployment_out_of_its_tail():
    """p = 0.05: the tail loses 20·0.5 for good; with a tenth left 20·0.05, of which 0.1. At ρ = ρ_irr = 1."""
    snapshot, ones = Snapshot(0.1, dollars=2), Prices(risk=1, irreversible=1)
    terms = recoverable_terms(ActionClass.DEPLOY, 0.95, ones, snapshot)
    spared = delivery_terms(ActionClass.DEPLOY, 0.95, ones).price(ones) - terms.price(ones)
    assert terms.snapshot == snapshot
    assert spared == pytest.approx(10 + 10 - (1 + 0.1) - 2)
    with pytest.raises(ValueError, match="share"):
        Snapshot(1.5)


def two_periods(risk, wrong, news, price, act_first):
    """The tree of both periods, spelt out: the better second choice for each result."""
    total = 0.0
    for passed in (True, False):
        keep = undo = 0.0
        for is_wrong in (True, False):
            p_pass = 1 - news.power if is_wrong else news.sensitivity
            p = (wrong if is_wrong else 1 - wrong) * (p_pass if passed else 1 - p_pass)
            loss = risk.severity if is_wrong else 0.0
            keep += p * (
                (0 if is_wrong else price.value)
                - price.risk * loss
                - price.irreversible * risk.irreversible_share * loss
            )
            undo -= p * loss * risk.irreversible_share * (price.risk + price.irreversible) * act_first
        total += max(keep, undo)
    return total


shares = st.floats(0, 1)


@given(shares, shares, st.builds(News, shares, shares), prices)
def test_waiting_equals_the_tree_of_two_periods(wrong, share, news, price):
    risk = ClassRisk(ActionClass.PUBLISH, 2.0, share, "")
    found = waiting(risk, wrong, news, price)
    assert found.act_now == pytest.approx(two_periods(risk, wrong, news, price, True), abs=1e-9)
    assert found.wait == pytest.approx(two_periods(risk, wrong, news, price, False), abs=1e-9)
    assert found.option_value == pytest.approx(found.wait - found.act_now, abs=1e-9)
    assert found.option_value >= 0


def test_waiting_by_hand():
    """Deploy, p = 0.1, V = 100, ρ = ρ_irr = 10: acting now brings 90 - 40 = 50. A check that catches half of
    the wrong ones and fails no right one saves 20 of the 40 if nothing can be undone, and 0 if all can."""
    price = Prices(value=100, risk=10, irreversible=10)
    found = waiting(DEFAULT_RISKS.of(ActionClass.DEPLOY), 0.1, News(0.5), price)
    assert (found.act_now, found.wait, found.option_value) == pytest.approx((50, 70, 20))
    assert waiting(ClassRisk(ActionClass.DEPLOY, 20, 0, ""), 0.1, News(0.5), price).option_value == 0
    assert surcharge(DEFAULT_RISKS.of(ActionClass.COMMIT), 0.5, price) == pytest.approx(10 * 0.05 * 0.5)
    with pytest.raises(ValueError, match="power"):
        News(2)


def test_stakes_by_hand():
    """Publish, c = 0.9, ρ = ρ_irr = 20: 2·0.1 loss units, 0.3 of them for good. Confirmed it costs 4 + 1.2 +
    2, free (twice as much gets through) 10.4, by two people 2.6 + 10. A full snapshot spares the 1.2."""
    found = stakes(ActionClass.PUBLISH, 0.9, Prices(20, 0.01, 20, 20), News(0.7))
    assert (found.level, found.optimum) == (CONFIRM, CONFIRM)
    assert (found.loss, found.surcharge, found.snapshot) == pytest.approx((4.0, 1.2, 1.2))
    assert found.worst == pytest.approx((20 + 20 * 0.3) * 2 * (1 - 0.05 ** (1 / 21)))
    assert found.waiting == pytest.approx(0.1 * 0.7 * 2 * 0.3 * 40)  # a bad result, and acted: left for good
    ((level, below),) = found.stricter
    assert level is MULTI
    assert required(ActionClass.PUBLISH, below - 1e-6, Prices()) is MULTI
    assert required(ActionClass.PUBLISH, below + 1e-6, Prices()) is CONFIRM


def test_a_draft_can_be_undone_and_a_cheap_one_needs_nobody():
    found = stakes(ActionClass.DRAFT, 0.9, Prices(), News(0.7))
    assert (found.surcharge, found.snapshot, found.waiting, found.stricter) == (0, 0, 0, ())
    assert stakes(ActionClass.COMMIT, 0.99, Prices(), News(0.7)).optimum is FREE
