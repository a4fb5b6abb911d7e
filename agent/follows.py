"""Whether an event can follow what a trace has said so far: one of unknown origin may say anything."""

from __future__ import annotations

from agent.approvals.request import approvable, approvable_diff, awaits
from agent.events import (
    ApprovalGiven,
    ApprovalRejected,
    ApprovalRequested,
    DeliveryApproved,
    DeliveryDone,
    DeliveryIntended,
    Event,
    PatchesMerged,
    RequestDone,
    RequestIntended,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDone,
)
from agent.observations import SubmissionDone
from agent.state import State
from policies.vocabulary import EXIT_CODES, SIGTERM_CODE, Outcome

FROM_OUTSIDE = frozenset({Outcome.INTERRUPTED, Outcome.INFRASTRUCTURE, Outcome.LIMIT, Outcome.USAGE})
"""How a run may end whatever its steps have come to."""

ROUNDING = 1e-9

MOST_APPROVALS = 99
"""Of one request; each is checked by a process of its own."""


def check_follows(state: State, event: Event) -> None:
    """Raises ValueError, in words, for an event that no run of ours would write in this state."""
    if state.over and not isinstance(event, RunResumed):
        raise ValueError("the run had ended")
    match event:
        case RunStarted():
            raise ValueError("a run starts once")
        case RequestIntended() | RequestDone() if state.intent is None:
            raise ValueError("no step was under way")
        case DeliveryIntended(submission=found):
            _check_verified(state, found)
            if state.intent is None:
                raise ValueError("no step was under way")
        case StepDone(observation=observation, bill=bill):
            if state.intent is not None and bill.dollars < state.requested * (1 - ROUNDING) - ROUNDING:
                raise ValueError("its bill leaves out requests")
            if isinstance(observation, SubmissionDone) and observation.verified:
                _check_verified(state, observation)
        case ApprovalRequested():
            _check_requested(state, event)
        case ApprovalGiven() | ApprovalRejected():
            _check_signed(state, event)
        case DeliveryApproved():
            _check_approved(state, event)
        case DeliveryDone(submission=found):
            if state.approvals.delivering is None:
                raise ValueError("no delivery was approved")
            _check_verified(state, found)
        case PatchesMerged():
            _check_merged(state, event)
        case RunEnded(outcome=outcome, exit_code=code):
            if outcome is not state.ended and outcome not in FROM_OUTSIDE:
                raise ValueError(f"what its steps came to is not '{outcome}'")
            if code != EXIT_CODES[outcome] and (outcome, code) != (Outcome.INTERRUPTED, SIGTERM_CODE):
                raise ValueError(f"exit code {code} is not that of '{outcome}'")
        case _:
            pass


def _check_requested(state: State, event: ApprovalRequested) -> None:
    asked = event.statement
    own = asked.action_class is state.settings.delivery
    if state.submission is None or not (awaits(state) if own else approvable(state)):
        raise ValueError("nothing waits for an approval")
    if state.approvals.rejected is not None:
        raise ValueError("it was rejected")
    if (asked.run, asked.patch, asked.decision) != (state.run_id, approvable_diff(state), "approve"):
        raise ValueError("it asks for something else than what was verified here")


def _check_signed(state: State, event: ApprovalGiven | ApprovalRejected) -> None:
    """Raises ValueError for an approval or a rejection of something else, and for a second one by the same
    person."""
    asked, given = state.approvals.request, state.approvals.given
    if asked is None or state.approvals.rejected is not None:
        raise ValueError("nothing was asked for, or it was rejected")
    if isinstance(event, ApprovalRejected):
        if event.statement != asked.statement.rejecting(event.reason).digest:
            raise ValueError("it rejects something else than what was asked for")
        return
    if event.statement != asked.statement.digest or event.nonce != asked.statement.nonce:
        raise ValueError("it approves something else than what was asked for")
    if len(given) >= MOST_APPROVALS:
        raise ValueError("more people have approved it than are ever asked")
    if any(event.principal == other.principal or event.key == other.key for other in given):
        raise ValueError("this person, or this key, had approved already")


def _check_approved(state: State, event: DeliveryApproved) -> None:
    asked = state.approvals.request
    if asked is None or state.approvals.rejected is not None or not awaits(state):
        raise ValueError("nothing was asked for, or it was rejected")
    if asked.statement.action_class is not state.settings.delivery:
        raise ValueError("they were asked for something else")
    given = {each.principal for each in state.approvals.given}
    if event.nonce != asked.statement.nonce or not set(event.principals) <= given:
        raise ValueError("they have not approved it")
    if min(len(set(event.principals)), len(set(event.keys))) < asked.statement.people:
        raise ValueError("not enough people had approved it")


def _check_merged(state: State, event: PatchesMerged) -> None:
    if state.ended is not Outcome.FIXED or state.merged is not None or state.hand is None:
        raise ValueError("its patch was not verified, or is part of another one")
    own = state.run_id in event.runs and {*state.targets} <= {*event.tests}
    if not own or not {*state.hand.paths} <= {*event.paths}:
        raise ValueError("it leaves out what was verified here")


def _check_verified(state: State, found: SubmissionDone) -> None:
    if not found.verified or not found.key or found.targets_passed != len(state.targets):
        raise ValueError("no verification is on record")
    if state.hand is None or found.patch != state.hand.patch:
        raise ValueError("it is not of the candidate in hand")
    if state.delivery is not None and found.diff != state.delivery.submission.diff:
        raise ValueError("what was verified is another patch")
