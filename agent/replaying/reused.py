"""Which recorded result holds in a branch that the run did not take. Where none does, none is made up.

A result holds where nothing that it depends on is otherwise: what runs in the sandbox depends on the base and
the patch, a tier's answer on what it was told, and the embedded tier's search on how far it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose

from agent.deliver import unconfirmed
from agent.events import Event
from agent.loop import chosen_candidate
from agent.observations import (
    AttemptDone,
    CheckDone,
    HistoryDone,
    LocaliseDone,
    Observation,
    StepLost,
    SubmissionDone,
)
from agent.pieces import case_of, chosen_pieces
from agent.replaying.recorded import Recorded
from agent.settings import REPAIR
from agent.state import State
from policies.vocabulary import Bill, Candidate, Check, Decision, Step, StepKind

REFUSED_BEFORE = "refused before"


@dataclass(frozen=True)
class Result:
    """What a step of the branch comes to. at: the recorded step that says so; implied: what another step
    showed decides this one, and its bill is what was expected. events: of a tier's requests."""

    observation: Observation
    bill: Bill
    at: int
    implied: bool = False
    events: tuple[Event, ...] = ()


class Results:
    """The recorded results of a run, for a branch that leaves it at the decision `left_at` (a position)."""

    def __init__(self, steps: Sequence[Recorded], left_at: int) -> None:
        self._steps = [
            each for each in steps if each.done and not isinstance(each.done.observation, StepLost)
        ]
        self._spent = {id(each) for each in steps[:left_at]}
        """What the branch has had already: a random outcome is not had twice."""

    def find(self, state: State, decision: Decision) -> Result | None:
        """What the chosen step comes to in this state, as far as the trace says."""
        row = chosen_candidate(decision)
        step = row.step
        for recorded in self._holding(state, step, row):
            self._spent.add(id(recorded))
            return _result(recorded, state)
        if state.hand is None or step.kind not in (StepKind.VERIFY, StepKind.SUBMIT):
            return None
        return _implied(self._shown(state.hand.tree), row)

    def _holding(self, state: State, step: Step, row: Candidate) -> Iterator[Recorded]:
        """Recorded steps of this kind whose result holds here, in order."""
        for recorded in self._steps:
            done = recorded.done
            if done is None or done.step != step or cut_off(recorded, row):
                continue
            if _holds(recorded, state, row, fresh=id(recorded) not in self._spent):
                yield recorded

    def _shown(self, tree: str) -> dict[str, tuple[bool, int]]:
        """What checks and the final verification showed of this tree, and at which step."""
        shown = dict[str, tuple[bool, int]]()
        for recorded in self._steps:
            seen = recorded.done.observation if recorded.done else None
            if recorded.before.hand is None or recorded.before.hand.tree != tree:
                continue
            if isinstance(seen, CheckDone) and not seen.void:
                shown[str(seen.check)] = (seen.passed, recorded.number)
            elif isinstance(seen, SubmissionDone):
                shown[StepKind.SUBMIT] = (seen.verified, recorded.number)
        return shown


def cut_off(recorded: Recorded, row: Candidate) -> bool:
    """Whether the step would have been cut off, as less time was reserved for it here than it took."""
    assert recorded.done is not None
    then = chosen_candidate(recorded.decision).quote.worst_seconds
    return row.quote.worst_seconds < then and recorded.done.bill.seconds > row.quote.worst_seconds


def delivered(seen: Observation, state: State) -> Observation:
    """A verified fix as it would be delivered in this state: other prices may ask a person to confirm it."""
    if isinstance(seen, SubmissionDone) and seen.verified:
        return seen.model_copy(update={"undelivered": unconfirmed(state)})
    return seen


def told_the_same(recorded: Recorded, state: State, row: Candidate) -> bool:
    """Whether a tier would be told in this state what it was told then: the same words about the same pieces,
    with as many candidates asked for."""
    then, tier = recorded.before, str(row.step.tier)
    quote = chosen_candidate(recorded.decision).quote
    return (
        case_of(then, ()) == case_of(state, ())
        and chosen_pieces(then, tier) == chosen_pieces(state, tier)
        and then.readings == state.readings
        and then.searches.get(tier) == state.searches.get(tier)
        and isclose(quote.worst_dollars, row.quote.worst_dollars)
    )


def _holds(recorded: Recorded, state: State, row: Candidate, fresh: bool) -> bool:
    assert recorded.done is not None
    seen, then, step = recorded.done.observation, recorded.before, row.step
    same_patch = then.hand is not None and state.hand is not None and then.hand.tree == state.hand.tree
    match step.kind:
        case StepKind.READ:
            return isinstance(seen, LocaliseDone | HistoryDone)  # of the base alone
        case StepKind.VERIFY if step.check is Check.REVIEW:
            return fresh and same_patch and told_the_same(recorded, state, row)
        case StepKind.VERIFY if step.check is Check.REPEAT:
            return fresh and same_patch
        case StepKind.VERIFY | StepKind.SUBMIT:
            return same_patch
        case StepKind.PLAN:
            return fresh and told_the_same(recorded, state, row)
        case StepKind.ACT:
            if not fresh or not isinstance(seen, AttemptDone) or not _not_refused(seen, then, state):
                return False
            if step.tier != REPAIR:
                return told_the_same(recorded, state, row)
            return then.localised == state.localised and then.searches.get(REPAIR) == state.searches.get(
                REPAIR
            )
        case _:
            return False


def _not_refused(seen: AttemptDone, then: State, state: State) -> bool:
    """Whether what was refused until then leaves the attempt's result as it was."""
    if then.refused == state.refused:
        return True
    return seen.tree not in state.refused and not any(REFUSED_BEFORE in reason for reason in seen.dropped)


def _result(recorded: Recorded, state: State) -> Result:
    assert recorded.done is not None
    done = recorded.done
    requests = tuple(event for event in recorded.events if event.type in ("request-intent", "request"))
    return Result(delivered(done.observation, state), done.bill, recorded.number, events=requests)


def _implied(shown: dict[str, tuple[bool, int]], row: Candidate) -> Result | None:
    """What other checks of the same patch imply: the final verification runs the suite, the suite the tests
    near the change. Nothing is implied of a review, nor of tests run again."""
    ladder = [str(Check.AFFECTED), str(Check.SUITE), str(StepKind.SUBMIT)]
    name = str(row.step.check or row.step.kind)
    if name not in ladder:
        return None
    at = ladder.index(name)
    weaker = [shown[each] for each in ladder[:at] if each in shown and not shown[each][0]]
    stronger = [shown[each] for each in ladder[at + 1 :] if each in shown and shown[each][0]]
    for passed, number in (*weaker, *stronger):
        bill = Bill(0.0, row.quote.seconds)
        reasons = () if passed else (f"what failed in step {number} is part of it",)
        seen: Observation
        if row.step.kind is StepKind.SUBMIT:
            seen = SubmissionDone(verified=False, reasons=reasons)
        else:
            assert row.step.check is not None
            seen = CheckDone(check=row.step.check, key="", passed=passed, reasons=reasons)
        return Result(seen, bill, number, implied=True)
    return None
