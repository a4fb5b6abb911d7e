"""From events to the state of a run: a pure fold. Live runs, resumed runs and replays share it."""

from __future__ import annotations

from dataclasses import replace

from agent.errors import TraceError
from agent.events import (
    ApprovalGiven,
    ApprovalRejected,
    ApprovalRequested,
    DeliveryApproved,
    DeliveryDone,
    DeliveryIntended,
    Event,
    LimitsLowered,
    PatchesMerged,
    PersonAnswered,
    RequestDone,
    RequestIntended,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDecided,
    StepDone,
    StepIntended,
    TierSeen,
)
from agent.follows import check_follows
from agent.in_hand import attempted, dropped
from agent.observations import (
    AttemptDone,
    BaselineDone,
    CheckDone,
    DeferralDone,
    EnvironmentDone,
    HistoryDone,
    IntakeDone,
    LocaliseDone,
    Observation,
    PlanDone,
    ReproductionDone,
    StepLost,
    StepRefused,
    SubmissionDone,
    TierBusy,
    TierFailed,
)
from agent.settings import REPAIR
from agent.state import Asked, Search, State
from agent.tiers.prompt import Signals
from policies.belief import Belief
from policies.estimates import LOCALISED
from policies.vocabulary import Bill, Check, Decision, Outcome

_ROUNDING = 1e-9
_BUDGET = "budget"
_OURS = frozenset({"too-long", _BUDGET})
"""Failures that lie in what was asked: to ask it again, after a mend, would be the same."""


def start(event: RunStarted) -> State:
    """The state before the first step."""
    named = bool(event.settings.tests or event.settings.junit)
    order = ("reproduce", "baseline") if named else ("baseline", "reproduce")
    return State(event.settings, event.run_id, Belief(preparations=("intake", "environment", *order)))


def apply(state: State, event: Event) -> State:
    """The state after one more event. Raises TraceError for one that cannot follow, as in a forged trace."""
    try:
        check_follows(state, event)
        return _applied(state, event)
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        why = f": {error}" if str(error) else ""
        raise TraceError(f"a {event.type} event does not follow from those before it{why}") from error


def _applied(state: State, event: Event) -> State:
    match event:
        case RunStarted():
            return state
        case RunResumed():
            # What was said of the load is old: a process may have been away for hours.
            state = replace(state, gone={}, tries={}, seen={}, seen_at={}, over=False)
            if not state.cut_off:
                return state
            ended, explanation = state.came_to or (None, "")
            return replace(state, ended=ended, cut_off=False, explanation=explanation)
        case StepDecided(decision=decision):
            state = replace(state, decision=decision)
            return state if decision.chosen else _stopped(state, decision)
        case StepIntended():
            return replace(state, intent=event, request=None, requested=0.0, asking=0.0, delivery=None)
        case DeliveryIntended():
            return replace(state, delivery=event)
        case LimitsLowered(left=left):
            return state.within(left)
        case PersonAnswered():
            return replace(state, answer=event)
        case ApprovalRequested() | ApprovalGiven() | DeliveryApproved():
            return replace(state, approvals=state.approvals.after(event))
        case ApprovalRejected(principal=principal, reason=reason):
            state = replace(state, approvals=state.approvals.after(event))
            if state.ended is not Outcome.DEFERRED:
                return state
            return _end(state, Outcome.DEFERRED, f"verified, but rejected by {principal}: {reason}")
        case PatchesMerged():
            return replace(state, merged=event)
        case DeliveryDone(submission=submission):
            return _delivered(replace(state, submission=submission), submission)
        case RequestIntended():
            return replace(state, request=event)
        case RequestDone():
            return _requested(state, event)
        case TierSeen(tier=tier, signals=signals):
            return _seen(state, tier, signals, state.spent.seconds)
        case StepDone(observation=observation, bill=bill):
            spent = Bill(
                state.spent.dollars + bill.dollars,
                state.spent.seconds + bill.seconds,
                state.spent.loss + bill.loss,
            )
            state = replace(state, spent=spent, steps=state.steps + 1, intent=None)
            return _observed(state, observation, bill.dollars)
        case RunEnded(outcome=outcome, explanation=explanation):
            return _over(state, outcome, explanation)


def _over(state: State, outcome: Outcome, explanation: str) -> State:
    """Ended; from outside, unless that is what it had come to."""
    came_to = None if state.cut_off or state.ended is None else (state.ended, state.explanation)
    cut_off = came_to is None or outcome is not state.ended
    return replace(
        state,
        ended=outcome,
        explanation=explanation,
        cut_off=cut_off,
        came_to=came_to if cut_off else None,
        over=True,
    )


def _requested(state: State, done: RequestDone) -> State:
    tier, asking = done.tier, state.asking + done.waited + done.seconds
    more = done.dollars - state.request.worst if state.request else 0.0
    if more > _ROUNDING:
        state = replace(state, beyond={**state.beyond, tier: state.beyond.get(tier, 0.0) + more})
    if done.failure != "lost":
        failed = state.tries.get(tier, 0) + 1 if done.failure else 0
        state = replace(state, tries={**state.tries, tier: failed})
    if done.usage is not None and state.intent is not None:
        last = Asked(state.spent.seconds, len(state.read), state.readings)
        state = replace(state, asked={**state.asked, (tier, state.intent.step.kind): last})
    state = replace(
        state,
        request=None,
        requested=state.requested + done.dollars,
        asking=asking,
        calls={**state.calls, tier: (*state.calls.get(tier, ()), done)},
    )
    return _seen(state, tier, done.signals, state.spent.seconds + asking)


def _seen(state: State, tier: str, signals: Signals, at: float) -> State:
    """What an endpoint said at `at` spent seconds, over what it had said before."""
    if tier in state.seen:
        signals = signals.over(state.seen[tier].later(at - state.seen_at[tier]))
    return replace(state, seen={**state.seen, tier: signals}, seen_at={**state.seen_at, tier: at})


def _stopped(state: State, decision: Decision) -> State:
    if decision.limit_alone:
        why = decision.reason.removeprefix("stop: ")
        return _end(state, Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
    broken = unreachable(state)
    if broken is not None:
        ended = _end(state, Outcome.INFRASTRUCTURE, f"tier '{broken.tier}' is gone: {broken.message}")
        return replace(ended, cut_off=True)
    dear = next((each for each in state.gone.values() if each.failure == _BUDGET), None)
    if dear is not None:  # it was worth its price when it was chosen
        why = f"a hard limit alone stopped it: tier '{dear.tier}': {dear.message}"
        return _end(state, Outcome.LIMIT, why)
    gone = "".join(f"; tier '{each.tier}' is gone: {each.message}" for each in state.gone.values())
    return _end(state, Outcome.NOT_FIXED, decision.reason + gone)


def unreachable(state: State) -> TierFailed | None:
    """A tier that could not be asked for a reason that may pass: to resume the run is to ask it again."""
    return next((each for each in state.gone.values() if each.failure not in _OURS), None)


def _end(state: State, outcome: Outcome, explanation: str) -> State:
    return replace(state, ended=outcome, explanation=explanation)


def _observed(state: State, observation: Observation, dollars: float) -> State:
    belief = state.belief
    match observation:
        case IntakeDone():
            return replace(state, intake=observation, belief=belief.prepared("intake"))
        case EnvironmentDone():
            return replace(state, environment=observation, belief=belief.prepared("environment"))
        case ReproductionDone():
            return _reproduced(state, observation)
        case BaselineDone():
            return _baselined(state, observation)
        case LocaliseDone():
            return _localised(state, observation)
        case HistoryDone():
            return replace(state, history=observation)
        case PlanDone(tier=tier, note=note):
            return replace(state, plan=note, belief=belief.after_plan(tier, bool(note)))
        case AttemptDone():
            return attempted(state, observation, dollars)
        case CheckDone(void=True):
            assert state.hand is not None
            return replace(state, unreviewed=state.unreviewed | {state.hand.tree})
        case CheckDone(check=check, passed=passed) if check is Check.REVIEW:
            notes = state.notes if passed else (*state.notes, *(f"review: {r}" for r in observation.reasons))
            return replace(state, belief=belief.after_check(check, passed, proof=False), notes=notes)
        case CheckDone(check=check, passed=passed):
            state = replace(state, belief=belief.after_check(check, passed))
            if passed:
                return state
            state = dropped(state, f"failed check {check}", observation.reasons)
            return _looked_again(state, observation.looked)
        case SubmissionDone(verified=True):
            belief = belief.after_check(Check.SUITE, True)
            state = _looked_again(replace(state, belief=belief), observation.looked)
            return _delivered(replace(state, submission=observation), observation)
        case SubmissionDone():
            state = replace(state, submission=observation, belief=belief.after_submit_failed())
            state = dropped(state, "failed final verification", observation.reasons)
            return _looked_again(state, observation.looked)
        case DeferralDone():
            reason = state.decision.reason if state.decision else "a person must decide"
            return _end(replace(state, deferral=observation), Outcome.DEFERRED, reason)
        case StepRefused(outcome=outcome, message=message):
            return _end(state, outcome, message)
        case TierFailed(tier=tier, message=message):
            notes = (*state.notes, f"{tier}: {message}")
            return replace(state, gone={**state.gone, tier: observation}, notes=notes)
        case TierBusy(tier=tier, seconds=seconds):
            return _seen(state, tier, Signals(retry_after=seconds), state.spent.seconds)
        case StepLost():  # tells nothing about the task; it is only paid for
            return replace(state, lost=state.lost + 1, delivery=None)


def _delivered(state: State, done: SubmissionDone) -> State:
    """The end of a run whose patch was verified, and handed out if that could be."""
    if done.undelivered:
        return _end(state, Outcome.DEFERRED, f"verified, but {done.shortfall}")
    others, by = len(done.beside), state.approvals.delivering
    beside = f", together with the patches of {others} other runs of its job" if others else ""
    approved = f"; approved by {', '.join(by.principals)}" if by else ""
    verified = f"every test asked about passes, verified cold in a fresh tree{beside}{approved}"
    return _end(state, Outcome.FIXED, verified)


def _reproduced(state: State, seen: ReproductionDone) -> State:
    belief = state.belief.reproduced(seen.passes, seen.runs).prepared("reproduce")
    state = _also_in_suite(replace(state, reproduction=seen, belief=belief))
    in_suite = set(state.baseline.failing) if state.baseline else set()
    always = [t for t, n in zip(seen.targets, seen.passes, strict=True) if n == seen.runs]
    if always and set(always) & in_suite:
        which = ", ".join(sorted(set(always) & in_suite)[:3])
        return _end(state, Outcome.FLAKY, f"fails in the whole suite and passes alone: {which}")
    if always:
        return _end(
            state,
            Outcome.NOT_REPRODUCED,
            f"passes here, {seen.runs} of {seen.runs} times: {', '.join(always[:3])}",
        )
    sometimes = [
        f"{t} ({n} of {seen.runs} passed)" for t, n in zip(seen.targets, seen.passes, strict=True) if n
    ]
    if sometimes:
        return _end(state, Outcome.FLAKY, f"fails only sometimes: {', '.join(sometimes[:3])}")
    return state


def _looked_again(state: State, seen: ReproductionDone | None) -> State:
    if seen is None:
        return state
    passed = dict(zip(seen.targets, seen.passes, strict=True))
    passes = tuple(passed.get(target, 0) for target in state.targets)
    fails = tuple(seen.runs - passed[target] if target in passed else 0 for target in state.targets)
    state = replace(state, looked_again=seen, belief=state.belief.seen_again(passes, fails))
    sometimes = [f"{t} ({n} of {seen.runs} more looks passed)" for t, n in passed.items() if n]
    if sometimes:
        return _end(state, Outcome.FLAKY, f"fails only sometimes: {', '.join(sometimes[:3])}")
    return state


def _baselined(state: State, seen: BaselineDone) -> State:
    state = replace(state, baseline=seen, belief=state.belief.prepared("baseline"))
    state = _also_in_suite(state)
    if not state.named and not seen.failing:
        return _end(
            state,
            Outcome.NOTHING_TO_FIX,
            f"no test was named and the suite is green ({seen.counts.passed} passed)",
        )
    # Verification runs the whole suite: a target that passes there already could not be seen fixed.
    otherwise = [each for each in state.targets if not {each, each.split("::")[0]} & set(seen.failing)]
    if state.named and seen.complete and otherwise:
        which = ", ".join(otherwise[:3])
        return _end(state, Outcome.FLAKY, f"fails alone and does not fail in the whole suite: {which}")
    return state


def _also_in_suite(state: State) -> State:
    """Once both are known: what the baseline showed of the targets, besides their reproduction."""
    if state.reproduction is None or state.baseline is None or not state.targets:
        return state
    failed = tuple(target in state.baseline.failing for target in state.targets)
    return replace(state, belief=state.belief.failed_in_suite(failed))


def _localised(state: State, seen: LocaliseDone) -> State:
    belief = state.belief.after_read("localise", LOCALISED if seen.lines else None)
    state = replace(state, localised=seen, belief=belief)
    if seen.planned is None:
        return state
    search = Search(total=seen.candidates, planned=seen.planned, planned_seconds=seen.planned_seconds)
    return replace(state, searches={REPAIR: search, **state.searches})
