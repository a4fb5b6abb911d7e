"""Closed forms of the economics: crossover values of two choices, and the Cobb-Douglas split of a budget.

Source: MTA eq. 2-3 and 8; the check values of economics.md §1 are its tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from policies.vocabulary import UNLIMITED, Prices


@dataclass(frozen=True)
class Choice:
    """A way to do the task. quality: P(right). dollars; seconds; loss, irreversible_loss in loss units."""

    quality: float
    dollars: float
    seconds: float = 0.0
    loss: float = 0.0
    irreversible_loss: float = 0.0

    def full_price(self, prices: Prices) -> float:
        """p = ΔC + λ·ΔL + ρ·ΔR + ρ_irr·ΔR_irr in dollars (MTA eq. 1)."""
        return (
            self.dollars
            + prices.latency * self.seconds
            + prices.risk * self.loss
            + prices.irreversible * self.irreversible_loss
        )


def crossover_value(cheap: Choice, dear: Choice, prices: Prices) -> float:
    """V* in dollars above which `dear` has the higher V·q - p (MTA eq. 4); `prices.value` is not used.

    0 when `dear` is not dearer in full price, infinity when it is dearer and not better.
    Raises ValueError when `dear` is worse and cheaper: then it wins *below* a value, not above one.
    """
    extra_price = dear.full_price(prices) - cheap.full_price(prices)
    extra_quality = dear.quality - cheap.quality
    if extra_quality <= 0:
        if extra_price < 0:
            raise ValueError("the second choice is worse and cheaper: swap the two")
        return UNLIMITED
    return max(0.0, extra_price / extra_quality)


def cobb_douglas_split(
    exponents: Sequence[float], full_prices: Sequence[float], budget: float
) -> tuple[float, ...]:
    """t_i* = (α_i / Σα_j)·B / p_i, which maximises A·∏ t_i^α_i under Σ p_i·t_i <= B (MTA eq. 8).

    An input with α_i = 0 gets 0. Raises ValueError for a negative exponent or budget, a price of 0 or less
    for an input in use, or sequences of different length.
    """
    if len(exponents) != len(full_prices):
        raise ValueError("one full price per exponent")
    if budget < 0 or any(alpha < 0 for alpha in exponents):
        raise ValueError("budget and exponents must be at least 0")
    if any(alpha > 0 and price <= 0 for alpha, price in zip(exponents, full_prices, strict=True)):
        raise ValueError("an input in use needs a full price above 0")
    total = sum(exponents)
    return tuple(
        alpha / total * budget / price if alpha > 0 else 0.0
        for alpha, price in zip(exponents, full_prices, strict=True)
    )


def cobb_douglas_quality(scale: float, exponents: Sequence[float], amounts: Sequence[float]) -> float:
    """Q = A·∏ t_i^α_i."""
    quality = scale
    for alpha, amount in zip(exponents, amounts, strict=True):
        quality *= math.pow(amount, alpha)
    return quality
