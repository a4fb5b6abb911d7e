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

LOGIT_SD, DISCRIMINATION_SD, LENGTH_GAIN_SD = 1.5, 0.6, 0.5
"""How far a tier may be from its prior, before any outcome: the logit of its success on a mean task, its
discrimination, its length gain. 1.5 spans the success rates of models offered side by side (.2 to .8)."""

PRICE_STRENGTH = 1.0
"""A prior price counts as much as so many observed ones, failed and right attempts apart."""

SLOPE_STRENGTH = 5.0
"""How strongly cost slopes hold to their prior, in tasks one sd off the mean; and the sd, in attempts."""

FIRST_LENGTH_SLOPE = 0.3
"""Where the search for a cost slope starts that the prior tier does not state: longer tasks are dearer."""

CALIBRATION_STRENGTH = 3.0
"""Attempts that stand for the model when expected costs are matched to observed ones."""

DIFFICULTY_STRENGTH = 10.0
"""The prior of difficulty and length counts as much as so many tasks."""

COST_WEIGHT = 0.5
"""The share of its likelihood that what an attempt cost counts with in a belief: what makes a task dear for
one tier beyond its difficulty and length makes it dear for others too, so costs are not independent."""

COST_SD = 0.5
"""The sd of the logarithm of a cost where the prior tier states none."""

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


class Fit:
    """Expectation and maximisation for one set of attempts, at least one.

    prior: what the tasks looked like, over the grid, mixed with the prior weights.
    """

    def __init__(self, estimates: Estimates, attempts: Sequence[Seen]) -> None:
        self.tiers = estimates.tiers
        self._numbers = {tier.name: number for number, tier in enumerate(self.tiers)}
        posterior, given = Posterior(estimates), estimates.difficulty
        self._grid, self._lengths, self._before = posterior.grid, posterior.lengths, posterior.prior
        self._deviations = (self._grid - given.mean) / given.sd
        self.prior = self._before
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(each.kind for each in attempts))}
        tasks = {task: number for number, task in enumerate(dict.fromkeys(each.task for each in attempts))}
        rows = sorted((tasks[task], kinds[kind], weight, dollars) for task, kind, weight, dollars in attempts)
        task_of, kind_of, weights, dollars = (np.array(column) for column in zip(*rows, strict=True))
        self._kinds = tuple(kinds)
        self._task, self._kind, self._weight = task_of, kind_of, weights.astype(np.float64)
        self._starts = np.flatnonzero(np.diff(task_of, prepend=-1))
        self._task_weight = np.maximum.reduceat(self._weight, self._starts)
        self._tier = np.array([self._numbers[kind.tier] for kind in self._kinds])[kind_of]
        self._right = np.array([kind.right for kind in self._kinds])[kind_of]
        self._priced = dollars > 0
        self._dollars: Vector = np.where(self._priced, dollars, 1.0)
        self._means = np.array([self._coefficients(tier) for tier in self.tiers])
        self._logits = self._means.copy()
        self._costs = [
            costs._replace(length=costs.length or FIRST_LENGTH_SLOPE)
            for costs in (_prior_costs(tier) for tier in self.tiers)
        ]
        self._chances = self._curves()

    def run(self) -> None:
        """Both steps, ROUNDS times: by then nothing moves that matters."""
        for _ in range(ROUNDS):
            self._chances = self._curves()
            self._posterior = self._expect()
            for number in range(len(self.tiers)):
                self._fit_success(number)
                self._fit_costs(number)
            mean = np.average(self._posterior, axis=0, weights=self._task_weight)
            tasks = float(self._task_weight.sum())
            seen = tasks / (tasks + DIFFICULTY_STRENGTH)
            self.prior = np.asarray(seen * mean + (1 - seen) * self._before)

    def tier(self, tier: TierEstimate) -> TierEstimate:
        """`tier` with what was learnt of it."""
        number = self.tiers.index(tier)
        mine = self._tier == number
        if not mine.any():
            return tier
        level, discrimination, length_gain = self._logits[number].tolist()
        learnt = replace(
            tier, ability=level / discrimination, discrimination=discrimination, length_gain=length_gain
        )
        if not (mine & self._priced).any():
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

    def _features(self, kind: Kind) -> Matrix:
        gains = self.tiers[self._numbers[kind.tier]].knowledge_gain
        gain = sum(each for name, each in gains if name in kind.knowledge)
        return np.column_stack((np.ones_like(self._grid), gain - self._grid, self._lengths))

    def _curves(self) -> list[Vector]:
        """P(right, all of it searched | d, l) for every kind."""
        logits = (self._features(kind) @ self._logits[self._numbers[kind.tier]] for kind in self._kinds)
        return [np.clip(0.5 + 0.5 * np.tanh(0.5 * logit), NEVER, 1 - NEVER) for logit in logits]

    def _expect(self) -> Matrix:
        """P(d, l | everything about a task), shape (tasks, points)."""
        told = np.array(
            [
                np.log(chance if kind.right else 1 - kind.share * chance)
                for kind, chance in zip(self._kinds, self._chances, strict=True)
            ]
        )
        each = told[self._kind]
        levels, slopes, sds = self._cost_arrays()
        rows = self._priced
        offs = levels[self._tier, self._right.astype(int)][rows][:, None] + slopes[self._tier[rows]]
        offs = (np.log(self._dollars[rows])[:, None] - offs) / sds[self._tier[rows]][:, None]
        each[rows] -= 0.5 * offs**2
        each *= self._weight[:, None]
        total = np.add.reduceat(each, self._starts, axis=0) + np.log(np.maximum(self.prior, NEVER**2))
        total = np.exp(total - total.max(axis=1, keepdims=True))
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def _cost_arrays(self) -> tuple[Matrix, Matrix, Vector]:
        """Per tier: levels of failed and right attempts, slopes over the grid, sds."""
        costs = self._costs
        slopes = [cost.difficulty * self._deviations + cost.length * self._lengths for cost in costs]
        levels = np.array([(cost.failed, cost.right) for cost in costs])
        return levels, np.array(slopes), np.array([cost.sd for cost in costs])

    def _fit_success(self, number: int) -> None:
        """One Newton step of the regression of a tier's successes on (d, l), with its prior. An attempt that
        failed after part of the search counts as right with the probability that the rest would have been."""
        precision = 1 / np.square((LOGIT_SD, DISCRIMINATION_SD, LENGTH_GAIN_SD))
        coefficients = self._logits[number]
        gradient = -precision * (coefficients - self._means[number])
        curvature = np.diag(precision)
        for index, kind in enumerate(self._kinds):
            if self._numbers[kind.tier] != number:
                continue
            rows = self._kind == index
            mass = self._weight[rows] @ self._posterior[self._task[rows]]
            chance, features = self._chances[index], self._features(kind)
            rest = 1.0 if kind.right else chance * (1 - kind.share) / (1 - kind.share * chance)
            gradient += features.T @ (mass * (rest - chance))
            curvature += (features * (mass * chance * (1 - chance))[:, None]).T @ features
        step = np.clip(np.linalg.solve(curvature, gradient), -0.7, 0.7)
        moved = coefficients + step
        moved[1] = max(moved[1], 0.1)
        self._logits[number] = moved

    def _fit_costs(self, number: int) -> None:
        """Regression of the logarithm of a tier's costs on (d, l), failed and right ones on two levels."""
        rows = (self._tier == number) & self._priced
        if not rows.any():
            return
        weight = self._weight[rows][:, None] * self._posterior[self._task[rows]]
        logs, right = np.log(self._dollars[rows]), self._right[rows]
        before = _prior_costs(self.tiers[number], float(logs.mean()))
        points = np.zeros_like(self._grid)
        strength = np.array([PRICE_STRENGTH, PRICE_STRENGTH, SLOPE_STRENGTH, SLOPE_STRENGTH])
        normal = np.diag(strength)
        target = strength * np.array([before.failed, before.right, before.difficulty, before.length])
        for outcome in (False, True):
            columns = (points + (not outcome), points + outcome, self._deviations, self._lengths)
            features = np.column_stack(columns)
            mine = right == outcome
            mass = weight[mine].sum(axis=0)
            normal += (features * mass[:, None]).T @ features
            target += features.T @ (logs[mine] @ weight[mine])
        failed, right_level, difficulty, length = np.linalg.solve(normal, target).tolist()
        mean = difficulty * self._deviations + length * self._lengths
        offs = (logs - np.where(right, right_level, failed))[:, None] - mean
        spread = (weight * offs**2).sum() + SLOPE_STRENGTH * before.sd**2
        sd = math.sqrt(spread / (weight.sum() + SLOPE_STRENGTH))
        self._costs[number] = Costs(failed, right_level, difficulty, length, sd)

    def _expected_dollars(self, number: int) -> tuple[float, float]:
        """Expected dollars of a failed and a right attempt on a mean task, such that the sums over the
        attempts seen come out as they were paid."""
        costs = self._costs[number]
        shape = np.exp(costs.difficulty * self._deviations + costs.length * self._lengths)
        expected = []
        for outcome, level in ((False, costs.failed), (True, costs.right)):
            rows = (self._tier == number) & self._priced & (self._right == outcome)
            dollars = math.exp(level + 0.5 * costs.sd**2)
            weight = self._weight[rows]
            seen = float(weight.sum())
            if seen:
                predicted = dollars * float(weight @ (self._posterior[self._task[rows]] @ shape)) / seen
                paid = float(weight @ self._dollars[rows])
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
