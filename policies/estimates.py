"""What the runtime expects of tiers, checks, reads and preparations before it has tried them.

Every default is a prior, shipped as data with its reason beside it; `measured` puts durations in their place
once they are known. Money in US dollars, time in seconds, abilities and difficulties on one logit scale on
which tasks are about standard normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from policies.vocabulary import Check

LOCALISED = "localised"
PLANNED = "planned"
LADDER = (Check.TARGET, Check.AFFECTED, Check.SUITE)
"""Checks each of which runs what the one before it runs: passing a later one covers the earlier ones."""


@dataclass(frozen=True)
class TierEstimate:
    """What an attempt of a tier achieves and takes.

    Sampling tier (`slices` empty): an attempt on a task of difficulty d is right with probability
    logistic(discrimination · (ability + knowledge gains - d)), independently given d; at most `attempts`.
    Exhaustive tier (`slices` = m_1..m_K): a fix is in the search space with that probability, and attempt j
    covers the share m_j of the ranked candidates' prior mass.
    overfit: P(an attempt that is not right still yields a candidate that passes the failing tests).
    dollars, seconds: expected for one attempt; worst_*: its caps. switch_dollars: extra when another tier was
    called last, because the prompt cache is cold.
    """

    name: str
    ability: float
    discrimination: float
    dollars: float
    seconds: float
    worst_dollars: float
    worst_seconds: float
    attempts: int
    slices: tuple[float, ...] = ()
    overfit: float = 0.05
    knowledge_gain: tuple[tuple[str, float], ...] = ((LOCALISED, 0.5), (PLANNED, 0.5))
    switch_dollars: float = 0.0
    can_plan: bool = False
    plan_dollars: float = 0.0
    plan_seconds: float = 0.0
    plan_worst_dollars: float = 0.0
    plan_worst_seconds: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        if self.slices and not (min(self.slices) > 0 and sum(self.slices) <= 1 + 1e-9):
            raise ValueError(f"slices of {self.name} must be positive shares that sum to at most 1")
        if not 0 <= self.overfit <= 1:
            raise ValueError(f"overfit of {self.name} must be in [0, 1]")
        worst = (self.worst_dollars, self.worst_seconds, self.plan_worst_dollars, self.plan_worst_seconds)
        expected = (self.dollars + self.switch_dollars, self.seconds, self.plan_dollars, self.plan_seconds)
        if any(most < mean for most, mean in zip(worst, expected, strict=True)):
            raise ValueError(f"the worst case of {self.name} is below its expectation")

    @property
    def most_attempts(self) -> int:
        """Attempts after which this tier has nothing left to try."""
        return len(self.slices) or self.attempts


@dataclass(frozen=True)
class CheckEstimate:
    """power: P(a wrong candidate that passes the target tests is caught), chance passes of a flaky target
    aside; target_runs: how often the check runs the target tests, which is what catches those."""

    check: Check
    power: float
    dollars: float
    seconds: float
    worst_seconds: float
    worst_dollars: float = 0.0
    target_runs: int = 1
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise ValueError(f"the power of {self.check} must be in [0, 1]")
        if self.worst_dollars < self.dollars or self.worst_seconds < self.seconds:
            raise ValueError(f"the worst case of {self.check} is below its expectation")


@dataclass(frozen=True)
class ReadEstimate:
    """A read: seconds, their cap, and the knowledge it gives."""

    subject: str
    seconds: float
    worst_seconds: float
    gives: str = LOCALISED
    reason: str = ""


@dataclass(frozen=True)
class PreparationEstimate:
    """A step before the first attempt (intake, environment, ...): seconds and their cap."""

    subject: str
    seconds: float
    worst_seconds: float
    reason: str = ""


@dataclass(frozen=True)
class FinalEstimate:
    """Submit's own verification, cold and in a fresh tree. power as for the suite; worst_seconds stays
    reserved as long as something could still be submitted."""

    power: float
    seconds: float
    worst_seconds: float
    target_runs: int = 1
    reason: str = ""


@dataclass(frozen=True)
class DifficultyPrior:
    """Normal prior over the hidden difficulty d on an even grid of `points` values out to ±`reach` sd."""

    mean: float = 0.0
    sd: float = 1.0
    points: int = 21
    reach: float = 3.0


@dataclass(frozen=True)
class FlakinessPrior:
    """share: P(the target tests are flaky); a flaky target passes at an unknown rate, uniform on [0, 1].

    Reported shares of flaky tests in large CI systems are one to two in a hundred.
    """

    share: float = 0.02


@dataclass(frozen=True)
class Estimates:
    """All priors of one task.

    attempts: how many attempts of sampling tiers, together, the plan looks ahead from the start of the task;
    exhaustive tiers are bounded by their slices. defer_share: the part of V that a handed-over right patch
    saves the person.
    """

    tiers: tuple[TierEstimate, ...]
    checks: tuple[CheckEstimate, ...]
    reads: tuple[ReadEstimate, ...]
    preparations: tuple[PreparationEstimate, ...]
    final: FinalEstimate
    attempts: int = 6
    defer_share: float = 0.3
    difficulty: DifficultyPrior = field(default_factory=DifficultyPrior)
    flakiness: FlakinessPrior = field(default_factory=FlakinessPrior)

    def tier(self, name: str) -> TierEstimate:
        """The tier called `name`; KeyError if there is none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise KeyError(f"no estimate for tier {name!r}")

    def check(self, check: Check) -> CheckEstimate:
        """The estimate of `check`; KeyError if there is none."""
        for estimate in self.checks:
            if estimate.check is check:
                return estimate
        raise KeyError(f"no estimate for check {check!s}")

    def read(self, subject: str) -> ReadEstimate:
        """The read of `subject`; KeyError if there is none."""
        for estimate in self.reads:
            if estimate.subject == subject:
                return estimate
        raise KeyError(f"no estimate for reading {subject!r}")

    def preparation(self, subject: str) -> PreparationEstimate:
        """The preparation called `subject`; KeyError if there is none."""
        for estimate in self.preparations:
            if estimate.subject == subject:
                return estimate
        raise KeyError(f"no estimate for preparation {subject!r}")


DEFAULT_SLICES = (0.35, 0.2, 0.15, 0.12, 0.1, 0.08)
"""Shares of the ranked candidates' prior mass: a good ranking puts about a third in the first slice and
decays slowly after it."""

DEFAULT_CHECKS = (
    CheckEstimate(
        Check.AFFECTED,
        0.5,
        0.0,
        3.0,
        15.0,
        reason="tests that cover the changed lines see half of what breaks",
    ),
    CheckEstimate(
        Check.SUITE, 0.7, 0.0, 10.0, 40.0, reason="all tests; overfitting shows mostly near the change"
    ),
    CheckEstimate(
        Check.REPEAT, 0.0, 0.0, 3.0, 15.0, target_runs=3, reason="sees only targets that passed by chance"
    ),
)

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

DEFAULT_FINAL = FinalEstimate(0.7, 7.0, 60.0, reason="the suite, cold, and the fresh tree")


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


def cap(seconds: float) -> float:
    """The time limit, in seconds, of a step measured to take `seconds`."""
    return 3 * seconds + 10
