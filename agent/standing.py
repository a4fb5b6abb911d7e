"""The tiers as they stand in a state: how far searches are, and who can still be asked. Nothing is quoted."""

from __future__ import annotations

from dataclasses import replace

from agent.state import Search, State
from policies.estimates import TierEstimate, cap


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
    if not tier.slices or search.planned is None:
        return tier
    slices = tuple(max(share, 1e-9) for share in (*search.used, *search.planned))
    total = sum(slices)
    if total > 1:
        slices = tuple(share / total for share in slices)
    seconds = search.planned_seconds or tier.seconds
    return replace(
        tier,
        slices=slices,
        attempts=len(slices),
        seconds=seconds,
        worst_seconds=max(cap(seconds), tier.seconds),
    )
