"""W over failure counts for many tiers at once: the same recursion as `policies.lookahead`, by layers.

A table holds W of every multiset of further failures under fixed knowledge, from the deepest layer up, each
layer in a few array operations. Holding a candidate is solved on the spot for every set of checks. A step is
worked out only where its upper bound beats what is known already. Units: dollars, seconds.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.autonomy import delivery_price
from policies.estimates import ReadEstimate, TierEstimate
from policies.looks import Grid, Index, Looks
from policies.moves import Model
from policies.posterior import NEVER, Failures, Knowledge, Vector, times_failed
from policies.power import Hand
from policies.vocabulary import Limits, StepKind

Matrix: TypeAlias = NDArray[np.float64]


NO_LIMITS = Limits()


class Lattice(NamedTuple):
    """Multisets of failures. counts: shape (states, tiers), by layers of equal sum; after: index of the state
    with one more failure of a tier, -1 if none; layers: first state and end of each."""

    counts: Index
    after: Index
    layers: tuple[tuple[int, int], ...]


@lru_cache(maxsize=32)
def lattice(samples: int, sampling: tuple[int, ...], slices: tuple[int, ...]) -> Lattice:
    """Up to `samples` failures of sampling tiers, each up to its cap; exhaustive ones each up to its own."""
    vectors: list[tuple[int, ...]] = [()]
    for cap in sampling:
        vectors = [(*v, n) for v in vectors for n in range(min(cap, samples - sum(v)) + 1)]
    searched = product(*(range(cap + 1) for cap in slices))
    caps = np.array((*sampling, *slices), dtype=np.int64)
    rows = [(*v, *w) for w in searched for v in vectors]
    counts = np.array(sorted(rows, key=sum), dtype=np.int64).reshape(len(rows), len(caps))
    radix = np.concatenate(([1], np.cumprod(caps[:-1] + 1))).astype(np.int64)[: len(caps)]
    codes = counts @ radix
    order = np.argsort(codes)
    after = np.full(counts.shape, -1)
    sampled = counts[:, : len(sampling)].sum(axis=1)
    for tier, cap in enumerate(caps):
        more = counts[:, tier] < cap
        if tier < len(sampling):
            more &= sampled < samples
        after[more, tier] = order[np.searchsorted(codes[order], codes[more] + radix[tier])]
    ends = np.cumsum(np.bincount(counts.sum(axis=1)))
    layers = tuple(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))
    return Lattice(counts, after, layers)


class Learning(NamedTuple):
    """A read or a plan that is still open, its price in dollars, and the table with what it gives."""

    step: ReadEstimate | TierEstimate
    price: float
    table: Table


Choice: TypeAlias = tuple[StepKind, ReadEstimate | TierEstimate]


class Table:
    """W after `failures` and any further ones, with `knowledge`, nothing in hand.

    left: limits; what is left in a state is taken to be that less what its failures are expected to have
    taken. learning: reads and plans still open, with the tables of the same failures after them. predicted:
    of a table of the same failures and knowledge under other limits.
    """

    def __init__(
        self,
        model: Model,
        failures: Failures,
        knowledge: Knowledge,
        left: Limits = NO_LIMITS,
        learning: tuple[Learning, ...] = (),
        predicted: tuple[Matrix, Matrix] | None = None,
    ) -> None:
        self.model = model
        self.learning = learning
        self.tiers, self._lattice = _laid_out(model, failures)
        self._position = {tier.name: position for position, tier in enumerate(self.tiers)}
        self._before = tuple(times_failed(failures, tier.name) for tier in self.tiers)
        self._index = {row: state for state, row in enumerate(map(tuple, self._lattice.counts.tolist()))}
        self._grid = Looks(model, self.tiers).grid
        everything = [model.power.everything(Hand(tier.name)) for tier in self.tiers]
        missed = np.array([model.power.wrong(hand, final=True) for hand in everything])
        self._wrong = self._grid.wrong[:, -1]
        self._missed = _ratio(missed, self._wrong)
        self._final = model.prices.latency * model.estimates.final.seconds
        self._success, dollars = predicted or self.predict(failures, knowledge)
        self.predicted = self._success, dollars
        self._price = dollars + model.prices.latency * np.array([tier.seconds for tier in self.tiers])
        lasts = len(self.tiers) + 1 if model.caches_matter else 1
        cold = np.arange(len(self.tiers))[:, None] != np.arange(lasts)
        self._switch: Matrix = np.array([tier.switch_dollars for tier in self.tiers])[:, None] * cold
        self._possible = (self._lattice.after >= 0) & self._affordable(dollars, left)
        self.worth: Matrix = np.zeros((len(self._lattice.counts), lasts))
        self._acting: Matrix = np.full(self._lattice.counts.shape, -np.inf)
        for start, end in reversed(self._lattice.layers):
            self._solve(start, end)

    def choices(self, failures: Failures, last: str | None) -> list[tuple[float, Choice]]:
        """What is worth doing next, with what it is worth, the best first; nothing where stopping is best or
        no attempt is left."""
        totals = (times_failed(failures, tier.name) for tier in self.tiers)
        state = self._index.get(tuple(n - was for n, was in zip(totals, self._before, strict=True)), -1)
        if state < 0:
            return []
        column = self._column(last)
        acting = self._acting[state] - self._switch[:, column]
        ranked: list[tuple[float, Choice]] = [
            (float(value), (StepKind.ACT, tier)) for value, tier in zip(acting, self.tiers, strict=True)
        ]
        for learning in self.learning:
            kind = StepKind.READ if isinstance(learning.step, ReadEstimate) else StepKind.PLAN
            value = float(self._learnt(learning, state, state + 1)[0, column])
            ranked.append((value, (kind, learning.step)))
        ranked.sort(key=lambda entry: -entry[0])
        return [(value, choice) for value, choice in ranked if value > 0]

    def _column(self, last: str | None) -> int:
        """The column of the states in which `last` was called last."""
        return self._position.get(last or "", len(self.tiers)) if self.model.caches_matter else 0

    def predict(self, failures: Failures, knowledge: Knowledge) -> tuple[Matrix, Matrix]:
        """P(the next attempt is right) and its expected dollars, both of shape (states, tiers)."""
        posterior, counts = self.model.posterior, self._lattice.counts
        weights: Matrix = np.repeat(posterior.weights(failures)[None, :], len(counts), axis=0)
        chances = []
        for column, tier in enumerate(self.tiers):
            ahead = range(self._before[column], self._before[column] + int(counts[:, column].max()) + 1)
            chance = np.array([posterior.chance(tier, knowledge, done) for done in ahead])
            survival = np.cumprod(np.vstack((np.ones_like(chance[:1]), 1 - chance[:-1])), axis=0)
            weights *= survival[counts[:, column]]
            chances.append(chance)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), NEVER)
        success, dollars = np.zeros(counts.shape), np.empty(counts.shape)
        for column, (tier, chance) in enumerate(zip(self.tiers, chances, strict=True)):
            cost = posterior.cost_given(tier, chance)
            for done in range(len(chance)):
                rows = counts[:, column] == done
                success[rows, column] = weights[rows] @ chance[done]
                dollars[rows, column] = tier.dollars if cost is None else weights[rows] @ cost[done]
            most = tier.worst_dollars - tier.switch_dollars
            np.minimum(dollars[:, column], most, out=dollars[:, column])
        return np.minimum(success, 1.0), dollars

    def _affordable(self, dollars: Matrix, left: Limits) -> NDArray[np.bool_]:
        """Whether each tier's next attempt fits into what is left, shape (states, tiers)."""
        counts = self._lattice.counts
        self._money: Vector = np.full(len(counts), np.inf)
        self._time: Vector = np.full(len(counts), np.inf)
        if left == NO_LIMITS or not self.tiers:
            return np.ones(counts.shape, dtype=np.bool_)
        seconds = np.array([tier.seconds for tier in self.tiers])
        checking = self._wrong * self.model.estimates.final.seconds
        time = left.seconds - counts @ (seconds + checking)
        final = self.model.estimates.final
        self._money = left.dollars - counts @ dollars[0]
        self._time = time - np.maximum(final.seconds, np.minimum(final.worst_seconds, time / 2))
        worst = np.array([tier.worst_dollars for tier in self.tiers])
        return np.asarray((worst <= self._money[:, None]) & (seconds <= self._time[:, None]))

    def _solve(self, start: int, end: int) -> None:
        """One layer: work tiers out in the order of their upper bounds, as far as they could be best."""
        possible, success = self._possible[start:end], self._success[start:end]
        columns = np.arange(len(self.tiers)) if self.model.caches_matter else 0
        going_on = np.where(possible, self.worth[self._lattice.after[start:end], columns], 0.0)
        candidate = success + (1 - success) * self._wrong
        price = self._price[start:end]
        bound = candidate * self._bound(_share(success, candidate), going_on) - price
        bound += (1 - candidate) * going_on
        bound[~possible | (bound <= 0)] = -np.inf
        ranked, rows = np.argsort(-bound, axis=1), np.arange(end - start)
        known, cold = np.zeros(end - start), self._switch.max(axis=1, initial=0.0)
        acting = self._acting[start:end]
        for rank in range(len(self.tiers)):
            could = np.nonzero(bound[rows, ranked[:, rank]] > known)[0]
            if not len(could):
                break
            tier = ranked[could, rank]
            later, passing = going_on[could, tier], candidate[could, tier]
            worth = passing * self._held(success[could, tier], tier, later) - price[could, tier]
            acting[could, tier] = worth + (1 - passing) * later
            known[could] = np.maximum(known[could], acting[could, tier] - cold[tier])
        best = (acting[:, :, None] - self._switch[None]).max(axis=1, initial=0.0)
        for learning in self.learning:
            best = np.maximum(best, self._learnt(learning, start, end))
        self.worth[start:end] = best

    def _learnt(self, learning: Learning, start: int, end: int) -> Matrix:
        """Worth of a read or plan in these states, shape (states, lasts)."""
        after, step = learning.table.worth[start:end], learning.step
        dollars, seconds, switch = 0.0, step.seconds, np.zeros(1)
        if isinstance(step, TierEstimate):
            planner = self._position[step.name]
            dollars, seconds = step.plan_worst_dollars + step.switch_dollars, step.plan_seconds
            if self.model.caches_matter:
                after, switch = after[:, [planner]], self._switch[planner]
        fits = (dollars <= self._money[start:end]) & (seconds <= self._time[start:end])
        return np.asarray(np.where(fits[:, None], after - learning.price - switch, -np.inf))

    def _bound(self, c: Matrix, going_on: Matrix) -> Matrix:
        """As if every check and the final verification were free and done (see `Programme`)."""
        model = self.model
        terms = (model.delivery, model.prices, model.schedule)
        right = model.prices.value - self._final - float(delivery_price(np.ones(()), *terms))
        wrong = -self._final - float(delivery_price(np.zeros(()), *terms))
        submitted = c * right + (1 - c) * self._missed * wrong
        deferred = c * model.estimates.defer_share * model.prices.value
        caught = (1 - c) * (1 - self._missed) * going_on
        return np.asarray(np.maximum(going_on, caught + np.maximum(submitted, deferred)))

    def _held(self, q: Vector, tier: Index, going_on: Vector) -> Vector:
        """W with a fresh candidate in hand; all arguments of one shape, `tier` holding positions."""
        grid, going = self._grid, going_on[:, None]
        solved: Matrix = np.empty((len(q), len(grid.right)))
        masses = q[:, None] * grid.right + (1 - q)[:, None] * grid.wrong[tier]
        shares = 1.0 / np.where(masses > 0, masses, np.inf)
        ended = np.maximum(going, np.maximum(*endings(self.model, grid, q, tier, going_on)))
        for looks in grid.generations:
            best = ended[:, looks]
            for check, passed in enumerate(grid.passed[looks].T):
                further = np.flatnonzero(passed >= 0)
                if len(further):
                    then, failed = passed[further], grid.failed[looks[further], check]
                    otherwise = (
                        going if (failed < 0).all() else np.where(failed >= 0, solved[:, failed], going)
                    )
                    passing = masses[:, then] * shares[:, looks[further]]
                    worth = otherwise + passing * (solved[:, then] - otherwise) - grid.price[check]
                    best[:, further] = np.maximum(best[:, further], worth)
            solved[:, looks] = best
        return solved[:, -1]


def endings(model: Model, grid: Grid, q: Vector, tier: Index, going_on: Vector) -> tuple[Matrix, Matrix]:
    """Worth of submitting, and of deferring, at every look, both of shape (candidates, looks); the other
    arguments are of shape (candidates,), `tier` holding positions in the grid."""
    value, final = model.prices.value, model.prices.latency * model.estimates.final.seconds
    right, wrong = q[:, None] * grid.right, (1 - q)[:, None] * grid.wrong[tier]
    verified = right + (1 - q)[:, None] * grid.missed[tier]
    c, passes = _share(right, right + wrong), _ratio(verified, right + wrong)
    terms = (model.delivery, model.prices, model.schedule, model.loss_left)
    submitted = value * c - final + (1 - passes) * going_on[:, None]
    submitted -= passes * delivery_price(_share(right, verified), *terms)
    return submitted, model.estimates.defer_share * value * c - model.schedule.attention.glance


def _laid_out(model: Model, failures: Failures) -> tuple[tuple[TierEstimate, ...], Lattice]:
    """The tiers that may still be called, sampling ones first, and the lattice of their failures."""
    tiers, samples = model.progress.left_to_try(failures)
    sampling = tuple(tier for tier in tiers if not tier.slices)
    searching = tuple(tier for tier in tiers if tier.slices)
    left = {tier: tier.most_attempts - times_failed(failures, tier.name) for tier in tiers}
    samples -= sum(left[tier] for tier in searching)
    caps = tuple(min(left[tier], samples) for tier in sampling)
    return (*sampling, *searching), lattice(samples, caps, tuple(left[tier] for tier in searching))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, 1 where whole is 0 (as in `policies.moves`)."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 1.0))


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, 0 where whole is 0."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0))
