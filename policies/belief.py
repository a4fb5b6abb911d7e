"""What is believed about one task, and how each observation changes it. Every update is pure.

The belief holds evidence only (counts, knowledge, the candidate in hand); posteriors are computed from it and
the estimates by `policies.posterior`, so a recorded belief can be re-read under other estimates.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from policies.estimates import PLANNED, Estimates
from policies.posterior import (
    Failures,
    Knowledge,
    Posterior,
    Spent,
    Vector,
    add_failure,
    times_failed,
)
from policies.power import Flakiness, Hand, Power, confidence
from policies.vocabulary import Check


@dataclass(frozen=True)
class Belief:
    """Evidence so far.

    bought: reads (by subject) and plans (as PLANNED) that were paid for, whether or not they gave anything.
    last_tier: whose prompt cache is warm. preparations: subjects still to do, in order. spending: what failed
    attempts cost, sorted; hand_dollars: what the candidate in hand did.
    """

    failures: Failures = ()
    knowledge: Knowledge = frozenset()
    bought: frozenset[str] = frozenset()
    hand: Hand | None = None
    last_tier: str | None = None
    preparations: tuple[str, ...] = ()
    flakiness: tuple[Flakiness, ...] = (Flakiness(),)
    spending: tuple[Spent, ...] = ()
    hand_dollars: float = 0.0

    def prepared(self, subject: str) -> Belief:
        """`subject` is done. ValueError when it is not the next preparation."""
        if self.preparations[:1] != (subject,):
            raise ValueError(f"{subject!r} is not the next preparation of {self.preparations}")
        return replace(self, preparations=self.preparations[1:])

    def reproduced(self, passes: tuple[int, ...], runs: int) -> Belief:
        """Each target test passed so often in `runs` runs of the unpatched code."""
        seen = tuple(Flakiness(each, runs - each) for each in passes)
        return replace(self, flakiness=seen or self.flakiness)

    def failed_in_suite(self, failed: tuple[bool, ...]) -> Belief:
        """A run of the whole suite is one more look at each target: whether it failed there, too."""
        pairs = zip(self.flakiness, failed, strict=True)
        return replace(self, flakiness=tuple(seen._replace(fails=seen.fails + more) for seen, more in pairs))

    def seen_again(self, passes: tuple[int, ...], fails: tuple[int, ...]) -> Belief:
        """Further looks at each target on the unpatched code."""
        seen = zip(self.flakiness, passes, fails, strict=True)
        return replace(self, flakiness=tuple(Flakiness(f.passes + p, f.fails + n) for f, p, n in seen))

    def after_failed_attempt(self, tier: str, attempts: int = 1, dollars: float = 0.0) -> Belief:
        """`attempts` attempts (or slices) of `tier` yielded nothing that passes the targets, and cost
        `dollars` together."""
        dropped = self.abandoned()
        failures = add_failure(dropped.failures, tier, self.knowledge, attempts)
        spending = dropped.spending
        if dollars > 0:
            spending = _with(spending, attempts * (Spent(tier, dollars / attempts),))
        return replace(dropped, failures=failures, spending=spending, last_tier=tier)

    def after_candidate(self, tier: str, dollars: float = 0.0, share: float = 1.0) -> Belief:
        """An attempt of `tier` yielded a candidate that passes the targets, and cost `dollars`. share: see
        `Hand`."""
        hand = Hand(tier, frozenset(), self.knowledge, share=share)
        return replace(self.abandoned(), hand=hand, hand_dollars=dollars, last_tier=tier)

    def after_nothing_else(self, dollars: float, share: float) -> Belief:
        """Another attempt of the hand's tier found nothing to compare with the candidate in hand: it failed,
        as if before the one that found that. ValueError without one."""
        if self.hand is None:
            raise ValueError("an attempt was compared without a candidate in hand")
        failures = add_failure(self.failures, self.hand.tier, self.knowledge)
        spending = _with(self.spending, (Spent(self.hand.tier, dollars),)) if dollars > 0 else self.spending
        hand = self.hand._replace(share=share)
        return replace(self, hand=hand, failures=failures, spending=spending, last_tier=hand.tier)

    def after_comparison(self, dollars: float, share: float, again: bool) -> Belief:
        """Another attempt of the hand's tier found more that passes: with the one that found the candidate in
        hand it is one attempt, and the likeliest is in hand. again: that is the one which was. ValueError
        without one."""
        if self.hand is None:
            raise ValueError("an attempt was compared without a candidate in hand")
        fresh = Hand(self.hand.tier, frozenset(), self.knowledge, share=share)
        hand = self.hand._replace(share=share) if again else fresh
        return replace(self, hand=hand, hand_dollars=self.hand_dollars + dollars, last_tier=self.hand.tier)

    def after_check(self, check: Check, passed: bool, proof: bool = True) -> Belief:
        """The candidate in hand passed `check`, or failed it: dropped if that is proof, else kept.

        Raises ValueError without a candidate.
        """
        if self.hand is None:
            raise ValueError(f"{check} was run without a candidate in hand")
        if not passed and proof:
            return self.abandoned()
        return replace(self, hand=self.hand.after(check, passed))

    def after_submit_failed(self) -> Belief:
        """The final verification failed: the candidate is dropped. ValueError without one."""
        if self.hand is None:
            raise ValueError("submitted without a candidate in hand")
        return self.abandoned()

    def after_read(self, subject: str, gives: str | None) -> Belief:
        """`subject` was read and gave the knowledge `gives`, or nothing (None)."""
        gained = self.knowledge if gives is None else self.knowledge | {gives}
        return replace(self, knowledge=gained, bought=self.bought | {subject})

    def after_plan(self, tier: str, useful: bool = True) -> Belief:
        """`tier` made a plan; `useful` is False when its answer could not be used."""
        return replace(self.after_read(PLANNED, PLANNED if useful else None), last_tier=tier)

    def abandoned(self) -> Belief:
        """Without the candidate in hand, which counts as a failed attempt of its tier."""
        if self.hand is None:
            return self
        failures = add_failure(self.failures, self.hand.tier, self.hand.knowledge)
        spending = self.spending
        if self.hand_dollars > 0:
            spending = _with(spending, (Spent(self.hand.tier, self.hand_dollars),))
        return replace(self, failures=failures, spending=spending, hand=None, hand_dollars=0.0)

    def failed(self, tier: str) -> int:
        """How many attempts of `tier` were not right."""
        return times_failed(self.failures, tier)


def _with(spending: tuple[Spent, ...], more: tuple[Spent, ...]) -> tuple[Spent, ...]:
    """What failed attempts cost with more that cost the same, sorted: a run may have thousands."""
    at = bisect(spending, more[0])
    return (*spending[:at], *more, *spending[at:])


@lru_cache(maxsize=16)
def _posterior(estimates: Estimates, spending: tuple[Spent, ...]) -> Posterior:
    return Posterior(estimates, spending)


def success(belief: Belief, tier: str, estimates: Estimates) -> float:
    """P(the next attempt of `tier` is right); a candidate in hand counts as failed, as acting drops it."""
    dropped = belief.abandoned()
    posterior = _posterior(estimates, dropped.spending)
    return posterior.success(dropped.failures, belief.knowledge, estimates.tier(tier))


def hand_right(belief: Belief, estimates: Estimates, verified: bool = False) -> float:
    """c = P(the candidate in hand is right), or that once it is `verified` finally; 0 without one."""
    if belief.hand is None:
        return 0.0
    hand, power = belief.hand, Power(estimates, belief.flakiness)
    posterior = _posterior(estimates, belief.spending)
    q = posterior.success(belief.failures, hand.knowledge, estimates.tier(hand.tier))
    q = power.among_rivals(q, hand)
    return confidence(q * power.right(hand), (1 - q) * power.wrong(hand, verified))


def difficulty(belief: Belief, estimates: Estimates) -> tuple[Vector, Vector]:
    """The grid of difficulties and their posterior weights, both of shape (points,).

    A candidate in hand counts as c right and 1 - c failed.
    """
    posterior = _posterior(estimates, belief.spending)
    weights = posterior.weights(belief.abandoned().failures)
    if belief.hand is not None:
        c = hand_right(belief, estimates)
        right = posterior.weights_if_right(
            belief.failures, belief.hand.knowledge, estimates.tier(belief.hand.tier)
        )
        weights = np.asarray(c * right + (1 - c) * weights)
    shape = (estimates.difficulty.points, estimates.difficulty.lengths)
    return posterior.grid.reshape(shape)[:, 0], weights.reshape(shape).sum(axis=1)
