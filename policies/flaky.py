"""Flaky tests: how often one fails, how sure that is, and whether looking for more of them pays. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from policies.estimates import FlakinessPrior

Z = 1.959964
"""Of the standard normal distribution: 95 % lie within plus or minus so many deviations."""


@dataclass(frozen=True)
class Rate:
    """A probability as observed, with its 95 % interval."""

    mean: float
    low: float
    high: float


def failure_rate(failed: int, looks: int) -> Rate:
    """How often a test fails that failed in `failed` of `looks` independent runs: Wilson's score interval,
    which holds its level with few runs, too. Raises ValueError without a look."""
    if not 0 <= failed <= looks or looks == 0:
        raise ValueError(f"{failed} failures of {looks} runs")
    share, spread = failed / looks, Z * Z / looks
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / looks + spread / (4 * looks)) / (1 + spread)
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half))


def found_by_next(looks: int, prior: FlakinessPrior) -> float:
    """P(the next run of a test that passed in `looks` runs fails, as it is flaky).

    A flaky test passes at an unknown rate, uniform on [0, 1]: it passes so often with probability
    1/(looks + 1), and fails next with 1/(looks + 2).
    """
    passed = prior.share / (looks + 1)
    return passed / (passed + 1 - prior.share) / (looks + 2)


def repeat_pays(tests: int, looks: int, prior: FlakinessPrior, worth: float, price: float) -> bool:
    """Whether one more run of `tests` tests that passed in `looks` runs finds flaky ones for more than its
    price. worth: dollars of knowing that a test is flaky; price: of the run, dollars."""
    return tests * found_by_next(looks, prior) * worth > price


def repeats_that_pay(
    tests: int, looks: int, prior: FlakinessPrior, worth: float, price: float, most: int
) -> int:
    """How many more runs pay, one after the other, of tests that went the same way in `looks` runs: that they
    fail each time tells as much as that they pass each time. At most `most`; worth, price: as for one."""
    more = 0
    while more < most and repeat_pays(tests, looks + more, prior, worth, price):
        more += 1
    return more
