"""Multi-party of n people, rules by path, and that nothing which is asked for besides loosens a schedule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.autonomy import (
    BY_PATH,
    DEFAULT_SCHEDULE,
    LEAST_LEVELS,
    Confirmation,
    PathRule,
    Schedule,
    delivery_price,
    delivery_terms,
    let_through,
    required,
)
from policies.stakes import break_even
from policies.vocabulary import ActionClass, Prices

FREE, CONFIRM, MULTI = Confirmation
CLASSES = tuple(ActionClass)

names = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2).map(tuple)
rules = st.builds(
    PathRule,
    match=st.just("*"),
    level=st.sampled_from(Confirmation),
    people=st.integers(2, 6),
    notify=names,
    classes=st.lists(st.sampled_from(CLASSES), unique=True).map(tuple),
)
schedules = st.builds(
    lambda levels: Schedule(
        tuple((each, max(level, LEAST_LEVELS.get(each, FREE))) for each, level in levels)
    ),
    st.tuples(*(st.tuples(st.just(each), st.sampled_from(Confirmation)) for each in CLASSES)),
)
amounts = st.floats(0, 500)


def test_readers_are_independent_and_each_costs_as_much() -> None:
    schedule = DEFAULT_SCHEDULE.under([PathRule("*", MULTI, 3)])
    assert [let_through(readers) for readers in range(4)] == [1, 0.5, 0.25, 0.125]
    assert schedule.readers(MULTI, ActionClass.COMMIT) == 3
    assert schedule.attention_of(MULTI, ActionClass.COMMIT) == 15.0
    assert schedule.readers(MULTI, ActionClass.DRAFT) == 2, "a rule by path leaves drafts alone"
    assert schedule.attention_of(MULTI, ActionClass.DRAFT) == 10.0
    terms = delivery_terms(ActionClass.COMMIT, 0.9, Prices(), schedule)
    assert (terms.level, terms.attention) == (MULTI, 15.0)
    assert terms.loss == pytest.approx(0.1), "severities hold given the scheduled confirmation"


@pytest.mark.parametrize("people", [1, 0, 21])
def test_multi_party_takes_two_people_at_least(people: int) -> None:
    with pytest.raises(ValueError, match="multi-party takes 2 to 20 people"):
        Schedule(paths=(PathRule("*", MULTI, people),))


@given(
    schedules,
    st.lists(rules, max_size=4),
    st.sampled_from(CLASSES),
    st.floats(0, 1),
    amounts,
    amounts,
)
def test_what_is_asked_for_besides_never_loosens(
    schedule: Schedule, asked: list[PathRule], each: ActionClass, c: float, risk: float, irreversible: float
) -> None:
    tighter = schedule.under(asked)
    assert tighter.scheduled(each) >= schedule.scheduled(each)
    level = schedule.scheduled(each)
    assert tighter.readers(tighter.scheduled(each), each) >= schedule.readers(level, each)
    assert {*tighter.told(each)} >= {*schedule.told(each)}
    prices = Prices(risk=risk, irreversible=irreversible)
    needed = required(each, c, prices, schedule)
    assert required(each, c, prices, tighter) >= needed, "nor does it outweigh what pricing asks for"


@given(st.lists(rules, max_size=4), st.sampled_from(BY_PATH))
def test_the_order_of_rules_does_not_matter(asked: list[PathRule], each: ActionClass) -> None:
    one, other = DEFAULT_SCHEDULE.under(asked), DEFAULT_SCHEDULE.under(reversed(asked))
    assert (one.levels, one.people) == (other.levels, other.people)
    assert {*one.told(each)} == {*other.told(each)}


@given(st.floats(0, 1), st.integers(2, 9), st.sampled_from(BY_PATH), amounts)
def test_many_deliveries_are_priced_as_one(c: float, people: int, each: ActionClass, risk: float) -> None:
    schedule = DEFAULT_SCHEDULE.under([PathRule("*", MULTI, people)])
    prices = Prices(risk=risk)
    one = delivery_terms(each, c, prices, schedule).price(prices)
    many = delivery_price(np.array([1 - c]), np.array([1.0]), each, prices, schedule)
    assert many[0] == pytest.approx(one)


def test_where_pricing_asks_for_more_holds_for_n_people() -> None:
    """A draft that takes nobody, and by pricing two: from g = 10 / (R·(1 - 0.25)) on, or confirmed before."""
    schedule, prices = DEFAULT_SCHEDULE, Prices(risk=400.0)
    for level in (CONFIRM, MULTI):
        c = break_even(level, ActionClass.DRAFT, prices, schedule)
        assert required(ActionClass.DRAFT, c - 1e-6, prices, schedule) >= level
        assert required(ActionClass.DRAFT, c + 1e-6, prices, schedule) < level
