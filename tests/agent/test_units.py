"""Money, durations and rates as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import units


@pytest.mark.parametrize(
    ("text", "dollars"),
    [("$2", 2.0), ("2", 2.0), ("2 usd", 2.0), ("0.50", 0.5), (".5$", 0.5), ("3 dollars", 3.0)],
)
def test_money(text: str, dollars: float) -> None:
    assert units.money(text) == dollars


@pytest.mark.parametrize("text", ["-1", "", "two", "$", "1e9999", "nan", "inf", "1,000", "5 eur"])
def test_money_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="money"):
        units.money(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1 hour", 3600.0),
        ("250ms", 0.25),
        ("2 mins", 120.0),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    assert units.duration(text) == seconds


@pytest.mark.parametrize("text", ["-1s", "", "10 parsecs", "m", "1h-2m"])
def test_duration_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        units.duration(text)


def test_rate_is_dollars_per_second() -> None:
    assert units.rate("90/h") == pytest.approx(0.025)
    assert units.rate("$0.01/s") == 0.01
    assert units.rate("0.6 usd per minute") == pytest.approx(0.01)
    assert units.rate("0.01") == 0.01
    with pytest.raises(ValueError, match="price of time"):
        units.rate("5/parsec")


def test_no_limit() -> None:
    assert units.money_limit("none") == math.inf
    assert units.duration_limit("unlimited") == math.inf
    assert units.money_limit("$0") == 0.0


@given(st.floats(min_value=0, max_value=1e7, allow_nan=False))
def test_shown_seconds_never_fail_and_have_a_unit(amount: float) -> None:
    assert units.show_seconds(amount)[-1] in "smh"


def test_sizes() -> None:
    assert units.size("512m") == 512 * 2**20
    assert units.size("1.5 GiB") == 3 * 2**29
    for text in ("12", "", "-1g", "2 parsecs"):
        with pytest.raises(ValueError, match="size"):
            units.size(text)
    assert [units.show_size(count) for count in (64_000, 12.4e6, 1.44e9)] == ["64 kB", "12 MB", "1.4 GB"]
