"""Bayes on the hidden difficulty: what failures tell about it, and what it says of the next attempt.

Failures of different tiers on one task are strongly correlated through d (economics.md §1): every failure
moves the posterior towards harder tasks and so lowers the expected success of every tier. The likelihood of
an attempt that is not right is proportional to 1 - q(d) whether it yielded nothing or a wrong candidate, so
only counts matter, not the order and not at which check a candidate fell.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.estimates import LADDER, Estimates, FlakinessPrior, TierEstimate
from policies.vocabulary import Check

Vector: TypeAlias = NDArray[np.float64]
Knowledge: TypeAlias = frozenset[str]


class Failed(NamedTuple):
    """`times` attempts of `tier` that were not right, made with `knowledge`."""

    tier: str
    knowledge: tuple[str, ...]
    times: int


Failures: TypeAlias = tuple[Failed, ...]
"""Sorted, one entry per tier and knowledge: the order of failures is forgotten."""

_NEVER = 1e-12  # keeps odds finite where a search space is exhausted for certain


def add_failure(failures: Failures, tier: str, knowledge: Knowledge, times: int = 1) -> Failures:
    """`failures` with `times` more of `tier`, made with `knowledge`."""
    key = (tier, tuple(sorted(knowledge)))
    counts = {(failed.tier, failed.knowledge): failed.times for failed in failures}
    counts[key] = counts.get(key, 0) + times
    return tuple(Failed(*key, count) for key, count in sorted(counts.items()))


def times_failed(failures: Failures, tier: str) -> int:
    """How many attempts of `tier` were not right."""
    return sum(failed.times for failed in failures if failed.tier == tier)


class Posterior:
    """Posterior over d on the grid of `estimates`, and predicted successes; caches are keyed by evidence."""

    def __init__(self, estimates: Estimates) -> None:
        self.estimates = estimates
        self._curves: dict[tuple[str, Knowledge], Vector] = {}
        self._weights: dict[Failures, Vector] = {}
        self._success: dict[tuple[Failures, Knowledge, str], float] = {}

    @cached_property
    def grid(self) -> Vector:
        """Difficulties, shape (points,)."""
        prior = self.estimates.difficulty
        return np.asarray(prior.mean + prior.sd * np.linspace(-prior.reach, prior.reach, prior.points))

    @cached_property
    def _prior(self) -> Vector:
        prior = self.estimates.difficulty
        weights: Vector = np.exp(-0.5 * ((self.grid - prior.mean) / prior.sd) ** 2)
        return np.asarray(weights / weights.sum())

    def weights(self, failures: Failures) -> Vector:
        """P(d | failures) on the grid, shape (points,), summing to 1."""
        if failures not in self._weights:
            unnormalised = self._prior.copy()
            for tier in self.estimates.tiers:
                unnormalised *= self._survival(tier, failures)
            self._weights[failures] = unnormalised / max(unnormalised.sum(), _NEVER)
        return self._weights[failures]

    def success(self, failures: Failures, knowledge: Knowledge, tier: TierEstimate) -> float:
        """P(the next attempt of `tier` is right | failures); 0 when it has nothing left to try."""
        key = (failures, knowledge, tier.name)
        if key not in self._success:
            self._success[key] = self._predict(failures, knowledge, tier)
        return self._success[key]

    def weights_if_right(self, failures: Failures, knowledge: Knowledge, tier: TierEstimate) -> Vector:
        """P(d | failures, then an attempt of `tier` with `knowledge` was right), shape (points,)."""
        joint: Vector = self.weights(failures) * self._next_success(failures, knowledge, tier)
        return np.asarray(joint / max(joint.sum(), _NEVER))

    def _predict(self, failures: Failures, knowledge: Knowledge, tier: TierEstimate) -> float:
        return min(1.0, float(self.weights(failures) @ self._next_success(failures, knowledge, tier)))

    def _next_success(self, failures: Failures, knowledge: Knowledge, tier: TierEstimate) -> Vector:
        """P(the next attempt is right | d), given that the earlier ones were not."""
        done = times_failed(failures, tier.name)
        if done >= tier.most_attempts:
            return np.zeros_like(self.grid)
        curve = self._curve(tier, knowledge)
        if not tier.slices:
            return curve
        # hazard of slice j given that the earlier ones failed: s_j = cov·m_j / (1 - cov·M_(j-1))
        searched = sum(tier.slices[:done])
        return np.asarray(curve * tier.slices[done] / np.maximum(1 - curve * searched, _NEVER))

    def _curve(self, tier: TierEstimate, knowledge: Knowledge) -> Vector:
        """Sampling: P(right | d). Exhaustive: cov(d) = P(a fix is in the search space | d)."""
        key = (tier.name, knowledge)
        if key not in self._curves:
            ability = tier.ability + sum(gain for name, gain in tier.knowledge_gain if name in knowledge)
            logit = tier.discrimination * (ability - self.grid)
            self._curves[key] = np.asarray(0.5 + 0.5 * np.tanh(0.5 * logit))  # logistic, without overflow
        return self._curves[key]

    def _survival(self, tier: TierEstimate, failures: Failures) -> Vector:
        """P(all these attempts of `tier` were not right | d)."""
        survival: Vector = np.ones_like(self.grid)
        searched = 0
        # Knowledge only grows, so fewer pieces of it means earlier; slices are searched in that order.
        mine = sorted((f for f in failures if f.tier == tier.name), key=lambda f: len(f.knowledge))
        for failed in mine:
            curve = self._curve(tier, frozenset(failed.knowledge))
            if tier.slices:
                before = 1 - curve * sum(tier.slices[:searched])
                searched += failed.times
                after = 1 - curve * sum(tier.slices[:searched])
                survival = survival * np.maximum(after, 0.0) / np.maximum(before, _NEVER)
            else:
                survival = survival * (1 - curve) ** failed.times
        return survival


class Flakiness(NamedTuple):
    """How the target tests went at reproduction, pooled: passes and fails of the unpatched code."""

    passes: int = 0
    fails: int = 0

    def chance(self, prior: FlakinessPrior, runs: int = 1) -> float:
        """P(targets that are still broken pass `runs` times in a row by chance).

        Mixture: deterministic (never passes) or flaky with a pass rate uniform on [0, 1]; the rate's
        posterior is Beta(passes + 1, fails + 1), and its moments follow from ratios of beta functions.
        """
        given_flaky = 1.0
        for run in range(runs):
            given_flaky *= (self.passes + 1 + run) / (self.passes + self.fails + 2 + run)
        return self.flaky(prior) * given_flaky

    def flaky(self, prior: FlakinessPrior) -> float:
        """P(the target tests are flaky | how they went)."""
        if self.passes > 0:
            return 1.0
        evidence = prior.share / (self.fails + 1)
        return evidence / (evidence + 1 - prior.share) if evidence else 0.0


class Power:
    """How far passing checks tells a right candidate from a wrong one.

    A wrong candidate passes its targets because it overfits or, when they are flaky, by chance. Checks catch
    both kinds by their power (the ladder subsumes: only its strongest passed rung counts) and the second kind
    also by every further run of the targets.
    """

    def __init__(self, estimates: Estimates, flakiness: Flakiness) -> None:
        self.estimates = estimates
        self.flakiness = flakiness
        self._wrong: dict[tuple[str, frozenset[Check], bool], float] = {}

    def wrong(self, tier: TierEstimate, passed: frozenset[Check], final: bool = False) -> float:
        """P(a candidate passes its targets and `passed`, and the final verification if `final` | it is not
        right), per attempt of `tier`."""
        key = (tier.name, passed, final)
        if key not in self._wrong:
            self._wrong[key] = self._undetected(passed, final) * self._plausible(tier, passed, final)
        return self._wrong[key]

    def _plausible(self, tier: TierEstimate, passed: Iterable[Check], final: bool) -> float:
        runs = 1 + sum(self.estimates.check(check).target_runs for check in passed)
        runs += self.estimates.final.target_runs if final else 0
        return tier.overfit + (1 - tier.overfit) * self.flakiness.chance(self.estimates.flakiness, runs)

    def _undetected(self, passed: frozenset[Check], final: bool) -> float:
        rungs = [self.estimates.check(check).power for check in passed if check in LADDER]
        if final:
            rungs.append(self.estimates.final.power)
        undetected = 1 - max(rungs, default=0.0)
        if Check.REVIEW in passed:
            undetected *= 1 - self.estimates.check(Check.REVIEW).power
        return undetected


def confidence(right: float, wrong: float) -> float:
    """c = P(the candidate is right | it passed): right attempts q against wrong ones (1 - q)·`wrong`."""
    passing = right + (1 - right) * wrong
    return right / passing if passing > 0 else 0.0
