"""A menu of offers (quality, price) from which everybody picks the one meant for them (MTA eq. 5).

Task values v_1 < … < v_n have shares f_i, with F_i = f_1 + … + f_i. The discrete form of the virtual value
V(θ) - ((1 - F)/f)·V′(θ), with V(θ) itself as the type, is

    φ_i = v_i - (v_{i+1} - v_i)·(1 - F_i) / f_i

Where φ falls it is ironed: its isotonic regression with weights f, by pooling adjacent violators. Each value
is served with the quality k that maximises φ̄·q_k - c_k, or not at all, and prices bind the incentive
constraint to the next lower offer: p_k = p_{k-1} + v·(q_k - q_{k-1}), v the lowest value that is offered k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from policies.posterior import Vector

TOLERANCE = 1e-9
"""Relative to the largest value: a smaller shortfall of an inequality is rounding, as constraints bind."""

POINTS = 200
"""Values of equal share in place of a continuous distribution."""


@dataclass(frozen=True)
class Values:
    """A distribution of task values: rising `dollars`, and `shares` above 0 that sum to 1.

    Raises ValueError for anything else.
    """

    dollars: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.dollars or len(self.dollars) != len(self.shares):
            raise ValueError("a distribution needs one share per value, and at least one value")
        if not all(math.isfinite(value) and value >= 0 for value in self.dollars):
            raise ValueError("values must be finite and at least 0")
        if any(low >= high for low, high in zip(self.dollars, self.dollars[1:], strict=False)):
            raise ValueError("values must rise")
        if min(self.shares) <= 0 or not math.isclose(sum(self.shares), 1.0, rel_tol=1e-9):
            raise ValueError("shares must be above 0 and sum to 1")


def histogram(weights: Sequence[tuple[float, float]]) -> Values:
    """From (value, weight) in any order; equal values add up. Raises ValueError for a weight of 0 or less."""
    if any(not (math.isfinite(weight) and weight > 0) for _, weight in weights):
        raise ValueError("every value needs a weight above 0")
    summed: dict[float, float] = {}
    for value, weight in weights:
        summed[value] = summed.get(value, 0.0) + weight
    total = sum(summed.values())
    rising = sorted(summed)
    return Values(tuple(rising), tuple(summed[value] / total for value in rising))


def lognormal(median: float, sigma: float, points: int = POINTS) -> Values:
    """Values with this median, in dollars, whose logarithm has the standard deviation sigma.

    Raises ValueError unless both are above 0 and finite.
    """
    if not (0 < median < math.inf and 0 < sigma < math.inf):
        raise ValueError("a lognormal needs a median and a sigma above 0")
    normal = NormalDist(math.log(median), sigma)
    try:
        dollars = tuple(math.exp(normal.inv_cdf((i + 0.5) / points)) for i in range(points))
    except OverflowError:
        raise ValueError("that sigma makes values beyond all bounds") from None
    return Values(dollars, (1.0 / points,) * points)


@dataclass(frozen=True)
class Quality:
    """What can be produced: P(right) and the cost of trying, dollars."""

    name: str
    quality: float
    cost: float


@dataclass(frozen=True)
class Offer:
    """(q_k, p_k): P(right), price and cost in dollars; meant for the values from `lowest` to `highest`,
    which are `share` of all."""

    name: str
    quality: float
    price: float
    cost: float
    lowest: float
    highest: float
    share: float


@dataclass(frozen=True)
class Inequality:
    """One inequality of MTA eq. 5 at the value where it is tightest, dollars.

    mine: V·q_k - p_k, of the offer meant for that value ("": none, worth 0). other: V·q_j - p_j; with
    `instead` "", which is taking no offer, this is individual rationality.
    """

    offer: str
    instead: str
    value: float
    mine: float
    other: float
    holds: bool


@dataclass(frozen=True)
class Menu:
    """The offers, cheapest first, and how they came about.

    virtual, ironed: φ and φ̄ per value. offered: per value the index of its offer, -1 for none. profit:
    expected price less cost per task; surplus: what is left to the buyers; served: share with an offer.
    """

    values: Values
    offers: tuple[Offer, ...]
    virtual: tuple[float, ...]
    ironed: tuple[float, ...]
    offered: tuple[int, ...]
    profit: float
    surplus: float
    served: float


def virtual_values(values: Values) -> Vector:
    """φ, shape (values,)."""
    dollars, shares = np.asarray(values.dollars), np.asarray(values.shares)
    above = np.append(np.cumsum(shares[:0:-1])[::-1], 0.0)  # 1 - F_i, without cancellation
    return np.asarray(dollars - np.diff(dollars, append=dollars[-1]) * above / shares)


def ironed(virtual: Vector, shares: Sequence[float]) -> Vector:
    """φ̄: the nearest non-falling values, weighted by `shares`, shape as `virtual`."""
    pools: list[tuple[float, float, int]] = []  # (mean, share, count)
    for value, share in zip(virtual.tolist(), shares, strict=True):
        mean, weight, count = value, share, 1
        while pools and pools[-1][0] >= mean:
            before, its_weight, its_count = pools.pop()
            mean = (before * its_weight + mean * weight) / (its_weight + weight)
            weight, count = weight + its_weight, count + its_count
        pools.append((mean, weight, count))
    return np.repeat([mean for mean, _, _ in pools], [count for _, _, count in pools])


def menu(values: Values, qualities: Sequence[Quality]) -> Menu:
    """The menu with the highest expected profit, Σ f·(p - c), of all that keep MTA eq. 5.

    Raises ValueError for a quality outside [0, 1], a negative cost, or two of one name.
    """
    if any(not 0 <= each.quality <= 1 or not 0 <= each.cost < math.inf for each in qualities):
        raise ValueError("qualities must be in [0, 1] and costs at least 0 and finite")
    if len({each.name for each in qualities}) != len(qualities):
        raise ValueError("two qualities share a name")
    virtual = virtual_values(values)
    smooth = ironed(virtual, values.shares)
    rising = sorted(qualities, key=lambda each: (each.quality, -each.cost))
    worth = np.array([[0.0, *(v * each.quality - each.cost for each in rising)] for v in smooth])
    taken = worth.argmax(axis=1) - 1  # ties go to the lower quality; rises with φ̄
    offers: list[Offer] = []
    offered = np.full(len(taken), -1)
    dollars, shares = np.asarray(values.dollars), np.asarray(values.shares)
    price, quality = 0.0, 0.0
    for index in sorted({int(each) for each in taken if each >= 0}):
        mine, its = taken == index, rising[index]
        lowest = float(dollars[mine].min())
        price += lowest * (its.quality - quality)
        quality = its.quality
        offered[mine] = len(offers)
        share = float(shares[mine].sum())
        offers.append(Offer(its.name, quality, price, its.cost, lowest, float(dollars[mine].max()), share))
    profit = sum(offer.share * (offer.price - offer.cost) for offer in offers)
    gained = sum(
        share * (value * offers[k].quality - offers[k].price)
        for value, share, k in zip(values.dollars, values.shares, offered.tolist(), strict=True)
        if k >= 0
    )
    return Menu(
        values,
        tuple(offers),
        tuple(virtual.tolist()),
        tuple(smooth.tolist()),
        tuple(offered.tolist()),
        profit,
        gained,
        sum(offer.share for offer in offers),
    )


def inequalities(found: Menu) -> tuple[Inequality, ...]:
    """Every inequality of MTA eq. 5: for all values meant for an offer, against every other and against none;
    and that nobody without an offer wants one. Each where it is tightest, from the offers alone."""
    checked = []
    for k in range(-1, len(found.offers)):
        values = [v for v, mine in zip(found.values.dollars, found.offered, strict=True) if mine == k]
        for j in range(-1, len(found.offers)):
            if j != k and values:
                checked.append(_tightest(found, k, j, values))
    return tuple(checked)


def _tightest(found: Menu, k: int, j: int, values: list[float]) -> Inequality:
    def worth(offer: int, value: float) -> float:
        return value * found.offers[offer].quality - found.offers[offer].price if offer >= 0 else 0.0

    value = min(values, key=lambda each: worth(k, each) - worth(j, each))
    mine, other = worth(k, value), worth(j, value)
    holds = mine >= other - TOLERANCE * max(1.0, found.values.dollars[-1])
    return Inequality(_name(found, k), _name(found, j), value, mine, other, holds)


def _name(found: Menu, offer: int) -> str:
    return found.offers[offer].name if offer >= 0 else ""
