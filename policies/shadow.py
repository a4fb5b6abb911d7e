"""Shadow prices of limits that many tasks share, and the allocation they lead to (economics.md §1).

    net = G - (1+μ_C)·ΔC - (λ+μ_L)·ΔL - (ρ+μ_R)·ΔR

Given prices are floors; μ >= 0 are the duals of the common limits: 0 while a limit does not bind
(complementary slackness), rising until the plan fits. Every task takes one option or none. The μ minimise

    g(μ) = Σ_l μ_l·limit_l + Σ_task max(0, max_option worth - Σ_l μ_l·use_l)

which is convex and piecewise linear. It is minimised by cutting planes (Dantzig-Wolfe): the tasks answer
the prices with an allocation, a linear programme of one row per limit mixes the allocations seen so far, and
its duals are the next prices. It ends when no answer is better than the mix: then both are optimal. Tasks
are indivisible: the mix is turned into one that divides at most as many tasks as there are limits, those are
left alone, what still fits is added, and the duality gap g(μ) - value is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Choice = NDArray[np.intp]

NOTHING = -1
"""The choice of a task that is left alone: worth 0, use 0."""
TOLERANCE = 1e-12
"""Relative: how far the dual may be from its least value, and the rounding of sums held against a limit."""
MOST_ROUNDS = 1000
"""Cutting planes at most (20 to 60 for three limits). After so many the bound still holds."""
MOST_PASSES = 10
"""How often what is left of the limits is offered to all tasks."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """Shadow prices of common limits, and an indivisible allocation that keeps them.

    duals: μ in dollars per unit of each limit. bound: g(μ) in dollars, which no allocation exceeds.
    relaxed: worth of the best allocation of divisible tasks that was found; bound - relaxed is what the dual
    method left. choice: the option of every task, `NOTHING` for none. value: its worth in dollars.
    used: what it takes of each limit, never more than that (sums are held to it up to 1e-12 of it).
    divided: tasks that the divisible allocation splits. rounds: price vectors the tasks were asked.
    """

    duals: tuple[float, ...]
    bound: float
    relaxed: float
    choice: Choice
    value: float
    used: tuple[float, ...]
    divided: int
    rounds: int

    @property
    def gap(self) -> float:
        """The duality gap in dollars: the best indivisible allocation is worth at most so much more."""
        return max(0.0, self.bound - self.value)


def allocate(worth: Array, use: Array, limits: Sequence[float] | Array) -> Allocation:
    """The shadow prices of `limits` and a good allocation under them (economics.md §1, Prices and limits).

    worth[task, option]: net dollars at the given (floor) prices; -inf: not on offer.
    use[task, option, limit]: what it takes of each limit, in the limit's unit. An infinite limit is none.
    An option that alone breaks a limit is never started and has no part in the prices.
    Raises ValueError for arrays that do not fit each other, worth that is NaN or infinite, and negative or
    undefined uses and limits.
    """
    bounds = np.asarray(limits, dtype=np.float64)
    worth, use = _checked(np.asarray(worth, dtype=np.float64), np.asarray(use, dtype=np.float64), bounds)
    bounded = np.isfinite(bounds)
    scale = np.where(bounds[bounded] > 0, bounds[bounded], 1.0)
    market = _Market(worth, use[:, :, bounded] / scale, bounds[bounded] / scale)
    prices, bound, mix, rounds = _cutting_planes(market)
    relaxed = sum(share * float(market.worth_of(choice).sum()) for share, choice in mix)
    choice, divided = _rounded(market, mix)
    choice = _filled(market, _within(market, choice, prices), prices)
    duals = np.zeros(len(bounds))
    duals[bounded] = prices / scale
    used = _total(use[np.arange(len(choice)), choice].T)
    return Allocation(
        duals=tuple(float(dual) for dual in duals),
        bound=bound,
        relaxed=relaxed,
        choice=choice - 1,
        value=float(market.worth_of(choice).sum()),
        used=tuple(float(amount) for amount in used),
        divided=divided,
        rounds=rounds,
    )


def _checked(worth: Array, use: Array, limits: Array) -> tuple[Array, Array]:
    """Worth and use with "nothing" as option 0, and without the options that alone break a limit."""
    if worth.ndim != 2 or use.shape != (*worth.shape, *limits.shape) or limits.ndim != 1:
        raise ValueError("need worth[task, option], use[task, option, limit] and limits[limit]")
    if np.isnan(worth).any() or np.isposinf(worth).any():
        raise ValueError("worth must be a finite number, or -inf for an option that is not on offer")
    if not (np.isfinite(use) & (use >= 0)).all():
        raise ValueError("uses must be finite numbers of at least 0")
    if not (limits >= 0).all():
        raise ValueError("limits must be at least 0")
    startable = np.asarray((use <= limits).all(axis=2))
    worth = np.where(startable, worth, -np.inf)
    use = np.where(startable[:, :, None], use, 0.0)
    return np.pad(worth, ((0, 0), (1, 0))), np.pad(use, ((0, 0), (1, 0), (0, 0)))


def _total(rows: Array) -> Array:
    """The sum of every row; along rows numpy adds in pairs, which keeps 1e5 summands exact to about 1e-15."""
    return np.asarray(np.ascontiguousarray(rows).sum(axis=1))


class _Market:
    """All tasks and options; option 0 is "nothing". Uses are shares of the limits, which are 1 (or 0)."""

    def __init__(self, worth: Array, use: Array, limits: Array) -> None:
        self.worth, self.use, self.limits = worth, use, limits
        self.tasks = np.arange(len(worth))
        # One row of numbers per option: a price vector is answered by a few passes over long rows.
        self._worths, self._uses = worth.T.copy(), use.transpose(2, 1, 0).copy()

    def answer(self, prices: Array) -> tuple[Choice, float]:
        """The option of highest worth after prices for every task, and g(μ)."""
        priced = self._worths - np.tensordot(prices, self._uses, axes=1)
        best, choice = priced[0].copy(), np.zeros(len(self.tasks), dtype=np.intp)
        for option in range(1, len(priced)):
            better = priced[option] > best
            choice[better] = option
            np.maximum(best, priced[option], out=best)
        return choice, float(prices @ self.limits + best.sum())

    def worth_of(self, choice: Choice) -> Array:
        """Worth of the chosen options, per task."""
        return self.worth[self.tasks, choice]

    def use_of(self, choice: Choice) -> Array:
        """Use of every limit by the chosen options, all tasks together."""
        return _total(self._uses[:, choice, self.tasks])


Mix = list[tuple[float, Choice]]
"""Allocations with their shares, which sum to 1."""


def _cutting_planes(market: _Market) -> tuple[Array, float, Mix, int]:
    """Prices at which g is least, g there, the mix of allocations that proves it, and the rounds it took."""
    master = _Master(market.limits)
    choices = [np.zeros(len(market.tasks), dtype=np.intp)]  # column 0 of the master: nothing at all
    best_prices, bound = np.zeros(len(market.limits)), np.inf
    for _ in range(MOST_ROUNDS):
        prices, worth = master.solve()
        choice, dual = market.answer(prices)
        if dual < bound:
            best_prices, bound = prices, dual
        known = np.array_equal(choice, choices[-1])  # the mix knows it: what it lacks is rounding
        if known or dual - worth <= TOLERANCE * dual:
            break
        master.add(float(market.worth_of(choice).sum()), market.use_of(choice))
        choices.append(choice)
    master.solve()
    return best_prices, bound, [(share, choices[index]) for index, share in master.shares()], len(choices)


class _Master:
    """max Σ share·worth of allocations with Σ share·use <= limits and Σ share = 1: a primal simplex on one
    row per limit and one for the shares, with Bland's rule, which does not cycle."""

    def __init__(self, limits: Array) -> None:
        self._rows = len(limits)
        self._right = np.append(limits, 1.0)
        self._columns = np.eye(self._rows + 1)  # one slack per limit, then the allocation "nothing"
        self._worths = np.zeros(self._rows + 1)
        self._basis = list(range(self._rows + 1))

    def add(self, worth: float, use: Array) -> None:
        """One more allocation."""
        self._columns = np.column_stack((self._columns, np.append(use, 1.0)))
        self._worths = np.append(self._worths, worth)

    def solve(self) -> tuple[Array, float]:
        """Duals of the limits, exactly 0 for a limit with slack, and the worth of the mix."""
        least = TOLERANCE * float(self._worths.max())
        for _ in range(MOST_ROUNDS):  # far fewer in practice; any prices give a valid bound
            basis = self._columns[:, self._basis]
            duals = np.linalg.solve(basis.T, self._worths[self._basis])
            better = self._worths - duals @ self._columns > least
            better[self._basis] = False
            if not better.any():
                break
            entering = int(better.argmax())
            self._basis[self._leaving(basis, entering)] = entering
        prices = np.maximum(duals[: self._rows], 0.0)
        prices[[index for index in self._basis if index < self._rows]] = 0.0
        return prices, float(duals @ self._right)

    def _leaving(self, basis: Array, entering: int) -> int:
        amounts = np.maximum(np.linalg.solve(basis, self._right), 0.0)
        change = np.linalg.solve(basis, self._columns[:, entering])
        rows = np.flatnonzero(change > TOLERANCE * np.abs(change).max())
        ratios = amounts[rows] / change[rows]
        tied = rows[ratios <= ratios.min() * (1 + TOLERANCE)]
        return int(min(tied, key=lambda row: self._basis[row]))

    def shares(self) -> list[tuple[int, float]]:
        """The allocations in the mix, by the order they were added ("nothing" is 0), with their shares."""
        amounts = np.linalg.solve(self._columns[:, self._basis], self._right)
        pairs = zip(self._basis, amounts, strict=True)
        return [(i - self._rows, float(amount)) for i, amount in pairs if i >= self._rows and amount > 0]


def _rounded(market: _Market, mix: Mix) -> tuple[Choice, int]:
    """The mix with its divided tasks left alone, once it divides as few as possible, and their number."""
    choice = mix[0][1].copy()
    split = np.flatnonzero(np.any([other != choice for _, other in mix], axis=0))
    shares = np.zeros((len(split), market.worth.shape[1]))
    for share, other in mix:
        shares[np.arange(len(split)), other[split]] += share
    _undivide(shares, market.use[split])
    divided = (shares > 0).sum(axis=1) > 1
    choice[split] = np.where(divided, 0, shares.argmax(axis=1))
    return choice, int(divided.sum())


def _undivide(shares: Array, use: Array) -> None:
    """Trades shares between tasks, in place, until at most as many are divided as there are limits.

    Among limits + 1 divided tasks there is a trade between two options of each that leaves every limit as it
    is. All options a task has in the mix are worth the same after prices, so it leaves the worth as it is.
    It is made until an option is used up.
    """
    size = use.shape[2] + 1
    while True:
        shares[shares < TOLERANCE] = 0.0
        divided = np.flatnonzero((shares > 0).sum(axis=1) > 1)
        if len(divided) < size:
            return
        group = divided[: len(divided) // size * size].reshape(-1, size)
        first = (shares[group] > 0).argmax(axis=2)
        second = shares.shape[1] - 1 - (shares[group] > 0)[:, :, ::-1].argmax(axis=2)
        moved = use[group, second] - use[group, first]
        trade = np.linalg.svd(moved.transpose(0, 2, 1))[2][:, -1, :]  # the null vector of every group
        given = np.where(trade > 0, shares[group, first], shares[group, second])
        with np.errstate(divide="ignore"):
            steps = given / np.abs(trade)
        least = steps.min(axis=1, keepdims=True)
        shares[group, first] -= least * trade
        shares[group, second] += least * trade
        used_up = steps <= least
        shares[group[used_up], np.where(trade > 0, first, second)[used_up]] = 0.0


def _within(market: _Market, choice: Choice, prices: Array) -> Choice:
    """`choice` with the least worthy options dropped until no limit is broken, which only rounding can do."""
    while (over := market.use_of(choice) > market.limits * (1 + TOLERANCE)).any():
        using = market.use[market.tasks, choice][:, over].any(axis=1)
        net = market.worth_of(choice) - market.use[market.tasks, choice] @ prices
        choice[np.where(using, net, np.inf).argmin()] = 0
    return choice


def _filled(market: _Market, choice: Choice, prices: Array) -> Choice:
    """`choice` with better options wherever what is left of the limits allows, highest worth after prices
    first."""
    for _ in range(MOST_PASSES):
        left = market.limits * (1 + TOLERANCE) - market.use_of(choice)
        gain = market.worth - market.worth_of(choice)[:, None]
        more = market.use - market.use[market.tasks, choice][:, None]
        tasks, options = np.nonzero((gain > 0) & (more <= left).all(axis=2))
        if not len(tasks):
            break
        order = np.argsort(-(gain[tasks, options] - more[tasks, options] @ prices), kind="stable")
        upgraded: set[int] = set()
        for task, option in zip(tasks[order].tolist(), options[order].tolist(), strict=True):
            if task not in upgraded and (more[task, option] <= left).all():
                left -= more[task, option]
                choice[task] = option
                upgraded.add(task)
    return choice
