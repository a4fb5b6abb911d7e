"""The check values of the economics page, and the optimality of the Cobb-Douglas split."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.allocation import Choice, cobb_douglas_quality, cobb_douglas_split, crossover_value
from policies.vocabulary import Prices


def test_crossover_of_quality_and_cost():
    assert crossover_value(Choice(0.7, 1), Choice(0.9, 5), Prices()) == pytest.approx(20)


def test_crossover_with_risk():
    cheap, dear = Choice(0.7, 1, loss=0.05), Choice(0.9, 5, loss=0.01)
    assert crossover_value(cheap, dear, Prices(risk=50)) == pytest.approx(10)


def test_crossover_at_the_ends():
    assert crossover_value(Choice(0.7, 1), Choice(0.9, 1), Prices()) == 0
    assert crossover_value(Choice(0.7, 1), Choice(0.7, 2), Prices()) == math.inf
    with pytest.raises(ValueError, match="swap"):
        crossover_value(Choice(0.9, 5), Choice(0.7, 1), Prices())


def test_every_price_enters_the_full_price():
    choice = Choice(0.5, 1.0, seconds=10, loss=0.2, irreversible_loss=0.1)
    assert choice.full_price(Prices(20, 0.5, 30, 40)) == pytest.approx(1 + 5 + 6 + 4)


def test_cobb_douglas_by_hand():
    assert cobb_douglas_split([1, 3, 0], [2, 5, 7], 40) == pytest.approx((5, 6, 0))
    assert cobb_douglas_split([0, 0], [1, 1], 10) == (0, 0)
    assert cobb_douglas_quality(2, [0.5, 0.5, 0], [4, 9, 0]) == pytest.approx(12)


numbers = st.floats(0.1, 5)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=4), st.floats(1, 100), st.floats(0.01, 0.2))
def test_cobb_douglas_is_optimal_and_equalises_gain_per_dollar(inputs, budget, shift):
    exponents, prices = [a for a, _ in inputs], [p for _, p in inputs]
    split = cobb_douglas_split(exponents, prices, budget)
    assert sum(p * t for p, t in zip(prices, split, strict=True)) == pytest.approx(budget)
    per_dollar = [a / (t * p) for a, t, p in zip(exponents, split, prices, strict=True)]
    assert per_dollar == pytest.approx([per_dollar[0]] * len(inputs))
    moved = list(split)  # move some of the money from the first input to the second
    moved[0] -= shift * split[0]
    moved[1] += shift * split[0] * prices[0] / prices[1]
    best = cobb_douglas_quality(1, exponents, split)
    assert cobb_douglas_quality(1, exponents, moved) <= best * (1 + 1e-9)


def test_bad_inputs_are_refused():
    for exponents, prices, budget in (([1], [1, 2], 1), ([-1], [1], 1), ([1], [0], 1), ([1], [1], -1)):
        with pytest.raises(ValueError):
            cobb_douglas_split(exponents, prices, budget)
