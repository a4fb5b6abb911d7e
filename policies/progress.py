"""The state of a task inside the lookahead, how it changes, and what is left to try in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from policies.estimates import Estimates, TierEstimate
from policies.posterior import Failures, Knowledge, add_failure, times_failed
from policies.power import Hand
from policies.vocabulary import UNLIMITED


class State(NamedTuple):
    """What the future depends on. dollars, seconds: what is left of the limits, UNLIMITED when ample."""

    failures: Failures
    knowledge: Knowledge
    bought: frozenset[str]
    hand: Hand | None
    last_tier: str | None
    preparations: tuple[str, ...]
    dollars: float
    seconds: float

    @property
    def unlimited(self) -> bool:
        """Whether no limit can bind any more."""
        return self.dollars == UNLIMITED and self.seconds == UNLIMITED


class Progress:
    """How states change by failing and learning, and what is left to try in them."""

    def __init__(self, estimates: Estimates) -> None:
        self.estimates = estimates
        self._left_to_try: dict[Failures, tuple[tuple[TierEstimate, ...], int]] = {}
        self._failed: dict[tuple[Failures, str, Knowledge], Failures] = {}

    def left_to_try(self, failures: Failures) -> tuple[tuple[TierEstimate, ...], int]:
        """Tiers that may still be called, and how many more attempts the plan holds at most."""
        if failures not in self._left_to_try:
            left = {t.name: t.most_attempts - times_failed(failures, t.name) for t in self.estimates.tiers}
            sampled = sum(times_failed(failures, t.name) for t in self.estimates.tiers if not t.slices)
            samples = max(0, self.estimates.attempts - sampled)
            tiers = tuple(t for t in self.estimates.tiers if left[t.name] > 0 and (t.slices or samples))
            slices = sum(left[t.name] for t in tiers if t.slices)
            samples = min(samples, sum(left[t.name] for t in tiers if not t.slices))
            self._left_to_try[failures] = tiers, slices + samples
        return self._left_to_try[failures]

    def failed(self, failures: Failures, tier: str, knowledge: Knowledge) -> Failures:
        """`failures` with one more of `tier`, made with `knowledge`."""
        key = (failures, tier, knowledge)
        if key not in self._failed:
            self._failed[key] = add_failure(failures, tier, knowledge)
        return self._failed[key]

    def dropped(self, state: State) -> State:
        """`state` without the candidate in hand, which counts as failed."""
        if state.hand is None:
            return state
        failures = self.failed(state.failures, state.hand.tier, state.hand.knowledge)
        return State(failures, state.knowledge, state.bought, None, *state[4:])  # quicker than _replace

    def learned(self, state: State, bought: str, gained: str) -> State:
        """`state` with new knowledge."""
        return state._replace(knowledge=state.knowledge | {gained}, bought=state.bought | {bought})


MOST_FAILURES = 300_000
"""Failure counts per tier that a plan may hold: about a gigabyte, and seconds. Ten models with the embedded
tier are 56 000, fourteen are 270 000."""


def check_size(tiers: Sequence[TierEstimate], attempts: int = Estimates.attempts) -> None:
    """Raises ValueError for more tiers than can be planned together: a recorded ladder may come from
    anywhere."""
    sampling = [tier for tier in tiers if not tier.slices]
    most = min(attempts, sum(tier.attempts for tier in sampling))
    counts = math.comb(most + len(sampling), most)
    for tier in tiers:
        counts *= len(tier.slices) + 1
    if counts > MOST_FAILURES:
        raise ValueError(f"{len(tiers)} tiers with so many attempts are more than can be planned together")


def failure_counts(estimates: Estimates) -> int:
    """An upper bound of the number of different failure counts per tier and knowledge."""
    sampling = [tier for tier in estimates.tiers if not tier.slices]
    plans = any(tier.can_plan for tier in estimates.tiers)
    stages = 1 + len({read.gives for read in estimates.reads}) + plans
    attempts = min(estimates.attempts, sum(tier.attempts for tier in sampling))
    counts = math.comb(attempts + stages * len(sampling), attempts)
    for tier in estimates.tiers:
        if tier.slices:
            counts *= math.comb(len(tier.slices) + stages, stages)
    return counts
