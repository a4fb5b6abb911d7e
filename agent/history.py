"""Since which commit the tests fail: looked for before handing over, where knowing it pays for the looking.

A pure function of the state, so a replay decides the same.
"""

from __future__ import annotations

from dataclasses import replace

from agent.fold import unreachable
from agent.state import State
from policies.amounts import show_money
from policies.history import looking_back
from policies.vocabulary import ActionClass, Candidate, Decision, Step, StepKind

HISTORY = Step(StepKind.READ, ActionClass.EXECUTE, "history")


def history_row(state: State) -> Candidate | None:
    """The search of the history as a row of the table; None where there is nothing to look at: no commit
    before, tests that are not known to fail always, or a search that was made already. A job's group of tests
    is taken apart first, as no single commit need have broken all of them."""
    intake, seen = state.intake, state.reproduction
    if state.history is not None or intake is None or seen is None or not seen.targets or any(seen.passes):
        return None
    places = intake.commits - (0 if intake.dirty else 1)
    if places < 1:
        return None
    settings = state.settings
    if settings.surveyed and len(seen.targets) > 1:
        return None
    attention = state.schedule.attention
    quote, refused = looking_back(places, seen.seconds_each, attention, state.left.seconds)
    return Candidate(HISTORY, quote, quote.net(state.prices), refused)


def before_handing_over(state: State, decision: Decision) -> Decision:
    """The decision, or to search the history first, where the run is about to be handed to a person."""
    step = decision.chosen
    if step is not None and step.kind is not StepKind.DEFER:
        return decision
    row = None if state.belief.preparations or unreachable(state) else history_row(state)
    if row is None or row.refused or row.net <= 0:
        return decision
    gain, price = show_money(row.quote.gain.total), show_money(row.quote.gain.total - row.net)
    reason = (
        f"{HISTORY.name} before handing over: to know since which commit it fails spares a person about "
        f"{gain} of looking, for {price} of waiting"
    )
    return replace(
        decision,
        chosen=HISTORY,
        candidates=(*decision.candidates, row),
        reason=reason,
        limit_alone=False,
        shadow_dollars=0.0,
        shadow_seconds=0.0,
    )
