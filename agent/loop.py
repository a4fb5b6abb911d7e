"""The loop. A live run, a resumed run and a replay are this loop with other effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent import fold
from agent.errors import AgentError
from agent.events import Event, RequestDone, StepDecided, StepDone, StepIntended, TierSeen
from agent.forecast import estimates
from agent.history import before_handing_over
from agent.ledger import Ledger
from agent.observations import Observation
from agent.options import LOCALISE, options
from agent.policies import policy_under
from agent.purse import Purse
from agent.state import State
from policies.decide import Policy
from policies.vocabulary import Bill, Candidate, Decision, Gain, Quote, Step

NOTHING_TAKEN = Quote(
    Gain(0.0, 0.0, 0.0, 0.0),
    dollars=0.0,
    seconds=0.0,
    loss=0.0,
    irreversible_loss=0.0,
    attention=0.0,
    worst_dollars=0.0,
    worst_seconds=1.0,
    probability=1.0,
)
"""Of a step whose result is there already: it is written down."""


@dataclass(frozen=True)
class Performed:
    """What a step came to: the observation, and the expected loss it caused. Its money is in the purse."""

    observation: Observation
    loss: float = 0.0


class Effects(Protocol):
    """Where steps happen. Live: a sandbox and tiers. Replay: the recorded results."""

    def look(self, state: State) -> tuple[TierSeen, ...]:
        """What is to be seen of the tiers' load before the next decision."""
        ...

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """Do the step within what is reserved for it (seconds are its time limit), and pay from the purse.

        Raises SandboxError for an infrastructure error, TraceError when a replay has no such result.
        """
        ...


class Watcher(Protocol):
    """Who looks on: the terminal. `requested`: what came of a request to a tier; `waiting`: seconds before
    the same is asked again."""

    def decided(self, state: State, decision: Decision) -> None: ...
    def begun(self, step: Step) -> None: ...
    def requested(self, done: RequestDone) -> None: ...
    def waiting(self, seconds: float) -> None: ...
    def observed(self, observation: Observation, bill: Bill) -> None: ...


def decide(state: State, policy: Policy) -> Decision:
    """The decision in this state: a pure function of what was observed so far."""
    offered, handed = options(state), handed_over(state)
    step = next((step for step in offered if step.subject in handed), None)
    if step is not None:
        row = Candidate(step, NOTHING_TAKEN, 0.0)
        return Decision(step, (row,), f"{step.name} was done for all tasks of the job")
    decision = policy_under(policy, state.settings.schedule, state.schedule).decide(
        state.belief,
        offered,
        estimates(state),
        state.prices,
        state.left,
        state.settings.delivery,
    )
    return before_handing_over(state, decision)


def handed_over(state: State) -> frozenset[str]:
    """Subjects of steps whose results the job of this task has, and which are not known here yet."""
    known = state.belief.preparations
    return frozenset(
        subject
        for subject in state.settings.surveyed
        if subject in known or (subject == LOCALISE.subject and state.localised is None)
    )


def drive(
    state: State,
    policy: Policy,
    effects: Effects,
    append: Callable[[Event], Event],
    clock: Callable[[], float],
    watcher: Watcher,
    park: Callable[[Step], bool] = lambda _: False,
) -> State:
    """Run until the state has ended, or a step was decided that is to be parked: not begun yet. `append` puts
    an event on disk before anything else happens; `clock` is monotonic seconds. Every second between two
    settlements is on the bill of some step."""
    ledger = Ledger(state.settings.limits, state.spent)
    settled = clock()

    def record(event: Event) -> None:
        nonlocal state
        written = append(event)
        state = fold.apply(state, written)
        match written:  # as it was written: without secrets
            case RequestDone():
                watcher.requested(written)
            case StepDone():
                watcher.observed(written.observation, written.bill)
            case _:
                pass

    while state.ended is None:
        for seen in effects.look(state):
            record(seen)
        decision = decide(state, policy)
        record(StepDecided(decision=decision))
        watcher.decided(state, decision)
        if decision.chosen is None or park(decision.chosen):
            break
        step, reserved = decision.chosen, worst_case(decision)
        ledger.reserve(reserved)
        record(StepIntended(step=step, reserved=reserved))
        watcher.begun(step)
        purse = Purse(ledger, reserved, record, watcher.waiting)
        performed = effects.perform(state, step, purse)
        bill = Bill(purse.spent, clock() - settled, performed.loss)
        settled += bill.seconds
        ledger.settle(purse.reserved, bill)
        record(StepDone(step=step, observation=performed.observation, bill=bill))
    return state


def worst_case(decision: Decision) -> Bill:
    """What the ledger reserves for the chosen step."""
    chosen = chosen_candidate(decision)
    return Bill(chosen.quote.worst_dollars, chosen.quote.worst_seconds, chosen.quote.loss)


def chosen_candidate(decision: Decision) -> Candidate:
    """The row of the chosen step. Raises AgentError when the decision names no row of its own."""
    for candidate in decision.candidates:
        if candidate.step == decision.chosen:
            return candidate
    raise AgentError("the policy chose a step that was not among its candidates")
