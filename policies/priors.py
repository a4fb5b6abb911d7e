"""The priors shipped as data, each with its reason, and how measured durations take their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.estimates import (
    LOCALISED,
    CheckEstimate,
    Estimates,
    FinalEstimate,
    PreparationEstimate,
    ReadEstimate,
    TierEstimate,
    cap,
)
from policies.vocabulary import Check

DEFAULT_SLICES = (0.35, 0.2, 0.15, 0.12, 0.1, 0.08)
"""Shares of the ranked candidates' prior mass: a good ranking puts about a third in the first slice and
decays slowly after it."""

MOST_REPEATS = 3
"""Repeats are bought one at a time, while the next is worth its price: a sequential test against flakiness.
After three, a target that passes half of the time by chance has shown itself in seven cases of eight."""

DEFAULT_CHECKS = (
    CheckEstimate(
        Check.AFFECTED,
        0.5,
        0.0,
        3.0,
        15.0,
        target_runs=0,
        reason="passing tests that cover the changed lines see half of what breaks; no target is among them",
    ),
    CheckEstimate(
        Check.SUITE, 0.7, 0.0, 10.0, 40.0, reason="all tests; overfitting shows mostly near the change"
    ),
    CheckEstimate(
        Check.REPEAT,
        0.0,
        0.0,
        1.0,
        10.0,
        most=MOST_REPEATS,
        reason="one more run of the targets; sees only those that passed by chance",
    ),
)

REVIEW_CHECK = CheckEstimate(
    Check.REVIEW,
    0.4,
    0.02,
    15.0,
    180.0,
    worst_dollars=0.5,
    target_runs=0,
    sensitivity=0.85,
    reason="another model's opinion: it sees some special cases, and takes some right patches for wrong",
)
"""For runs that have a model to ask; its dollars and seconds are quoted by prompt."""

DEFAULT_READS = (
    ReadEstimate("localise", 5.0, 60.0, LOCALISED, reason="one run of the tests near the failure, traced"),
)

DEFAULT_PREPARATIONS = (
    PreparationEstimate("intake", 1.0, 60.0, reason="copying a small repository"),
    PreparationEstimate(
        "environment", 5.0, 900.0, reason="mostly cached; else tens of seconds, fetching wheels"
    ),
    PreparationEstimate("reproduce", 3.0, 120.0, reason="the failing tests, run a few times"),
    PreparationEstimate("baseline", 5.0, 300.0, reason="the suite once; most are small"),
)

DEFAULT_FINAL = FinalEstimate(
    0.7, 7.0, 60.0, target_runs=2, reason="the suite, cold, in a fresh tree, after the targets alone"
)


def default_estimates(tiers: tuple[TierEstimate, ...]) -> Estimates:
    """The shipped priors for `tiers`."""
    return Estimates(tiers, DEFAULT_CHECKS, DEFAULT_READS, DEFAULT_PREPARATIONS, DEFAULT_FINAL)


def repair_tier(
    slices: Sequence[float] = DEFAULT_SLICES,
    seconds: float = 10.0,
    worst_seconds: float | None = None,
    name: str = "repair",
) -> TierEstimate:
    """The embedded program-repair tier: $0, `seconds` a slice (cap: three times that).

    About four in ten failing tests of a working repository are mended by one small edit of the kinds it
    enumerates, and a hard bug is almost never; its search is exhaustive, so a second look at a slice gives
    nothing.
    """
    return TierEstimate(
        name=name,
        ability=-0.3,
        discrimination=1.5,
        dollars=0.0,
        seconds=seconds,
        worst_dollars=0.0,
        worst_seconds=3 * seconds if worst_seconds is None else worst_seconds,
        attempts=len(slices),
        slices=tuple(slices),
        overfit=0.05,
        knowledge_gain=((LOCALISED, 0.4),),
        reason="single edits mend about four in ten; localising puts the right line among those tried",
    )


def measured(
    estimates: Estimates,
    *,
    suite_seconds: float | None = None,
    affected_seconds: float | None = None,
    target_seconds: float | None = None,
    fresh_tree_seconds: float = 2.0,
) -> Estimates:
    """The same estimates with measured durations in place of priors.

    suite_seconds: the baseline run. target_seconds: one run of the failing tests. A cap is three times the
    duration plus ten seconds: test times vary by small factors, start-up by seconds.
    """
    final = estimates.final
    if suite_seconds is not None:
        cold = suite_seconds + fresh_tree_seconds
        final = replace(final, seconds=cold, worst_seconds=cap(cold))

    def seconds_of(check: CheckEstimate) -> float | None:
        if check.check is Check.SUITE:
            return suite_seconds
        if check.check is Check.AFFECTED and affected_seconds is None and suite_seconds is not None:
            return min(suite_seconds, check.seconds)
        if check.check is Check.AFFECTED:
            return affected_seconds
        if check.check in (Check.TARGET, Check.REPEAT) and target_seconds is not None:
            return target_seconds * check.target_runs
        return None

    def with_duration(check: CheckEstimate) -> CheckEstimate:
        seconds = seconds_of(check)
        return check if seconds is None else replace(check, seconds=seconds, worst_seconds=cap(seconds))

    return replace(estimates, checks=tuple(map(with_duration, estimates.checks)), final=final)
