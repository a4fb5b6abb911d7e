"""The fit behind `policies.learning`: what a set of attempts says of tiers, by expectation and maximisation.

Every task has a hidden difficulty d and length l, integrated out over the grid of its prior: given the tiers,
each task has a posterior over (d, l); given those, each tier has a logistic regression of its successes and a
linear one of the logarithm of its costs, each with a normal prior around what was believed of the tier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.estimates import Estimates, TierEstimate
from policies.posterior import NEVER, Posterior, Vector

Matrix = NDArray[np.float64]

LOGIT_SD, DISCRIMINATION_SD, LENGTH_GAIN_SD = 0.75, 0.3, 0.25
"""How far a tier may be from what its prior says of it, before any outcome: the logit of its success on a
mean task (a stated half may be a third or two thirds), its discrimination, its length gain. With twice that,
the first outcomes cost more than they teach where the prior is right (`benchmarks.learning`)."""

STRANGERS = 2.0
"""So many times farther where the prior says nothing of a tier but that it is one of those offered side by
side, whose success rates span .2 to .8."""

PRICE_STRENGTH = 1.0
"""A prior price counts as much as so many observed ones, failed and right attempts apart."""

SLOPE_STRENGTH = 5.0
"""How strongly cost slopes hold to their prior, in tasks one sd off the mean; and the sd, in attempts."""

FIRST_LENGTH_SLOPE = 0.3
"""Where the search for a cost slope starts that the prior tier does not state: longer tasks are dearer."""

COST_STRENGTHS = np.array([PRICE_STRENGTH, PRICE_STRENGTH, SLOPE_STRENGTH, SLOPE_STRENGTH])

CALIBRATION_STRENGTH = 3.0
"""Attempts that stand for the model when expected costs are matched to observed ones."""

DIFFICULTY_STRENGTH = 10.0
"""The prior of difficulty and length counts as much as so many tasks."""

COST_WEIGHT = 0.5
"""The share of its likelihood that what an attempt cost counts with in a belief: what makes a task dear for
one tier beyond its difficulty and length makes it dear for others too, so costs are not independent."""

COST_SD = 0.5
"""The sd of the logarithm of a cost where the prior tier states none."""

LEAST_DOLLARS, MOST_DOLLARS = 1e-6, 1e6
"""What is recorded beyond counts as so much: nobody sells attempts at such prices."""

ROUNDS = 40


class Kind(NamedTuple):
    """Attempts that tell the same: `share` of what the tier could find was searched, and it was `right`."""

    tier: str
    knowledge: tuple[str, ...]
    right: bool
    share: float


class Seen(NamedTuple):
    """One attempt on a task: what it tells, its weight as evidence, its dollars (0: not recorded)."""

    task: str
    kind: Kind
    weight: float
    dollars: float


class Costs(NamedTuple):
    """log(dollars) = failed, or right, + difficulty · d + length · l, with sd around it; d in its sd."""

    failed: float
    right: float
    difficulty: float
    length: float
    sd: float


class _Curve(NamedTuple):
    """P(right | d, l) of a tier that knows something of the task: which tier, its features, its kinds."""

    number: int
    features: Matrix
    kinds: NDArray[np.intp]


class Fit:
    """Expectation and maximisation for one set of attempts, at least one.

    Attempts enter as sums per task, so that a round is a few products of matrices however many there are.
    doubt: how many times farther than usual a tier may be from its prior. prior: what the tasks looked like,
    over the grid, mixed with the prior weights.
    """

    def __init__(self, estimates: Estimates, attempts: Sequence[Seen], doubt: float = 1.0) -> None:
        self._precision = 1 / np.square(doubt * np.array((LOGIT_SD, DISCRIMINATION_SD, LENGTH_GAIN_SD)))
        self.tiers = estimates.tiers
        self._numbers = {tier.name: number for number, tier in enumerate(self.tiers)}
        posterior, given = Posterior(estimates), estimates.difficulty
        self._grid, self._lengths, self._before = posterior.grid, posterior.lengths, posterior.prior
        self._deviations = (self._grid - given.mean) / given.sd
        self._basis = np.column_stack((np.ones_like(self._grid), self._deviations, self._lengths))
        self._products = (self._basis[:, :, None] * self._basis[:, None, :]).reshape(-1, 9)
        self.prior = self._before
        self._count(attempts)
        self._means = np.array([self._coefficients(tier) for tier in self.tiers])
        self._logits = self._means.copy()
        self._costs = [
            costs._replace(length=costs.length or FIRST_LENGTH_SLOPE)
            for costs in (_prior_costs(tier) for tier in self.tiers)
        ]

    def _count(self, attempts: Sequence[Seen]) -> None:
        """The sums that the rounds need: by task and kind, and of priced ones by task, tier and outcome."""
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(each.kind for each in attempts))}
        tasks = {task: number for number, task in enumerate(dict.fromkeys(each.task for each in attempts))}
        self._share = np.array([kind.share for kind in kinds])[:, None]
        self._right = np.array([kind.right for kind in kinds])[:, None]
        known = dict.fromkeys((kind.tier, kind.knowledge) for kind in kinds)
        self._curves = [
            _Curve(
                self._numbers[tier],
                self._features(self._numbers[tier], knowledge),
                np.array([number for kind, number in kinds.items() if kind[:2] == (tier, knowledge)]),
            )
            for tier, knowledge in known
        ]
        self._told = np.zeros((len(tasks), len(kinds)))
        self._task_weight = np.zeros(len(tasks))
        groups = (len(self.tiers), 2, len(tasks))  # outcomes: not right, right
        self._priced, self._logs = np.zeros(groups), np.zeros(groups)
        self._squares, self._paid = np.zeros(groups[:2]), np.zeros(groups[:2])
        logs: dict[int, list[float]] = {}
        self._made = {self._numbers[kind.tier] for kind in kinds}
        for name, kind, weight, dollars in attempts:
            task, tier = tasks[name], self._numbers[kind.tier]
            self._told[task, kinds[kind]] += weight
            self._task_weight[task] = max(self._task_weight[task], weight)
            if dollars > 0:
                dollars = min(max(dollars, LEAST_DOLLARS), MOST_DOLLARS)
                group, log = (tier, int(kind.right)), math.log(dollars)
                self._priced[(*group, task)] += weight
                self._logs[(*group, task)] += weight * log
                self._squares[group] += weight * log**2
                self._paid[group] += weight * dollars
                logs.setdefault(tier, []).append(log)
        self._level = {tier: sum(each) / len(each) for tier, each in logs.items()}

    def run(self) -> None:
        """Both steps, ROUNDS times: by then nothing moves that matters."""
        tasks = float(self._task_weight.sum())
        seen = tasks / (tasks + DIFFICULTY_STRENGTH)
        for _ in range(ROUNDS):
            chances = [self._chance(curve) for curve in self._curves]
            self._posterior = self._expect(chances)
            self._fit_successes(chances)
            self._fit_costs()
            mean = self._task_weight @ self._posterior / tasks
            self.prior = np.asarray(seen * mean + (1 - seen) * self._before)

    def tier(self, tier: TierEstimate) -> TierEstimate:
        """`tier` with what was learnt of it."""
        number = self.tiers.index(tier)
        if number not in self._made:
            return tier
        level, discrimination, length_gain = self._logits[number].tolist()
        learnt = replace(
            tier, ability=level / discrimination, discrimination=discrimination, length_gain=length_gain
        )
        if number not in self._level:
            return learnt
        failed, right = self._expected_dollars(number)
        costs = self._costs[number]
        return replace(
            learnt,
            dollars=min(failed, tier.worst_dollars - tier.switch_dollars),
            right_share=right / failed,
            cost_difficulty=costs.difficulty,
            cost_length=costs.length,
            cost_sd=costs.sd / math.sqrt(COST_WEIGHT),
        )

    def _coefficients(self, tier: TierEstimate) -> tuple[float, float, float]:
        """logit of success = level - discrimination · (d - knowledge gains) + length_gain · l."""
        return tier.discrimination * tier.ability, tier.discrimination, tier.length_gain

    def _features(self, number: int, knowledge: tuple[str, ...]) -> Matrix:
        gain = sum(each for name, each in self.tiers[number].knowledge_gain if name in knowledge)
        return np.column_stack((np.ones_like(self._grid), gain - self._grid, self._lengths))

    def _chance(self, curve: _Curve) -> Vector:
        """P(right, all of it searched | d, l)."""
        logits = curve.features @ self._logits[curve.number]
        return np.asarray(np.clip(0.5 + 0.5 * np.tanh(0.5 * logits), NEVER, 1 - NEVER))

    def _expect(self, chances: list[Vector]) -> Matrix:
        """P(d, l | everything about a task), shape (tasks, points)."""
        told = np.empty((len(self._right), len(self._grid)))
        for curve, chance in zip(self._curves, chances, strict=True):
            rows = curve.kinds
            told[rows] = np.where(self._right[rows], chance, 1 - self._share[rows] * chance)
        total = self._told @ np.log(told) + np.log(np.maximum(self.prior, NEVER**2))
        if self._level:  # -(log dollars - level - slope)² / 2 sd², but for what no point changes
            slopes = np.array([self._slope(costs) / costs.sd for costs in self._costs])
            levels = np.array([[[costs.failed], [costs.right]] for costs in self._costs])
            sds = np.array([[costs.sd] for costs in self._costs])
            off = (self._logs - levels * self._priced).sum(axis=1) / sds
            total += off.T @ slopes - 0.5 * self._priced.sum(axis=1).T @ slopes**2
        total = np.exp(total - total.max(axis=1, keepdims=True))
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def _slope(self, costs: Costs) -> Vector:
        """How the logarithm of a cost depends on (d, l)."""
        return np.asarray(costs.difficulty * self._deviations + costs.length * self._lengths)

    def _fit_successes(self, chances: list[Vector]) -> None:
        """One Newton step of the regression of each tier's successes on (d, l), with its prior. An attempt
        that failed after part of the search counts as right as likely as the rest of it would have been."""
        gradient = -self._precision * (self._logits - self._means)
        curvature = np.array([np.diag(self._precision)] * len(self.tiers))
        masses = self._told.T @ self._posterior
        for (number, features, rows), chance in zip(self._curves, chances, strict=True):
            mass, share = masses[rows], self._share[rows]
            rest = np.where(self._right[rows], 1.0, chance * (1 - share) / (1 - share * chance))
            gradient[number] += features.T @ (mass * (rest - chance)).sum(axis=0)
            spread = mass.sum(axis=0) * chance * (1 - chance)
            curvature[number] += (features * spread[:, None]).T @ features
        for number in self._made:
            step = np.clip(np.linalg.solve(curvature[number], gradient[number]), -0.7, 0.7)
            moved = self._logits[number] + step
            moved[1] = max(moved[1], 0.1)
            self._logits[number] = moved

    def _fit_costs(self) -> None:
        """Regression of the logarithm of each tier's costs on (d, l), failed and right ones on two levels:
        the normal equations, from the moments of (1, d, l) under the posteriors."""
        masses = (self._priced @ self._posterior) @ self._products  # tiers x outcomes x 9
        masses = masses.reshape(len(self.tiers), 2, 3, 3)
        logs = (self._logs @ self._posterior) @ self._basis
        for number, level in self._level.items():
            before = _prior_costs(self.tiers[number], level)
            normal, target = np.zeros((4, 4)), np.zeros(4)
            for outcome in (0, 1):
                at = np.ix_((outcome, 2, 3), (outcome, 2, 3))
                normal[at] += masses[number, outcome]
                target[at[1][0]] += logs[number, outcome]
            held = np.array([before.failed, before.right, before.difficulty, before.length])
            found = np.linalg.solve(normal + np.diag(COST_STRENGTHS), target + COST_STRENGTHS * held)
            spread = float(self._squares[number].sum() - 2 * found @ target + found @ normal @ found)
            spread = max(spread, 0.0) + SLOPE_STRENGTH * before.sd**2
            seen = float(self._priced[number].sum())
            failed, right, difficulty, length = found.tolist()
            sd = math.sqrt(spread / (seen + SLOPE_STRENGTH))
            self._costs[number] = Costs(failed, right, difficulty, length, sd)

    def _expected_dollars(self, number: int) -> tuple[float, float]:
        """Expected dollars of a failed and a right attempt on a mean task, such that the sums over the
        attempts seen come out as they were paid."""
        costs = self._costs[number]
        shape = np.exp(self._slope(costs))
        expected = []
        for outcome, level in enumerate((costs.failed, costs.right)):
            dollars = math.exp(level + 0.5 * costs.sd**2)
            weight = self._priced[number, outcome]
            seen = float(weight.sum())
            if seen:
                predicted = dollars * float(weight @ self._posterior @ shape) / seen
                paid = float(self._paid[number, outcome])
                dollars *= (paid + CALIBRATION_STRENGTH * predicted) / (
                    predicted * (seen + CALIBRATION_STRENGTH)
                )
            expected.append(dollars)
        return expected[0], expected[1]


def _prior_costs(tier: TierEstimate, level: float = 0.0) -> Costs:
    """What a tier's estimate says of its costs; `level` is both levels where it states no price."""
    sd = tier.cost_sd * math.sqrt(COST_WEIGHT) or COST_SD
    failed = right = level
    if tier.dollars > 0:
        failed = math.log(tier.dollars) - 0.5 * sd**2
        right = failed + math.log(max(tier.right_share, NEVER))
    return Costs(failed, right, tier.cost_difficulty, tier.cost_length, sd)
