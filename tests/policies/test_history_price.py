"""When it pays to look for the commit that broke a test before a person takes over."""

from __future__ import annotations

import math

import pytest

from policies.autonomy import Attention
from policies.history import TELLS, TREE_SECONDS, looking_back, looks
from policies.vocabulary import Prices


@pytest.mark.parametrize("places", [1, 2, 3, 50, 1000])
def test_it_pays_where_a_look_costs_less_than_a_glance(places: int) -> None:
    """Whatever the length of the history: by hand it takes as many looks."""
    prices, attention = Prices(), Attention()
    even = TELLS * attention.glance / prices.latency - TREE_SECONDS
    assert even == pytest.approx(24.0)
    for seconds, pays in ((even - 0.1, True), (even + 0.1, False)):
        quote, refused = looking_back(places, seconds, attention, math.inf)
        assert not refused and (quote.net(prices) > 0) is pays


def test_looks_grow_with_the_logarithm() -> None:
    assert [looks(places) for places in (1, 2, 4, 5, 1000)] == [1, 2, 3, 4, 11]


def test_it_takes_what_is_left_and_is_refused_below_what_it_needs() -> None:
    quote, refused = looking_back(16, 1.0, Attention(), 30.0)
    assert (quote.seconds, quote.worst_seconds, refused) == (10.0, 30.0, "")
    assert looking_back(16, 1.0, Attention(), 9.0)[1] == "takes about 10 s and 9 s are left for it"


def test_its_gain_has_parts_that_sum_up() -> None:
    gain = looking_back(16, 1.0, Attention(), 30.0)[0].gain
    assert gain.total == gain.value + gain.later_costs + gain.later_losses
