"""Severities, CVaR and the autonomy schedule: defaults, and pricing that only ever tightens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.autonomy import DEFAULT_SCHEDULE, Confirmation, Schedule, delivery_terms, required, terms_at
from policies.risk import DEFAULT_RISKS, ClassRisk, Risks, cvar, decision_loss, expected_loss
from policies.vocabulary import ActionClass, Prices

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
