"""Whether an event can follow what a trace has said so far: one of unknown origin may say anything."""

from __future__ import annotations

from agent.events import (
    DeliveryIntended,
    Event,
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
        case RunEnded(outcome=outcome, exit_code=code):
            if outcome is not state.ended and outcome not in FROM_OUTSIDE:
                raise ValueError(f"what its steps came to is not '{outcome}'")
            if code != EXIT_CODES[outcome] and (outcome, code) != (Outcome.INTERRUPTED, SIGTERM_CODE):
                raise ValueError(f"exit code {code} is not that of '{outcome}'")
        case _:
            pass


def _check_verified(state: State, found: SubmissionDone) -> None:
    if not found.verified or not found.key or found.targets_passed != len(state.targets):
        raise ValueError("no verification is on record")
    if state.hand is None or found.patch != state.hand.patch:
        raise ValueError("it is not of the candidate in hand")
    if state.delivery is not None and found.diff != state.delivery.submission.diff:
        raise ValueError("what was verified is another patch")
