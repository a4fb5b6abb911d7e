"""Which steps are possible and allowed now. Absolute constraints remove steps here, before any pricing."""

from __future__ import annotations

from agent.pieces import model_named
from agent.quoting import reviewer
from agent.runners import PYTHON_RUNNERS
from agent.state import State
from policies.estimates import PLANNED, TierEstimate
from policies.power import Hand, tells_more
from policies.priors import MOST_REPEATS
from policies.vocabulary import ActionClass, Check, Step, StepKind

PREPARATIONS: dict[str, Step] = {
    "intake": Step(StepKind.READ, ActionClass.READ, "intake"),
    "environment": Step(StepKind.READ, ActionClass.EXECUTE, "environment"),
    "reproduce": Step(StepKind.VERIFY, ActionClass.EXECUTE, "reproduce"),
    "baseline": Step(StepKind.VERIFY, ActionClass.EXECUTE, "baseline"),
}

LOCALISE = Step(StepKind.READ, ActionClass.EXECUTE, "localise")


def options(state: State) -> tuple[Step, ...]:
    """The steps on offer, in a fixed order; only those that can have a real effect."""
    if state.belief.preparations:
        return (PREPARATIONS[state.belief.preparations[0]],)
    return (*_reads(state), *_plans(state), *_acts(state), *_checks(state), *_terminals(state))


def _reads(state: State) -> tuple[Step, ...]:
    traceable = state.runner in PYTHON_RUNNERS or bool(state.settings.models)
    useful = state.localised is None and traceable
    helped = any("localised" in dict(tier.knowledge_gain) for tier in state.settings.tiers)
    return (LOCALISE,) if useful and helped else ()


def _plans(state: State) -> tuple[Step, ...]:
    if PLANNED in state.belief.bought:
        return ()  # a plan that gave nothing would give nothing again
    return tuple(
        Step(StepKind.PLAN, ActionClass.READ, tier=tier.name)
        for tier in state.settings.tiers
        if may_plan(state, tier)
    )


def may_plan(state: State, tier: TierEstimate) -> bool:
    """Whether the tier can plan for one that is to act. A model that alone is left does not plan for itself:
    it thinks before it answers anyway, and a plan is a whole request that mends nothing."""
    if not tier.can_plan or not state.suits(tier.name):
        return False
    others = (other for other in state.settings.tiers if other.name != tier.name and not other.slices)
    return model_named(state, tier.name) is None or any(
        not exhausted(state, other.name, other.attempts) for other in others
    )


def _acts(state: State) -> tuple[Step, ...]:
    return tuple(
        Step(StepKind.ACT, ActionClass.DRAFT, tier=tier.name)
        for tier in state.settings.tiers
        if not exhausted(state, tier.name, tier.attempts)
    )


def exhausted(state: State, tier: str, attempts: int) -> bool:
    """True when the tier has nothing (more) to try."""
    if not state.suits(tier):
        return True
    search = state.searches.get(tier)
    if search is not None and search.planned is not None:
        return not search.planned
    return search is not None and len(search.used) >= attempts


def _checks(state: State) -> tuple[Step, ...]:
    hand = state.belief.hand
    if hand is None:
        return ()
    possible = [Check.REPEAT]
    if state.baseline is not None and state.baseline.complete:
        possible.insert(0, Check.SUITE)
    if state.localised is not None and state.localised.affected:
        possible.insert(0, Check.AFFECTED)
    steps = tuple(
        Step(StepKind.VERIFY, ActionClass.EXECUTE, check=check)
        for check in possible
        if tells_more(check, hand, MOST_REPEATS)
    )
    return (*steps, *_reviews(state, hand))


def _reviews(state: State, hand: Hand) -> tuple[Step, ...]:
    """Another model's opinion of the candidate in hand, once."""
    reader = reviewer(state)
    reviewable = any(check.check is Check.REVIEW for check in state.settings.checks)
    if reader is None or not reviewable or not tells_more(Check.REVIEW, hand):
        return ()
    return (Step(StepKind.VERIFY, ActionClass.READ, tier=reader.name, check=Check.REVIEW),)


def _terminals(state: State) -> tuple[Step, ...]:
    if state.belief.hand is None:
        return ()
    defer = Step(StepKind.DEFER, ActionClass.DRAFT)
    if state.baseline is None or not state.baseline.complete:
        return (defer,)  # without a whole baseline nothing can be verified against it
    return (Step(StepKind.SUBMIT, state.settings.delivery), defer)
