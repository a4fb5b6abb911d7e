"""W over failure counts for many tiers at once: the same recursion as `policies.lookahead`, by layers.

A table holds W of every multiset of further failures under fixed knowledge, from the deepest layer up, each
layer in a few array operations. Holding a candidate is solved on the spot for every set of checks. A step is
worked out only where its upper bound beats what is known already. Units: dollars, seconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.autonomy import delivery_price
from policies.estimates import ReadEstimate, TierEstimate
from policies.held import excess
from policies.looks import Index, Looks, Matrix
from policies.moves import Model
from policies.posterior import NEVER, Failures, Knowledge, Vector, times_failed
from policies.power import Hand
from policies.vocabulary import Limits, StepKind

NO_LIMITS = Limits()


class Lattice(NamedTuple):
    """Multisets of failures, by layers of equal sum.

    counts: shape (states, tiers). after: state with one more failure of a tier, -1 if none, (states, tiers).
    layers: first state and end of each layer in which something is left to try. before: a state with one
    failure less, and added: its tier, (states,). number: the states by counts @ radix.
    """

    counts: Index
    after: Index
    layers: tuple[tuple[int, int], ...]
    before: Index
    added: Index
    radix: Index
    number: dict[int, int]


@lru_cache(maxsize=32)
def lattice(samples: int, sampling: tuple[int, ...], slices: tuple[int, ...]) -> Lattice:
    """Up to `samples` failures of sampling tiers, each up to its cap; exhaustive ones each up to its own."""
    counts = np.zeros((1, 0), dtype=np.int64)
    for cap in sampling:
        counts = _times(counts, cap, samples)
    for cap in slices:
        counts = _times(counts, cap, samples + sum(slices))
    counts = counts[np.argsort(counts.sum(axis=1), kind="stable")]
    caps = np.array((*sampling, *slices), dtype=np.int64)
    radix = np.concatenate(([1], np.cumprod(caps[:-1] + 1))).astype(np.int64)[: len(caps)]
    codes = counts @ radix
    order = np.argsort(codes)
    ranked = codes[order]
    after = np.full(counts.shape, -1)
    before, added = np.zeros((2, len(counts)), dtype=np.int64)
    sampled = counts[:, : len(sampling)].sum(axis=1)
    for tier, cap in enumerate(caps):
        more = counts[:, tier] < cap
        if tier < len(sampling):
            more &= sampled < samples
        after[more, tier] = order[np.searchsorted(ranked, codes[more] + radix[tier])]
        before[after[more, tier]], added[after[more, tier]] = np.flatnonzero(more), tier
    ends = np.cumsum(np.bincount(counts.sum(axis=1))).tolist()
    layers = tuple(zip([0, *ends[:-2]], ends[:-1], strict=True)) if len(ends) > 1 else ()
    number = dict(zip(codes.tolist(), range(len(codes)), strict=True))
    return Lattice(counts, after, layers, before, added, radix, number)


def _times(counts: Index, cap: int, most: int) -> Index:
    """Every row with every number up to `cap` added as a column that leaves its sum at `most` or below."""
    room = most - counts.sum(axis=1)
    kept = [counts[room >= number] for number in range(cap + 1)]
    return np.concatenate([np.column_stack((rows, np.full(len(rows), n))) for n, rows in enumerate(kept)])


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
        looks: Looks,
        failures: Failures,
        knowledge: Knowledge,
        left: Limits = NO_LIMITS,
        learning: tuple[Learning, ...] = (),
        predicted: tuple[Matrix, Matrix] | None = None,
    ) -> None:
        self._model = model
        self._looks = looks
        self._learning = learning
        self._choices: dict[tuple[Failures, str | None], list[tuple[float, Choice]]] = {}
        self._tiers, self._lattice = _laid_out(model, failures)
        self._position = {tier.name: position for position, tier in enumerate(self._tiers)}
        self._before = np.array([times_failed(failures, tier.name) for tier in self._tiers], dtype=np.int64)
        self._column = np.array([looks.tier[tier.name] for tier in self._tiers], dtype=np.int64)
        everything = [model.power.everything(Hand(tier.name)) for tier in self._tiers]
        self._missed = np.array([model.power.wrong(hand, final=True) for hand in everything])
        self.predicted = predicted or self._predict(failures, knowledge)
        self._success, dollars = self.predicted
        seconds = np.array([tier.seconds for tier in self._tiers])
        self._price = dollars + model.prices.latency * seconds
        lasts = len(self._tiers) + 1 if model.caches_matter else 1
        cold = np.arange(len(self._tiers))[:, None] != np.arange(lasts)
        self._switch: Matrix = np.array([tier.switch_dollars for tier in self._tiers])[:, None] * cold
        self._possible = (self._lattice.after[: len(dollars)] >= 0) & self._affordable(dollars, seconds, left)
        self.worth: Matrix = np.zeros((len(self._lattice.counts), lasts))
        self._acting: Matrix = np.full(dollars.shape, -np.inf)
        for start, end in reversed(self._lattice.layers):
            self._solve(start, end)

    def choices(self, failures: Failures, last: str | None) -> list[tuple[float, Choice]]:
        """What is worth doing next, with what it is worth, the best first; nothing where stopping is best or
        no attempt is left."""
        key = (failures, last)
        if key not in self._choices:
            self._choices[key] = self._ranked(failures, last)
        return self._choices[key]

    def _ranked(self, failures: Failures, last: str | None) -> list[tuple[float, Choice]]:
        totals = np.array([times_failed(failures, tier.name) for tier in self._tiers], dtype=np.int64)
        further, lattice = totals - self._before, self._lattice
        state = lattice.number.get(int(further @ lattice.radix), len(self._acting))
        if state >= len(self._acting) or (lattice.counts[state] != further).any():
            return []
        column = self._position.get(last or "", len(self._tiers)) if self._model.caches_matter else 0
        acting = (self._acting[state] - self._switch[:, column]).tolist()
        ranked: list[tuple[float, Choice]] = [
            (value, (StepKind.ACT, tier))
            for value, tier in zip(acting, self._tiers, strict=True)
            if value > 0
        ]
        for learning in self._learning:
            kind = StepKind.READ if isinstance(learning.step, ReadEstimate) else StepKind.PLAN
            value = float(self._learnt(learning, state, state + 1)[0, column])
            if value > 0:
                ranked.append((value, (kind, learning.step)))
        ranked.sort(key=lambda entry: -entry[0])
        return ranked

    def _predict(self, failures: Failures, knowledge: Knowledge) -> tuple[Matrix, Matrix]:
        """P(the next attempt is right) and its expected dollars, for the states in which something is left to
        try, both of shape (states, tiers)."""
        posterior, lattice = self._model.posterior, self._lattice
        states = lattice.layers[-1][1] if lattice.layers else 0
        counts, tiers = lattice.counts[:states], np.arange(len(self._tiers))
        if not states:
            return np.zeros(counts.shape), np.zeros(counts.shape)
        ahead = range(int(counts.max()) + 1)
        chance = np.array(
            [
                [posterior.chance(tier, knowledge, before + done) for done in ahead]
                for tier, before in zip(self._tiers, self._before.tolist(), strict=True)
            ]
        )
        weights = np.empty((states, chance.shape[2]))
        weights[0] = posterior.weights(failures)
        for start, end in lattice.layers[1:]:
            before, added = lattice.before[start:end], lattice.added[start:end]
            weights[start:end] = weights[before] * (1 - chance[added, counts[before, added]])
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), NEVER)
        at = tiers * len(ahead) + counts
        success = np.take_along_axis(weights @ chance.reshape(-1, chance.shape[2]).T, at, axis=1)
        dollars = np.empty(counts.shape)
        for column, tier in enumerate(self._tiers):
            cost = posterior.cost_given(tier, chance[column])
            expected = (
                tier.dollars if cost is None else (weights @ cost.T)[np.arange(states), counts[:, column]]
            )
            dollars[:, column] = np.minimum(expected, tier.worst_dollars - tier.switch_dollars)
        return np.minimum(success, 1.0), dollars

    def _affordable(self, dollars: Matrix, seconds: Vector, left: Limits) -> NDArray[np.bool_]:
        """Whether each tier's next attempt fits into what is left, shape (states, tiers)."""
        counts = self._lattice.counts[: len(dollars)]
        self._money: Vector = np.full(len(counts), np.inf)
        self._time: Vector = np.full(len(counts), np.inf)
        if left == NO_LIMITS or not len(counts):
            return np.ones(counts.shape, dtype=np.bool_)
        final = self._model.estimates.final
        checking = self._looks.wrong[-1, self._column] * final.seconds
        time = left.seconds - counts @ (seconds + checking)
        self._money = left.dollars - counts @ dollars[0]
        self._time = time - np.maximum(final.seconds, np.minimum(final.worst_seconds, time / 2))
        worst = np.array([tier.worst_dollars for tier in self._tiers])
        return np.asarray((worst <= self._money[:, None]) & (seconds <= self._time[:, None]))

    def _solve(self, start: int, end: int) -> None:
        """One layer: work tiers out in the order of their upper bounds, as far as they could be best."""
        possible, success = self._possible[start:end], self._success[start:end]
        price = self._price[start:end]
        columns = np.arange(len(self._tiers)) if self._model.caches_matter else 0
        going_on = np.where(possible, self.worth[self._lattice.after[start:end], columns], 0.0)
        bound = self._excess_bound(success, going_on) + going_on - price
        bound[~possible | (bound <= 0)] = -np.inf
        ranked, rows = np.argsort(-bound, axis=1), np.arange(end - start)
        known, cold = np.zeros(end - start), self._switch.max(axis=1, initial=0.0)
        acting = self._acting[start:end]
        for rank in range(len(self._tiers)):
            could = np.nonzero(bound[rows, ranked[:, rank]] > known)[0]
            if not len(could):
                break
            tier = ranked[could, rank]
            later = going_on[could, tier]
            more = excess(self._model, self._looks, success[could, tier], self._column[tier], later)
            acting[could, tier] = more + later - price[could, tier]
            known[could] = np.maximum(known[could], acting[could, tier] - cold[tier])
        best = (acting[:, :, None] - self._switch[None]).max(axis=1, initial=0.0)
        for learning in self._learning:
            best = np.maximum(best, self._learnt(learning, start, end))
        self.worth[start:end] = best

    def _learnt(self, learning: Learning, start: int, end: int) -> Matrix:
        """Worth of a read or plan in these states, shape (states, lasts)."""
        after, step = learning.table.worth[start:end], learning.step
        dollars, seconds, switch = 0.0, step.seconds, np.zeros(1)
        if isinstance(step, TierEstimate):
            planner = self._position[step.name]
            dollars, seconds = step.plan_worst_dollars + step.switch_dollars, step.plan_seconds
            if self._model.caches_matter:
                after, switch = after[:, [planner]], self._switch[planner]
        fits = (dollars <= self._money[start:end]) & (seconds <= self._time[start:end])
        return np.asarray(np.where(fits[:, None], after - learning.price - switch, -np.inf))

    def _excess_bound(self, q: Matrix, going_on: Matrix) -> Matrix:
        """An upper bound of `held.excess`, as if every check and the final verification were free and done
        (see `Programme`); shape (states, tiers)."""
        model, wrong = self._model, (1 - q) * self._missed
        terms = (model.delivery, model.prices, model.schedule)
        price = delivery_price(np.array([0.0, 1.0]), np.ones(2), *terms).tolist()
        final = model.prices.latency * model.estimates.final.seconds
        submitted = (model.prices.value - final - price[0]) * q - (final + price[1]) * wrong
        deferred = model.estimates.defer_share * model.prices.value * q
        return np.asarray(np.maximum(0.0, np.maximum(submitted, deferred) - (q + wrong) * going_on))


def _laid_out(model: Model, failures: Failures) -> tuple[tuple[TierEstimate, ...], Lattice]:
    """The tiers that may still be called, sampling ones first, and the lattice of their failures."""
    tiers, samples = model.progress.left_to_try(failures)
    sampling = tuple(tier for tier in tiers if not tier.slices)
    searching = tuple(tier for tier in tiers if tier.slices)
    left = {tier: tier.most_attempts - times_failed(failures, tier.name) for tier in tiers}
    samples -= sum(left[tier] for tier in searching)
    caps = tuple(min(left[tier], samples) for tier in sampling)
    return (*sampling, *searching), lattice(samples, caps, tuple(left[tier] for tier in searching))
