"""The candidate in hand, as attempts and what speaks against it change it: a part of the fold."""

from __future__ import annotations

from dataclasses import replace

from agent.observations import AttemptDone
from agent.state import Search, State


def attempted(state: State, seen: AttemptDone, dollars: float) -> State:
    """After an attempt. Raises ValueError for one that says of a candidate what was not so."""
    if seen.read:  # no attempt yet: it wants to know more first, and has that with its next request
        missing = (f"{seen.tier}: you asked for {each}" for each in seen.missing)
        notes = (*state.notes, *missing)
        return replace(state, read=(*state.read, *seen.read), readings=state.readings + 1, notes=notes)
    search, compared = state.searches.get(seen.tier, Search()), _compared(state, seen)
    in_vain = seen.again and state.hand is not None and {*seen.passing} <= {*state.hand.passing}
    search = replace(
        search,
        next_index=seen.next_index,
        total=seen.total,
        used=_used(search.used, seen.mass, compared, in_vain),
        planned=seen.planned,
        planned_seconds=seen.planned_seconds,
        proposed=seen.proposed,
        moved=seen.moved,
        passing=seen.passing if compared else search.passing,
    )
    notes = (*state.notes, *(f"{seen.tier}: dropped: {reason}" for reason in seen.dropped))
    if seen.note and (seen.again or not seen.patch):
        notes = (*notes, f"{seen.tier}: {seen.note}")
    state = replace(state, searches={**state.searches, seen.tier: search}, notes=notes)
    if compared and state.hand is not None:
        belief = state.belief.after_comparison(dollars, seen.share, seen.again)
        if in_vain:
            belief = state.belief.after_nothing_else(dollars, seen.share)
        less = f"{state.hand.description} — less likely than one that was found later"
        return replace(state, hand=seen, belief=belief, notes=notes if seen.again else (*notes, less))
    state = dropped(state, "given up for another attempt", ())
    state = replace(state, refused=state.refused.union(seen.refused))
    if not seen.patch:
        refused = state.refused | {seen.tree} if seen.tree else state.refused  # (a trace without `refused`)
        failed = state.belief.after_failed_attempt(seen.tier, dollars=dollars)
        return replace(state, refused=refused, belief=failed)
    belief = state.belief.after_candidate(seen.tier, dollars, seen.share)
    return replace(state, hand=seen, belief=belief)


def _used(used: tuple[float, ...], mass: float, compared: bool, in_vain: bool) -> tuple[float, ...]:
    """The masses of all attempts, that of the candidate in hand last: of one that was in vain beside it
    before that; with it where more was found, as then the right one is among all that pass."""
    if in_vain:
        return (*used[:-1], mass, *used[-1:])
    return (*used[:-1], used[-1] + mass) if compared else (*used, mass)


def _compared(state: State, seen: AttemptDone) -> bool:
    """Whether the attempt compared what it found with the candidate in hand, and has the likelier of both:
    then they count as one. ValueError where it says so of a candidate that is not in hand."""
    hand = state.hand
    own = hand is not None and hand.index is not None and hand.tier == seen.tier
    compared = own and hand is not None and bool(seen.patch) and hand.index in seen.passing
    if seen.again and not (compared and hand is not None and hand.tree == seen.tree):
        raise ValueError("it was not in hand before")
    return compared


def dropped(state: State, why: str, reasons: tuple[str, ...]) -> State:
    """Without the candidate in hand, if there is one; why: in words, for people."""
    if state.hand is None:
        return state
    detail = f": {'; '.join(reasons[:3])}" if reasons else ""
    notes = (*state.notes, f"{state.hand.description} — {why}{detail}")
    searches, index = dict(state.searches), state.hand.index
    if (search := searches.get(state.hand.tier)) is not None and index in search.passing:
        passing = tuple(each for each in search.passing if each != index)
        searches[state.hand.tier] = replace(search, passing=passing)
    refused = state.refused | {state.hand.tree}
    return replace(state, hand=None, searches=searches, refused=refused, notes=notes)
