"""What the policy is told to expect: priors, shipped or learnt, with what this run measured in their place.

A pure function of the state, so a replay forecasts the same.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from agent.candidates import next_attempt
from agent.options import may_plan
from agent.pieces import chosen_pieces, model_named
from agent.quoting import quoted, quoted_review, reviewer, sized_case
from agent.standing import standing_tiers
from agent.state import State
from policies.estimates import (
    CheckEstimate,
    DifficultyPrior,
    Estimates,
    FlakinessPrior,
    PreparationEstimate,
    ReadEstimate,
    TierEstimate,
    cap,
)
from policies.flaky import repeats_that_pay
from policies.priors import default_estimates, measured
from policies.vocabulary import Check, Prices

LOCALISE_FACTOR = 2.5
"""Tracing lines multiplies a test's time by two to three (measured with the C tracer)."""

LOCALISE_CAP_SECONDS = 120.0

LOCALISE_SHARE = 0.25
"""Of the deadline, the share that localising may take in any case, as far as its prior has it: it also
prepares the search for a repair, which on a busy machine takes longer than quick tests say."""

FRESH_TREE_SECONDS = 1.0
"""A fresh sandbox with the tree in it, for the final verification, which also runs the targets alone, and
looks at them without the patch."""

DOUBTFUL_LOOKS = 8
"""At most, at targets on the base that may be flaky: one that passes every third time is found out with a
probability of 0.96."""

LARGEST_SHARE = 0.5
"""Of the deadline, the share that any one preparation may take as a cap: work has to fit as well."""


def estimates(state: State) -> Estimates:
    """Priors, measured durations and the state of each search, as of this state."""
    standing = standing_tiers(state)
    tiers = tuple(_quoted(tier, state, standing) for tier in standing)
    suite = state.baseline.suite_seconds if state.baseline else None
    target = state.reproduction.seconds_each if state.reproduction else None
    fresh = FRESH_TREE_SECONDS + (1 + looks_without(state)) * (target or 0.0)
    affected = None
    if suite is not None and state.baseline and state.localised:
        share = len(state.localised.affected) / max(1, state.baseline.counts.collected)
        affected = min(suite, 0.5 + suite * share)
    settings = state.settings
    return _measured(
        tiers, _checks(state), settings.difficulty, suite, affected, target, fresh, settings.limits.seconds
    )


@lru_cache(maxsize=64)
def _measured(
    tiers: tuple[TierEstimate, ...],
    checks: tuple[CheckEstimate, ...],
    prior: DifficultyPrior,
    suite: float | None,
    affected: float | None,
    target: float | None,
    fresh: float,
    deadline: float,
) -> Estimates:
    """The priors, with measured seconds (of the suite, the tests near the change, a target) in their place.
    Kept, as most steps measure nothing. The final verification is as strong as the suite, which it runs."""
    known = replace(default_estimates(tiers), checks=checks, difficulty=prior)
    known = replace(known, final=replace(known.final, power=known.check(Check.SUITE).power))
    known = measured(
        known,
        suite_seconds=suite,
        affected_seconds=affected,
        target_seconds=target,
        fresh_tree_seconds=fresh,
    )
    if suite is not None:
        known = replace(known, reads=tuple(_localising(read, suite, deadline) for read in known.reads))
    return replace(known, preparations=tuple(_within(p, deadline) for p in known.preparations))


def looks_without(state: State, targets: int = 0) -> int:
    """How many looks at the base pay before so many targets (0: the task's own) are said to be fixed."""
    if state.reproduction is None or state.looked_again is not None:
        return 0
    seen = min((each.fails for each in state.belief.flakiness), default=0)
    return paying_looks(targets or len(state.targets), seen, state.reproduction.seconds_each, state.prices)


def paying_looks(tests: int, seen: int, seconds: float, prices: Prices) -> int:
    """How many more looks at the base pay, of so many seconds each, at tests that failed in `seen` looks: at
    stake is V, for a test that nothing has to be fixed for."""
    price = prices.latency * seconds
    return repeats_that_pay(tests, seen, FlakinessPrior(), prices.value, price, DOUBTFUL_LOOKS)


def _checks(state: State) -> tuple[CheckEstimate, ...]:
    """The checks in the settings, a review as it is quoted now."""
    checks = state.settings.checks
    if all(each.check is not Check.REVIEW for each in checks):
        return checks
    reader = reviewer(state)
    return tuple(
        quoted_review(each, reader, state) if each.check is Check.REVIEW else each for each in checks
    )


def _quoted(tier: TierEstimate, state: State, standing: tuple[TierEstimate, ...]) -> TierEstimate:
    """What is expected of the tier's next attempt and plan; those of a model are quoted by prompt."""
    model = model_named(state, tier.name)
    if model is None:
        return tier
    case = sized_case(state, chosen_pieces(state, tier.name))
    tier = replace(tier, can_plan=may_plan(state, tier))
    return quoted(tier, model, state, case, next_attempt(case, model, state, standing))


def _localising(read: ReadEstimate, suite: float, deadline: float) -> ReadEstimate:
    seconds = min(1.0 + LOCALISE_FACTOR * suite, LOCALISE_CAP_SECONDS / 3)
    worst = max(cap(seconds), min(read.worst_seconds, LOCALISE_SHARE * deadline))
    return replace(read, seconds=seconds, worst_seconds=min(worst, LOCALISE_CAP_SECONDS))


def _within(preparation: PreparationEstimate, deadline: float) -> PreparationEstimate:
    """A slow default never blocks everything: caps shrink with the deadline."""
    worst = max(preparation.seconds, min(preparation.worst_seconds, LARGEST_SHARE * deadline))
    return replace(preparation, worst_seconds=worst)
