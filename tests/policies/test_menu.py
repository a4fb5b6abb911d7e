"""The menu against brute force over every way to hand out qualities, and each inequality of eq. 5."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.menu import (
    Menu,
    Quality,
    Values,
    histogram,
    inequalities,
    ironed,
    lognormal,
    menu,
    virtual_values,
)

whole = st.integers(1, 40).map(float)
histograms = st.lists(st.tuples(whole, st.integers(1, 9).map(float)), min_size=1, max_size=4).map(histogram)
qualities = st.lists(
    st.tuples(st.integers(1, 10), st.integers(0, 12)), min_size=1, max_size=3, unique=True
).map(lambda pairs: [Quality(f"t{i}", q / 10, c / 2) for i, (q, c) in enumerate(pairs)])


def dearest_prices(values, handed):
    """The highest prices under which every value takes what it is handed: shortest paths from taking nothing
    through p_i <= p_j + v_i·(q_i - q_j). None where no prices do."""
    prices = [v * q for v, q in zip(values, handed, strict=True)]
    for _ in range(len(values) + 1):
        changed = False
        for i, j in itertools.permutations(range(len(values)), 2):
            most = prices[j] + values[i] * (handed[i] - handed[j])
            if prices[i] > most + 1e-12:
                prices[i], changed = most, True
        if not changed:
            return prices
    return None


def best_profit(values: Values, offered):
    """Over every assignment of qualities (or none) to values."""
    best = 0.0
    for handed in itertools.product([Quality("", 0.0, 0.0), *offered], repeat=len(values.dollars)):
        prices = dearest_prices(values.dollars, [each.quality for each in handed])
        if prices is not None:
            profit = sum(
                f * (p - each.cost) for f, p, each in zip(values.shares, prices, handed, strict=True)
            )
            best = max(best, profit)
    return best


@given(histograms, qualities)
@settings(max_examples=80, deadline=None)
def test_no_way_to_hand_out_qualities_earns_more(values, offered):
    found = menu(values, offered)
    assert found.profit == pytest.approx(best_profit(values, offered), abs=1e-9)
    assert all(each.holds for each in inequalities(found))


@given(histograms, qualities)
@settings(max_examples=80, deadline=None)
def test_everybody_picks_the_offer_meant_for_them(values, offered):
    """Eq. 5 written out for every value, without the code that reports it."""
    found = menu(values, offered)
    surplus = 0.0
    for value, share, meant in zip(values.dollars, values.shares, found.offered, strict=True):
        worth = [value * offer.quality - offer.price for offer in found.offers] + [0.0]
        assert worth[meant] >= max(worth) - 1e-9
        surplus += share * worth[meant]
    assert found.surplus == pytest.approx(surplus, abs=1e-9)
    assert all(offer.price >= offer.cost - 1e-9 for offer in found.offers)


def test_a_price_that_tempts_is_reported():
    found = menu(histogram([(10, 3), (20, 1)]), [Quality("low", 0.5, 0.1), Quality("high", 0.9, 4.0)])
    assert [offer.name for offer in found.offers] == ["low", "high"]
    low, high = found.offers
    assert (low.price, high.price) == pytest.approx((5, 5 + 20 * 0.4))
    for wrong, offer, instead in (
        (replace(high, price=high.price + 0.01), "high", "low"),
        (replace(high, price=3.0), "low", "high"),
        (replace(low, price=5.01), "low", ""),
    ):
        offers = (low, wrong) if wrong.name == "high" else (wrong, high)
        broken = [each for each in inequalities(replace(found, offers=offers)) if not each.holds]
        assert (offer, instead) in [(each.offer, each.instead) for each in broken]


def test_by_hand_with_somebody_left_out():
    """$10 or $20, even: φ = (10 - 10·1, 20) = (0, 20): nothing is for $10, and $20 pays all it is worth."""
    found = menu(histogram([(20, 2), (10, 2)]), [Quality("a", 0.5, 1.0)])
    assert found.virtual == pytest.approx((0, 20))
    assert found.offered == (-1, 0)
    assert (found.offers[0].price, found.profit, found.surplus, found.served) == pytest.approx(
        (10, 4.5, 0, 0.5)
    )
    assert [(each.offer, each.instead) for each in inequalities(found)] == [("", "a"), ("a", "")]


def test_where_the_virtual_value_falls_it_is_ironed():
    """$10, $11, $30 with weights 6, 1, 3: φ = 10 - 4/6, 11 - 19·3, 30; the first two pool at the mean."""
    values = histogram([(10, 6), (11, 1), (30, 3)])
    virtual = virtual_values(values)
    assert virtual == pytest.approx([10 - 4 / 6, 11 - 57, 30])
    pooled = (6 * virtual[0] + virtual[1]) / 7
    assert ironed(virtual, values.shares) == pytest.approx([pooled, pooled, 30])


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 5)), min_size=1, max_size=6))
def test_ironing_is_the_largest_average_of_the_least(pairs):
    """The max-min formula of isotonic regression."""
    values, weights = (np.array(each) for each in zip(*pairs, strict=True))
    n = len(values)
    for i, found in enumerate(ironed(values, weights.tolist())):
        expected = max(
            min(np.average(values[a : b + 1], weights=weights[a : b + 1]) for b in range(i, n))
            for a in range(i + 1)
        )
        assert found == pytest.approx(expected)


def test_a_fine_lognormal_has_the_continuous_virtual_value():
    """φ(v) = v - (1 - F)/f of the density, away from the ends."""
    median, sigma = 20.0, 0.8
    values = lognormal(median, sigma, points=4_000)
    virtual = virtual_values(values)
    for at in (1_000, 2_000, 3_000):
        v = values.dollars[at]
        z = math.log(v / median) / sigma
        density = math.exp(-z * z / 2) / (v * sigma * math.sqrt(2 * math.pi))
        above = 0.5 * math.erfc(z / math.sqrt(2))
        assert virtual[at] == pytest.approx(v - above / density, abs=0.02 * v)


def test_a_lognormal_menu_keeps_every_inequality():
    tiers = [Quality("repair", 0.4, 0.1), Quality("mid", 0.6, 1.0), Quality("dear", 0.8, 5.0)]
    found = menu(lognormal(20, 1), tiers)
    checked = inequalities(found)
    assert all(each.holds for each in checked)
    groups = len(found.offers) + 1
    assert len(checked) == groups * (groups - 1)
    assert found.served == pytest.approx(sum(o.share for o in found.offers))


def test_nothing_worth_offering_is_an_empty_menu():
    found = menu(histogram([(1, 1)]), [Quality("dear", 0.5, 10)])
    assert (found.offers, found.offered, inequalities(found)) == ((), (-1,), ())
    assert isinstance(found, Menu)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: histogram([]), "at least one value"),
        (lambda: histogram([(1, 0)]), "weight above 0"),
        (lambda: histogram([(-1, 1)]), "at least 0"),
        (lambda: Values((2.0, 1.0), (0.5, 0.5)), "rise"),
        (lambda: Values((1.0,), (0.5,)), "sum to 1"),
        (lambda: lognormal(0, 1), "above 0"),
        (lambda: lognormal(1, 1e6), "beyond"),
        (lambda: menu(histogram([(1, 1)]), [Quality("a", 1.5, 1)]), "qualities"),
        (lambda: menu(histogram([(1, 1)]), [Quality("a", 0.5, 1)] * 2), "share a name"),
    ],
)
def test_bad_inputs_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
