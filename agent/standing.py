"""The tiers as they stand in a state: how far searches are, and who can still be asked. Nothing is quoted."""

from __future__ import annotations

import math
from dataclasses import replace

from agent.state import Search, State
from policies.estimates import TierEstimate, cap

LEAST_SLICE_SECONDS = 3.0
SLICE_SHARE = 0.25
"""Of the time left, which one slice of a search takes at most: a search can stop anywhere, and what is found
has to be verified, too."""

MOST_SLICES = 8


def standing_tiers(state: State) -> tuple[TierEstimate, ...]:
    """What is expected of the tiers that count in this state."""
    return tuple(_standing(tier, state) for tier in state.settings.tiers if _live(tier, state))


def _live(tier: TierEstimate, state: State) -> bool:
    """An exhaustive tier whose candidates are all tried no longer counts; one that cannot be asked any more
    counts as far as its attempts tell of the task."""
    if not state.suits(tier.name):
        return _tried(tier.name, state) > 0
    search = state.searches.get(tier.name)
    return search is None or search.planned is None or bool(search.used) or bool(search.planned)


def _tried(tier: str, state: State) -> int:
    """Attempts of the tier that count, with the one whose candidate is in hand."""
    hand = state.belief.hand
    return state.belief.failed(tier) + (hand is not None and hand.tier == tier)


def _standing(tier: TierEstimate, state: State) -> TierEstimate:
    """A tier that is gone makes no further attempt; the slices of an exhaustive one are the shares that its
    attempts have used, then those still planned."""
    if tier.name in state.gone:
        tier = replace(tier, attempts=_tried(tier.name, state), can_plan=False)
    search = state.searches.get(tier.name, Search())
    if not tier.slices:
        return tier
    if search.planned is None:
        return _cut_to_fit(tier, len(search.used), state.left.seconds)
    slices = tuple(max(share, 1e-9) for share in (*search.used, *search.planned))
    total = sum(slices)
    if total > 1:
        slices = tuple(share / total for share in slices)
    seconds = search.planned_seconds or tier.seconds
    standing = replace(
        tier,
        slices=slices,
        attempts=len(slices),
        seconds=seconds,
        worst_seconds=max(cap(seconds), tier.seconds),
    )
    return _cut_to_fit(standing, len(search.used), state.left.seconds)


def longest_slice(left: float) -> float:
    """Seconds that a slice of a search takes at most, with so many left."""
    return max(LEAST_SLICE_SECONDS, SLICE_SHARE * left)


def _cut_to_fit(tier: TierEstimate, used: int, left: float) -> TierEstimate:
    """The tier with its further slices in as many parts as it takes for one to fit in `left` seconds."""
    parts = math.ceil(tier.seconds / longest_slice(left))
    if parts <= 1:
        return tier
    further = [share / parts for share in tier.slices[used:] for _ in range(parts)][:MOST_SLICES]
    slices = (*tier.slices[:used], *further)
    return replace(tier, slices=slices, attempts=len(slices), seconds=tier.seconds / parts)
