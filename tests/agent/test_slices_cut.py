"""A search can stop anywhere: with little time left its slices are smaller, not refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent import fold
from agent.events import RunStarted
from agent.standing import LEAST_SLICE_SECONDS, MOST_SLICES, SLICE_SHARE, standing_tiers
from agent.state import Search, State
from agent.task import Settings
from policies.estimates import TierEstimate
from policies.priors import repair_tier
from policies.vocabulary import Limits


def state_with(seconds: float, **searches: Search) -> State:
    settings = Settings(repository="/r", tests=("t",), tiers=(repair_tier(),), limits=Limits(0.0, seconds))
    begun = fold.start(RunStarted(run_id="r", time=0, versions={}, policy="marginal", settings=settings))
    return replace(begun, searches=searches)


def standing(seconds: float, **searches: Search) -> TierEstimate:
    (tier,) = standing_tiers(state_with(seconds, **searches))
    return tier


@pytest.mark.parametrize("seconds", [40.0, 900.0, float("inf")])
def test_with_time_enough_a_slice_is_as_planned(seconds: float) -> None:
    assert standing(seconds) == repair_tier()


def test_with_less_it_fits_and_covers_as_much_in_a_second_as_before() -> None:
    tier, whole = standing(14.0), repair_tier()
    assert LEAST_SLICE_SECONDS <= tier.seconds <= SLICE_SHARE * 14.0
    assert tier.slices[0] / tier.seconds == pytest.approx(whole.slices[0] / whole.seconds)
    assert len(tier.slices) == tier.attempts <= MOST_SLICES


def test_hardly_any_time_does_not_make_slices_of_nothing() -> None:
    assert standing(1.0).seconds == pytest.approx(repair_tier().seconds / 4)


def test_what_a_search_has_used_stays_as_it_was() -> None:
    search = Search(used=(0.2, 0.1), planned=(0.3, 0.15), planned_seconds=12.0, total=900)
    tier = standing(16.0, repair=search)
    assert tier.slices == pytest.approx((0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05))
    assert (tier.attempts, tier.seconds) == (8, 4.0)
    assert standing(16.0, repair=replace(search, planned=())).attempts == 2
