"""Which tier: the rule of MTA eq. 4-5 on the posterior, composite steps, and a bound on the router's regret.

    m*(x) = argmax_m V(x)·q̂_m(x) - c_m - λ·l_m(x) - ρ·r_m(x) - ρ_irr·r_irr,m(x)

This looks one step ahead; `policies.lookahead` also prices what comes after a failure. Everything is kept per
point of the posterior's grid over what is hidden about the task, as the bound needs it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from policies.allocation import Choice
from policies.belief import Belief
from policies.estimates import CheckEstimate, Estimates, TierEstimate
from policies.posterior import Posterior, Vector
from policies.power import Hand, Power
from policies.risk import ClassRisk
from policies.vocabulary import Check, Prices


@dataclass(frozen=True, eq=False)
class Way:
    """A way to take the next step, per point of the posterior's grid: P(a right patch is delivered), dollars,
    seconds, loss and irreversible loss in loss units; each of shape (grid,)."""

    name: str
    quality: Vector
    dollars: Vector
    seconds: Vector
    loss: Vector
    irreversible_loss: Vector

    def utility(self, prices: Prices) -> Vector:
        """V·q - c - λ·l - ρ·r - ρ_irr·r_irr in dollars, shape (grid,)."""
        return np.asarray(
            prices.value * self.quality
            - self.dollars
            - prices.latency * self.seconds
            - prices.risk * self.loss
            - prices.irreversible * self.irreversible_loss
        )

    def choice(self, weights: Vector) -> Choice:
        """Its expectation under the posterior `weights`."""
        return Choice(
            float(weights @ self.quality),
            float(weights @ self.dollars),
            float(weights @ self.seconds),
            float(weights @ self.loss),
            float(weights @ self.irreversible_loss),
        )


@dataclass(frozen=True)
class Routing:
    """chosen: the way with the highest expected utility, None where none is above 0. utilities: of every way,
    dollars. regret: the bound of `regret_bound` for the best way, dollars."""

    chosen: str | None
    utilities: tuple[tuple[str, float], ...]
    regret: float


class Router:
    """The ways open at one belief, priced for a delivery with `risk`.

    A candidate in hand counts as put down. r_m is the expected loss, not its tail: the tail belongs to the
    delivery decision.
    """

    def __init__(self, estimates: Estimates, belief: Belief, risk: ClassRisk) -> None:
        self.estimates = estimates
        self.belief = belief.abandoned()
        self.risk = risk
        self._posterior = Posterior(estimates, self.belief.spending)
        self._power = Power(estimates, self.belief.flakiness)

    @cached_property
    def weights(self) -> Vector:
        """The posterior over what is hidden, shape (grid,)."""
        return self._posterior.weights(self.belief.failures)

    def ways(self) -> tuple[Way, ...]:
        """Every tier with something left to try writes; where a review is to be had, also reviewed."""
        tiers = [tier for tier in self.estimates.tiers if self.belief.failed(tier.name) < tier.most_attempts]
        reviews = [check for check in self.estimates.checks if check.check is Check.REVIEW]
        reviewed = (self.drafts(tier, review) for tier in tiers for review in reviews)
        return (*map(self.writes, tiers), *reviewed)

    def stops(self) -> Way:
        """Nothing is tried: worth 0 on every task."""
        nothing = np.zeros_like(self.weights)
        return Way("stop", nothing, nothing, nothing, nothing, nothing)

    def writes(self, tier: TierEstimate) -> Way:
        """`tier` writes the patch; a cold prompt cache is in its dollars."""
        right = self._right(tier)
        wrong = (1 - right) * self._power.wrong(Hand(tier.name), final=True)
        return self._way(tier.name, right, wrong, self._dollars(tier, right), tier.seconds + 0 * right)

    def drafts(self, tier: TierEstimate, review: CheckEstimate) -> Way:
        """A composite step: `tier` drafts, and what passes the targets is delivered if a dearer one approves.

        review: its price, which includes the reviewer's cold cache, its power and its sensitivity. Its errors
        are taken as independent of the draft's and of the final verification's. (economics.md §4.)
        """
        right = self._right(tier)
        hand = Hand(tier.name)
        candidate = right + (1 - right) * self._power.wrong(hand)
        wrong = (1 - right) * self._power.wrong(hand, final=True) * (1 - review.power)
        return self._way(
            f"{tier.name}, reviewed",
            right * review.sensitivity,
            wrong,
            self._dollars(tier, right) + candidate * review.dollars,
            tier.seconds + candidate * review.seconds,
        )

    def _way(self, name: str, right: Vector, wrong: Vector, dollars: Vector, seconds: Vector) -> Way:
        loss = np.asarray(self.risk.severity * wrong)
        irreversible = np.asarray(self.risk.irreversible_share * loss)
        return Way(name, np.asarray(right), np.asarray(dollars), np.asarray(seconds), loss, irreversible)

    def _right(self, tier: TierEstimate) -> Vector:
        return self._posterior.next_success(self.belief.failures, self.belief.knowledge, tier)

    def _dollars(self, tier: TierEstimate, right: Vector) -> Vector:
        given = self._posterior.cost_given(tier, right)
        cold = 0.0 if self.belief.last_tier == tier.name else tier.switch_dollars
        return np.minimum((tier.dollars if given is None else given) + cold + 0 * right, tier.worst_dollars)


def route(ways: Sequence[Way], weights: Vector, prices: Prices, errors: Sequence[float] = ()) -> Routing:
    """m*(x), with what the choice may regret (MTA eq. 4). errors: as in `regret_bound`; none given: zeros.

    Raises ValueError without a way.
    """
    if not ways:
        raise ValueError("there is no way to choose from")
    utilities = np.stack([way.utility(prices) for way in ways])
    expected = utilities @ weights
    best = int(np.argmax(expected))
    return Routing(
        ways[best].name if expected[best] > 0 else None,
        tuple((way.name, float(worth)) for way, worth in zip(ways, expected, strict=True)),
        regret_bound(utilities, weights, best, errors or [0.0] * len(ways)),
    )


def regret_bound(utilities: Vector, weights: Vector, chosen: int, errors: Sequence[float]) -> float:
    """A bound, in dollars, on the expected regret of `chosen` to whoever knows the hidden type and the tiers.

    utilities: û_m(d), shape (ways, grid). weights: the posterior of d, shape (grid,). errors: ε_m in dollars
    with |û_m(d) - u_m(d)| <= ε_m for every d. Then

        regret = E_d[max_m u_m(d) - u_chosen(d)]
               <= Σ_d w_d · max(0, max_{m≠chosen} û_m(d) + ε_m - û_chosen(d) + ε_chosen)

    With errors of 0 it is that regret exactly: the value of perfect information on d. On a single type it is
    (the best other upper end) - (lower end of the chosen one), for which `quality_errors` gives the errors.
    It assumes that the posterior of d is right and that costs are known, and holds whenever all errors do, so
    with their joint probability. It is not the regret to whoever knows how each attempt will turn out.
    """
    margins = np.asarray(errors)[:, None]
    upper = np.asarray(utilities) + margins - utilities[chosen] + errors[chosen]
    upper[chosen] = 0.0
    return float(weights @ np.maximum(0.0, upper.max(axis=0)))


def quality_errors(observed: Sequence[int], stakes: float, doubt: float) -> tuple[float, ...]:
    """ε_m in dollars such that with probability >= 1 - doubt, over the observations, all hold at once.

    observed: on how many independent tasks each q̂_m, a plain share, was measured. stakes: dollars between a
    right and a wrong outcome (V, and the priced loss of a wrong one). By Hoeffding and a union bound, M ways:
    P(|q̂ - q| > ε) <= 2·exp(-2nε²) = doubt / M. A way never measured has ε = stakes.
    Raises ValueError for doubt outside (0, 1).
    """
    if not 0 < doubt < 1:
        raise ValueError(f"doubt must be in (0, 1), not {doubt}")
    worst = math.log(2 * len(observed) / doubt)
    return tuple(stakes * min(1.0, math.sqrt(worst / (2 * n))) if n > 0 else stakes for n in observed)
