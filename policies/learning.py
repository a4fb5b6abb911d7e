"""Estimates with memory: what finished tasks teach about tiers and checks (economics.md §5; MTA §3.4).

The one owner of learning. Others hand it outcomes; it hands back estimates of the same kind as the priors.
Tiers are fitted by `policies.fitting`; powers, sensitivities, durations and how often kinds of candidates
are right are means with the prior as so many observations. No outcome leaves a prior as it is, and a few move
it a little. Pure and deterministic. Money in US dollars, time in seconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from policies.estimates import CheckEstimate, DifficultyPrior, Estimates, TierEstimate
from policies.fitting import Fit, Kind, Seen
from policies.vocabulary import Check

CHECK_STRENGTH = 10.0
"""A prior power or sensitivity counts as much as so many judged candidates."""

SECONDS_STRENGTH = 3.0
"""A prior duration counts as much as so many measured ones."""

KIND_STRENGTH = 3.0
"""A prior rate of a kind of candidate counts as much as so many right ones of it; it may be off by .6 of
itself (1/√3, one sd). A judgement, on the careful side: learning costs little if the priors are right."""

MOST_RIGHT = 2.0
"""So many right ones can be expected of all the mass: where the priors are right, half of the mass is tried
before the right one, on average. It bounds what a single task can say."""

LEAST_FACTOR, MOST_FACTOR = 0.1, 10.0

LENGTHS = 9
"""Points of the length where costs are recorded and the prior has but one."""


@dataclass(frozen=True)
class Attempted:
    """One attempt of `tier` on `task`, in the order they were made, whose truth is known.

    dollars, seconds: what it took; 0: not recorded. weight: in (0, 1], what is left of it as evidence after
    depreciation. knowledge: what was known of the task (see `TierEstimate.knowledge_gain`). searched: of an
    exhaustive tier, the share of its candidates' prior mass tried by then; None: as its slices say.
    """

    task: str
    tier: str
    right: bool
    dollars: float = 0.0
    seconds: float = 0.0
    weight: float = 1.0
    knowledge: tuple[str, ...] = ()
    searched: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dollars) and self.dollars >= 0):
            raise ValueError(f"an attempt of {self.tier} cannot cost ${self.dollars}")
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"an attempt of {self.tier} cannot take {self.seconds} s")
        if not 0 < self.weight <= 1:
            raise ValueError(f"a weight must be in (0, 1], not {self.weight}")
        if self.searched is not None and not 0 <= self.searched <= 1:
            raise ValueError(f"a share searched must be in [0, 1], not {self.searched}")


@dataclass(frozen=True)
class Checked:
    """`check` passed a candidate, or not, whose truth came out later; weight as in `Attempted`."""

    check: Check
    right: bool
    passed: bool
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"a weight must be in (0, 1], not {self.weight}")


@dataclass(frozen=True)
class Searched:
    """What one task's search through candidates of several kinds came to.

    masses: the prior mass of those of each kind that were tried, before any learning. found: the kind of the
    one that was right, "" if none was. weight: as in `Attempted`.
    """

    masses: Mapping[str, float]
    found: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(mass) and mass >= 0 for mass in self.masses.values()):
            raise ValueError("a mass is a finite number of at least 0")
        if not 0 < self.weight <= 1:
            raise ValueError(f"a weight must be in (0, 1], not {self.weight}")


def factors(searches: Sequence[Searched]) -> dict[str, float]:
    """By how much candidates of each kind are likelier to be right than their prior says.

    How many of a kind were right is Poisson with mean factor · expected, and Gamma(KIND_STRENGTH,
    KIND_STRENGTH) the prior of the factor: posterior means, within bounds. Expected are as many as were right
    in all, up to MOST_RIGHT, shared among the kinds like the mass that was tried: how many in all is learnt
    of the tier. What was not tried counts neither way, so a search may end with the first that is right.
    """
    tried, found = defaultdict[str, float](float), defaultdict[str, float](float)
    for each in searches:
        scale = max(1.0, sum(each.masses.values()))  # one task is one task, whatever it says
        for kind, mass in each.masses.items():
            tried[kind] += each.weight * mass / scale
        if each.found:
            found[each.found] += each.weight
    whole, right = sum(tried.values()), sum(found.values())
    rate = min(right / whole, MOST_RIGHT) if whole else 0.0
    learnt = dict[str, float]()
    for kind in sorted({*tried, *found}):
        mean = (KIND_STRENGTH + found[kind]) / (KIND_STRENGTH + rate * tried[kind])
        learnt[kind] = min(max(mean, LEAST_FACTOR), MOST_FACTOR)
    return learnt


def learn(
    prior: Estimates, attempts: Sequence[Attempted], checks: Sequence[Checked] = (), doubt: float = 1.0
) -> Estimates:
    """`prior` after these outcomes; those of tiers and checks it does not hold are left out.

    doubt: how far tiers may be from their prior, 1 or `policies.fitting.STRANGERS`.
    All outcomes go in at once, on top of the priors as shipped: what was learnt is not a prior to learn on.
    """
    learnt = replace(prior, checks=tuple(_check(check, checks) for check in prior.checks))
    names = {tier.name for tier in prior.tiers}
    known = [attempt for attempt in attempts if attempt.tier in names]
    if not known:
        return learnt
    priced = any(attempt.dollars > 0 for attempt in known)
    learnt = replace(learnt, difficulty=_grid(prior.difficulty, priced))
    fit = Fit(learnt, _told(learnt, known), doubt)
    fit.run()
    tiers = tuple(_timed(fit.tier(tier), known) for tier in learnt.tiers)
    weights = tuple(fit.prior.tolist())
    return replace(learnt, tiers=tiers, difficulty=replace(learnt.difficulty, weights=weights))


def _check(prior: CheckEstimate, checks: Sequence[Checked]) -> CheckEstimate:
    """Power and sensitivity as shares, with the prior as so many observations. Only a review may fail a right
    candidate: a failure of the others is proof."""
    mine = [each for each in checks if each.check is prior.check]

    def share(before: float, right: bool, passed: bool) -> float:
        judged = [each for each in mine if each.right is right]
        seen = sum(each.weight for each in judged)
        counted = sum(each.weight for each in judged if each.passed is passed)
        return (CHECK_STRENGTH * before + counted) / (CHECK_STRENGTH + seen) if seen else before

    power = share(prior.power, right=False, passed=False)
    if prior.sensitivity == 1:
        return replace(prior, power=power)
    sensitivity = share(prior.sensitivity, right=True, passed=True)
    return replace(prior, power=max(power, 1 - sensitivity), sensitivity=sensitivity)


def _timed(tier: TierEstimate, attempts: Sequence[Attempted]) -> TierEstimate:
    """`tier` with its duration: the mean of the measured ones, within its cap."""
    mine = [attempt for attempt in attempts if attempt.tier == tier.name and attempt.seconds > 0]
    seen = sum(attempt.weight for attempt in mine)
    total = sum(attempt.weight * attempt.seconds for attempt in mine)
    if not mine:
        return tier
    mean = (SECONDS_STRENGTH * tier.seconds + total) / (SECONDS_STRENGTH + seen)
    return replace(tier, seconds=min(mean, tier.worst_seconds))


def _grid(prior: DifficultyPrior, priced: bool) -> DifficultyPrior:
    """The prior's grid, with a length where costs can tell it."""
    if prior.lengths > 1 or not priced:
        return prior
    if not prior.weights:
        return replace(prior, lengths=LENGTHS)
    lengths = np.linspace(-prior.length_reach, prior.length_reach, LENGTHS)
    spread = np.outer(prior.weights, np.exp(-0.5 * lengths**2))
    return replace(prior, lengths=LENGTHS, weights=tuple(spread.ravel().tolist()))


def _told(estimates: Estimates, attempts: Sequence[Attempted]) -> list[Seen]:
    """What each attempt tells. The slices of an exhaustive tier tell one thing together, whether the fix was
    in the part searched, so the last one speaks for all; a later sample mostly repeats the ones before it."""
    told: dict[tuple[str, str, int], Seen] = {}
    tried: dict[tuple[str, str], int] = {}
    for attempt in attempts:
        tier, key = estimates.tier(attempt.tier), (attempt.task, attempt.tier)
        done = tried.get(key, 0)
        tried[key] = done + 1
        searched = sum(tier.slices[: done + 1]) if tier.slices else tier.retry**done
        if tier.slices and attempt.searched is not None:
            searched = attempt.searched
        share = 1.0 if attempt.right else min(searched, 1.0)
        kind = Kind(tier.name, tuple(sorted(attempt.knowledge)), attempt.right, share)
        seen = Seen(attempt.task, kind, attempt.weight, attempt.dollars)
        told[(*key, 0 if tier.slices else done)] = seen
    return list(told.values())
