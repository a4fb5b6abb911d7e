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
    search, rival = state.searches.get(seen.tier, Search()), _compared_with(state, seen)
    in_vain = seen.again and rival is not None and {*seen.passing} <= {*rival.passing}
    search = replace(
        search,
        next_index=seen.next_index,
        total=seen.total,
        used=_used(search.used, seen.mass, rival is not None, in_vain),
        planned=seen.planned,
        planned_seconds=seen.planned_seconds,
        proposed=seen.proposed,
        moved=seen.moved,
        passing=search.passing if rival is None else seen.passing,
    )
    notes = (*state.notes, *(f"{seen.tier}: dropped: {reason}" for reason in seen.dropped))
    if seen.note and (seen.again or not seen.patch):
        notes = (*notes, f"{seen.tier}: {seen.note}")
    state = replace(state, searches={**state.searches, seen.tier: search}, notes=notes)
    if rival is not None:
        less = () if seen.again else (f"{rival.description} — less likely than one that was found later",)
        if in_vain:
            belief = state.belief.after_nothing_else(dollars, seen.share)
        else:
            belief = state.belief.after_comparison(dollars, seen.share, seen.again)
        return replace(state, hand=seen, belief=belief, notes=(*notes, *less))
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


def _compared_with(state: State, seen: AttemptDone) -> AttemptDone | None:
    """The candidate in hand, if the attempt compared what it found with that, and has the likelier of both.
    ValueError where it says so of one that is not in hand."""
    hand = state.hand if seen.patch else None
    if hand is not None and (hand.tier != seen.tier or hand.index is None or hand.index not in seen.passing):
        hand = None
    if seen.again and (hand is None or hand.tree != seen.tree):
        raise ValueError("it was not in hand before")
    return hand


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
