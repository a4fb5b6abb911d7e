"""What the best allocation would have been worth in hindsight, with attempts that were never bought.

One run does not tell what other tiers would have done. Under the model it leaves a posterior over the task's
difficulty, given which further attempts succeed or not independently of each other; so the best net in
hindsight, over what was done and one more attempt of each tier, has a small discrete distribution
(economics.md §2, §7: the regret of the router, as an interval).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from policies.autonomy import DEFAULT_SCHEDULE, Schedule, delivery_terms
from policies.belief import Belief, hand_right
from policies.estimates import Estimates
from policies.posterior import Posterior, Vector
from policies.vocabulary import ActionClass, Limits, Prices


class Alternative(NamedTuple):
    """An attempt that was not made. chance: P(it is right | d, l) on the posterior's grid; price: the full
    price of the attempt and of delivering what it makes, final verification included, dollars; attention: the
    part of it that is the price of a person's. worst_dollars, seconds, loss: of all that, which hard limits
    are held against."""

    tier: str
    chance: Vector
    price: float
    attention: float
    worst_dollars: float
    seconds: float
    loss: float

    def fits(self, left: Limits) -> bool:
        """Whether it could have been started with so much left."""
        return self.worst_dollars <= left.dollars and self.seconds <= left.seconds and self.loss <= left.loss


class Best(NamedTuple):
    """The distribution of the best net in hindsight, dollars: values with their probabilities, best first."""

    values: tuple[float, ...]
    chances: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Its expectation, which no rounding takes beyond the values."""
        mean = math.fsum(v * p for v, p in zip(self.values, self.chances, strict=True))
        return min(max(mean, min(self.values)), max(self.values))

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        mean = self.mean
        squares = math.fsum(p * (v - mean) ** 2 for v, p in zip(self.values, self.chances, strict=True))
        return math.sqrt(max(0.0, squares))

    def quantile(self, level: float) -> float:
        """The least value v with P(best <= v) >= level."""
        below = 0.0
        for value, chance in zip(reversed(self.values), reversed(self.chances), strict=True):
            below += chance
            if below >= level - 1e-12:
                return value
        return self.values[0]


def best_of(weights: Vector, offers: Sequence[tuple[float, Vector]], otherwise: float) -> Best:
    """The best of `otherwise`, which is certain, and of offers (net if it succeeds, P(that) | d, l).

    weights: P(d, l). Given (d, l) the offers succeed independently; one that fails is not made, in hindsight.
    """
    better = sorted((offer for offer in offers if offer[0] > otherwise), key=lambda offer: -offer[0])
    left, values, chances = np.asarray(weights, dtype=float), list[float](), list[float]()
    for net, chance in better:  # the best that succeeds is the one that counts
        values.append(net)
        chances.append(float(left @ chance))
        left = left * (1 - chance)
    return Best((*values, otherwise), (*chances, float(left.sum())))


def hindsight_weights(belief: Belief, estimates: Estimates, right: bool) -> Vector:
    """P(d, l) at the end of a run, the candidate in hand known to be right, or known not to be."""
    posterior = Posterior(estimates, belief.spending)
    if right and belief.hand is not None:
        tier = estimates.tier(belief.hand.tier)
        return posterior.weights_if_right(belief.failures, belief.hand.knowledge, tier)
    dropped = belief.abandoned()
    return Posterior(estimates, dropped.spending).weights(dropped.failures)


def alternatives(
    belief: Belief,
    estimates: Estimates,
    prices: Prices,
    delivery: ActionClass,
    schedule: Schedule = DEFAULT_SCHEDULE,
    *,
    hand_is_right: bool,
) -> tuple[Alternative, ...]:
    """One more attempt of each tier that has any left, with what is known now, delivered if it is right.

    The loss of delivering is booked as a run books it: as expected when the patch has passed the final
    verification, at the level of confirmation that is best then. Where the
    candidate in hand turned out right, the tier that made it has made its attempt, and is left out; where it
    did not, that was one more failure, and the tier may try again."""
    maker = belief.hand.tier if belief.hand is not None and hand_is_right else None
    dropped = belief.abandoned()
    posterior = Posterior(estimates, dropped.spending)
    found = []
    for tier in estimates.tiers:
        chance = posterior.next_success(dropped.failures, belief.knowledge, tier)
        if tier.name == maker or not chance.any():
            continue
        attempt = posterior.dollars(dropped.failures, belief.knowledge, tier)
        c = hand_right(dropped.after_candidate(tier.name, attempt), estimates, verified=True)
        terms = delivery_terms(delivery, c, prices, schedule)
        seconds = tier.seconds + estimates.final.seconds
        price = attempt + prices.latency * seconds + terms.price(prices)
        worst = tier.worst_dollars
        found.append(Alternative(tier.name, chance, price, terms.attention, worst, seconds, terms.loss))
    return tuple(found)
