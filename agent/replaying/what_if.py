"""`agent replay --what-if`: where other prices, limits or another policy would have gone.

The recorded run is walked as long as the other choice is the recorded one. From the first that differs on,
recorded results are used where they hold (`reused`); where one was never recorded, the plan's own model says
what it expects (`policies.outlook`). Nothing is asked, run or made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent import fold
from agent.ahead import ahead
from agent.errors import UsageError
from agent.events import StepDecided, StepDone, StepIntended
from agent.forecast import estimates
from agent.loop import chosen_candidate, decide, worst_case
from agent.observations import DeferralDone, Observation
from agent.policies import check_policy, policy_named
from agent.replaying.prices import other_settings
from agent.replaying.recorded import Recorded, holding, recorded_steps
from agent.replaying.reused import Results, cut_off, delivered, told_the_same
from agent.replaying.step import Believed, believed
from agent.replaying.worth import Compared, compared, priced, right_of, shifted, worth
from agent.state import State
from agent.task import Record, Settings
from agent.trace import Trace, start_of
from policies.outlook import Outlook, Range
from policies.vocabulary import Bill, Candidate, Decision, Limits, Outcome, Prices, Step, StepKind

MOST_BRANCH_STEPS = 500


class Side(Record):
    """A way to choose: by this policy, at these prices, within these limits."""

    policy: str
    prices: Prices
    limits: Limits


class Ending(Record):
    """How a run ended, or would: outcome None where it was cut off. dollars, seconds: spent in all; right:
    P(the patch handed out is right), None without one."""

    outcome: Outcome | None
    explanation: str
    dollars: float
    seconds: float
    right: float | None


class Difference(Record):
    """The first decision that differs. recorded, other: the steps chosen, "stop" for none. recorded_then: the
    row of the recorded choice as it was recorded; recorded_row and other_row: of both choices in the other
    decision's table (None: it stops, or the step is not in it). by_version: at the recorded prices this
    version would not choose the recorded step, either."""

    number: int
    line: int
    recorded: str
    other: str
    recorded_then: Candidate | None
    recorded_row: Candidate | None
    other_row: Candidate | None
    decision: Decision
    by_version: bool


class BranchStep(Record):
    """A step of the branch whose result is known. at: the recorded step that says so, 0 where none has to (it
    stops, or hands over); implied: what that step showed decides this one, and the bill is what was
    expected."""

    number: int
    step: str
    at: int
    implied: bool
    observation: Observation | None
    bill: Bill


class Expectation(Record):
    """What the plan's model expects from where nothing is recorded any more: `step` is chosen, and its result
    was never recorded. spent: in the branch until then; outlook: of what follows."""

    number: int
    step: str
    spent: Bill
    belief: Believed
    outlook: Outlook


class WhatIf(Record):
    """The answer. followed: so many decisions are the recorded ones. difference: None where all are. branch:
    what follows it, as far as it is known; expected: from there on; ending: where all of it is known.
    compared: what both come to at the other prices."""

    run_id: str
    recorded: Side
    other: Side
    followed: int
    difference: Difference | None
    branch: tuple[BranchStep, ...] = ()
    expected: Expectation | None = None
    as_recorded: Ending
    compared: Compared
    ending: Ending | None = None
    notes: tuple[str, ...] = ()


def what_if(trace: Trace, assignments: Sequence[str], policy: str | None) -> WhatIf:
    """Walk the trace with other prices (`NAME=AMOUNT`) or another policy (None: the recorded one).

    Raises UsageError for what cannot be read of these, TraceError for a trace that does not hold.
    """
    started, _ = start_of(trace)
    name = check_policy(policy) if policy is not None else started.policy
    settings = other_settings(started.settings, assignments)
    steps = list(recorded_steps(trace))
    if not steps:
        raise UsageError(f"{trace.folder} has no decision: the run ended before its first one")
    with holding(trace):
        return _Walk(steps, started.policy, name, settings).answer()


@dataclass(frozen=True)
class _Branch:
    """The steps of the branch whose results are known, the state after them, and what is expected of the rest
    where it has not ended there."""

    taken: tuple[BranchStep, ...]
    state: State
    expected: Expectation | None = None


class _Walk:
    """A recorded run beside another way to choose."""

    def __init__(self, steps: Sequence[Recorded], recorded: str, other: str, settings: Settings) -> None:
        self.steps = steps
        self.settings = settings
        self.names = recorded, other
        self.policy = policy_named(other, settings.schedule, shadow_prices=False)
        self.notes = dict[str, None]()

    def answer(self) -> WhatIf:
        """Follow both until they part, then the other."""
        at, decision = self._parting()
        last = self.steps[-1]
        branch = _Branch((), self._as_delivered())
        before = 0.0
        if decision is not None:
            branch = self._branch(at, decision)
            before = priced(self.steps[at].before.spent, self.settings)
        return WhatIf(
            run_id=last.before.run_id,
            recorded=_side(self.names[0], last.before.settings),
            other=_side(self.names[1], self.settings),
            followed=at,
            difference=None if decision is None else self._difference(at, decision),
            branch=branch.taken,
            expected=branch.expected,
            as_recorded=_ending(last.after),
            ending=None if branch.expected else _ending(branch.state),
            compared=compared(
                before,
                worth(self._other(last.after)),
                self._worth(branch),
                estimates(self._other(last.after)).defer_share,
            ),
            notes=tuple(self.notes),
        )

    def _parting(self) -> tuple[int, Decision | None]:
        """The position of the first decision that differs, and the other one."""
        for at, recorded in enumerate(self.steps):
            state = self._other(recorded.before)
            decision = decide(state, self.policy)
            if decision.chosen != recorded.decision.chosen:
                return at, decision
            if decision.chosen is None or recorded.done is None:
                continue
            row, where = chosen_candidate(decision), f"step {recorded.number}, {recorded.name}"
            if cut_off(recorded, row):
                self.notes[f"{where}: it took longer than it would have had; its result is not known"] = None
                return at, decision
            asks = decision.chosen.tier is not None and bool(chosen_asked(state, decision.chosen))
            if asks and not told_the_same(recorded, state, row):
                self.notes[f"{where}: it would have been asked otherwise; the recorded answer is used"] = None
        return len(self.steps), None

    def _difference(self, at: int, decision: Decision) -> Difference:
        recorded = self.steps[at]
        own = policy_named(self.names[0], recorded.before.settings.schedule, shadow_prices=False)
        here = decide(recorded.before, own).chosen
        return Difference(
            number=recorded.number,
            line=recorded.line,
            recorded=recorded.name,
            other=decision.chosen.name if decision.chosen else "stop",
            recorded_then=_row(recorded.decision, recorded.decision.chosen),
            recorded_row=_row(decision, recorded.decision.chosen),
            other_row=_row(decision, decision.chosen),
            decision=decision,
            by_version=here != recorded.decision.chosen,
        )

    def _worth(self, branch: _Branch) -> Range | float | None:
        """What the branch comes to in all, or is expected to."""
        if branch.expected is None:
            return worth(self._other(branch.state))
        taken = priced(branch.expected.spent, self.settings)
        return shifted(branch.expected.outlook.net, -taken)

    def _branch(self, at: int, decision: Decision) -> _Branch:
        """The branch from its first decision: what is known of it, and what is expected after that."""
        results, state, taken = (
            Results(self.steps, at),
            self._other(self.steps[at].before),
            list[BranchStep](),
        )
        while state.ended is None and len(taken) < MOST_BRANCH_STEPS:
            number, step = state.steps + 1, decision.chosen
            decided = fold.apply(state, StepDecided(decision=decision))
            if step is None:
                taken.append(_ends(number, "stop", None))
                state = decided
                break
            if step.kind is StepKind.DEFER:
                taken.append(_ends(number, step.name, DeferralDone()))
                state = fold.apply(decided, StepDone(step=step, observation=DeferralDone(), bill=Bill()))
                break
            result = results.find(state, decision)
            if result is None:
                return _Branch(tuple(taken), state, self._expected(state, step))
            state = fold.apply(decided, StepIntended(step=step, reserved=worst_case(decision)))
            for event in result.events:
                state = fold.apply(state, event)
            state = fold.apply(state, StepDone(step=step, observation=result.observation, bill=result.bill))
            taken.append(
                BranchStep(
                    number=number,
                    step=step.name,
                    at=result.at,
                    implied=result.implied,
                    observation=result.observation,
                    bill=result.bill,
                )
            )
            if state.ended is None:
                decision = decide(state, self.policy)
        return _Branch(tuple(taken), state)

    def _expected(self, state: State, step: Step) -> Expectation:
        return Expectation(
            number=state.steps + 1,
            step=step.name,
            spent=state.spent,
            belief=believed(state),
            outlook=ahead(state, self.policy),
        )

    def _as_delivered(self) -> State:
        """The recorded end at the other prices and limits: who must confirm, and what stopped it."""
        last = self.steps[-1]
        if last.decision.chosen is None:
            state = self._other(last.before)
            return fold.apply(state, StepDecided(decision=decide(state, self.policy)))
        if last.done is None:
            return last.after
        seen = delivered(last.done.observation, self._other(last.before))
        if seen == last.done.observation:
            return last.after
        done = StepDone(step=last.done.step, observation=seen, bill=last.done.bill)
        return fold.apply(self._other(last.before), done)

    def _other(self, state: State) -> State:
        """The same state with the other prices and limits: it is folded from observations alone."""
        return replace(state, settings=self.settings)


def chosen_asked(state: State, step: Step) -> str:
    """The model that the step asks, "" for none."""
    return next((model.name for model in state.settings.models if model.name == step.tier), "")


def _side(policy: str, settings: Settings) -> Side:
    return Side(policy=policy, prices=settings.prices, limits=settings.limits)


def _row(decision: Decision, step: Step | None) -> Candidate | None:
    return next((row for row in decision.candidates if row.step == step), None)


def _ends(number: int, step: str, seen: Observation | None) -> BranchStep:
    return BranchStep(number=number, step=step, at=0, implied=False, observation=seen, bill=Bill())


def _ending(state: State) -> Ending:
    return Ending(
        outcome=state.ended,
        explanation=state.explanation,
        dollars=state.spent.dollars,
        seconds=state.spent.seconds,
        right=right_of(state),
    )
