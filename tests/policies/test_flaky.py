"""Rates of flaky tests, and whether looking for more of them pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.estimates import FlakinessPrior
from policies.flaky import failure_rate, found_by_next, repeat_pays, repeats_that_pay

scipy_stats = pytest.importorskip("scipy.stats")


@given(st.integers(1, 200).flatmap(lambda looks: st.tuples(st.integers(0, looks), st.just(looks))))
def test_the_interval_is_wilsons(seen: tuple[int, int]) -> None:
    failed, looks = seen
    rate = failure_rate(failed, looks)
    oracle = scipy_stats.binomtest(failed, looks).proportion_ci(0.95, "wilson")
    assert rate.mean == failed / looks
    assert (rate.low, rate.high) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


@pytest.mark.parametrize(("failed", "looks"), [(0, 0), (2, 1), (-1, 3)])
def test_counts_that_cannot_be(failed: int, looks: int) -> None:
    with pytest.raises(ValueError, match="failures of"):
        failure_rate(failed, looks)


@pytest.mark.parametrize("looks", [0, 1, 2, 7])
def test_what_the_next_run_finds_is_the_mixtures(looks: int) -> None:
    share, rates = 0.02, [(n + 0.5) / 10_000 for n in range(10_000)]
    passed = sum(share * rate**looks for rate in rates) / len(rates)
    fails = sum(share * rate**looks * (1 - rate) for rate in rates) / len(rates)
    assert found_by_next(looks, FlakinessPrior(share)) == pytest.approx(
        fails / (passed + 1 - share), rel=1e-5
    )


def test_repeats_pay_until_they_find_too_little() -> None:
    prior = FlakinessPrior(0.02)
    bought = [looks for looks in range(1, 50) if repeat_pays(200, looks, prior, worth=0.5, price=0.05)]
    assert bought == [1, 2, 3, 4]
    assert not repeat_pays(200, 1, prior, worth=0.5, price=3.0), "a suite of five minutes is not repeated"
    assert not repeat_pays(200, 1, FlakinessPrior(0.0), worth=0.5, price=0.001)


def test_runs_are_bought_one_after_the_other_while_each_pays() -> None:
    prior = FlakinessPrior(0.02)
    bought = repeats_that_pay(1, 3, prior, worth=20.0, price=0.006, most=8)
    assert bought == 4
    assert repeat_pays(1, 3 + bought - 1, prior, 20.0, 0.006)
    assert not repeat_pays(1, 3 + bought, prior, 20.0, 0.006)
    assert repeats_that_pay(1, 3, prior, worth=20.0, price=0.006, most=2) == 2
    assert repeats_that_pay(1, 3, prior, worth=20.0, price=0.3, most=8) == 0, "tests that take half a minute"
