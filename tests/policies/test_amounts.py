"""Dollars as people read them: enough digits to tell amounts apart, and no more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.amounts import show_apart, show_money
from policies.limits import room
from policies.reason import reason_for
from policies.vocabulary import Limits


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (0.0, "$0.00"),
        (1e-12, "$0.00"),
        (0.000123456, "$0.000123"),
        (0.0007, "$0.0007"),
        (0.013030, "$0.013"),
        (0.0249, "$0.0249"),
        (0.05, "$0.05"),
        (0.09999, "$0.10"),
        (0.254, "$0.25"),
        (2.0, "$2.00"),
        (-0.5, "-$0.50"),
        (-0.0012, "-$0.0012"),
        (99_999.99, "$99999.99"),
        (2e7, "$20,000,000"),
        (1.798845238948550e62, "$1.8e+62"),
        (math.inf, "no limit"),
    ],
)
def test_money_is_shown_with_three_digits_when_it_is_little(dollars: float, shown: str) -> None:
    assert show_money(dollars) == shown


@given(st.floats(min_value=1e-8, max_value=9e4))
def test_what_is_shown_is_right_to_half_a_cent_and_of_little_to_half_a_percent(dollars: float) -> None:
    shown = float(show_money(dollars).removeprefix("$"))
    assert abs(shown - dollars) <= 1.0001 * (0.005 if dollars >= 0.1 else 0.005 * dollars)


@given(st.floats(min_value=1e-6, max_value=1e3), st.floats(min_value=1e-9, max_value=10))
def test_amounts_that_differ_look_different(one: float, more: float) -> None:
    shown = show_apart(one * (1 + more), one)
    assert shown[0] != shown[1]


@pytest.mark.parametrize(
    ("worst", "left", "said"),
    [
        (0.01003, 0.0099997, "may cost $0.01003 and $0.01 are left"),
        (1.234, 1.2321, "may cost $1.234 and $1.232 are left"),
        (1.2, 1.0, "may cost $1.20 and $1.00 are left"),
    ],
)
def test_a_refusal_says_amounts_that_make_sense(worst: float, left: float, said: str) -> None:
    assert room(left, 10.0, worst, 1.0, 1.0)[1] == said


def test_a_small_budget_is_not_said_to_be_nothing() -> None:
    assert "into $0.0001 and 900 s, all that is left" in reason_for(None, (), True, Limits(0.0001, 900))
