"""What each step leads to: the transitions of the lookahead, as one model of a task.

A state holds what the future depends on; a move holds a step's own price and where it leads with which
probability. Nothing here chooses: `policies.lookahead` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from policies.autonomy import Schedule, delivery_terms
from policies.belief import Belief, Hand
from policies.estimates import (
    LADDER,
    PLANNED,
    CheckEstimate,
    Estimates,
    PreparationEstimate,
    ReadEstimate,
    TierEstimate,
)
from policies.limits import SIGNIFICANT_DIGITS, Ample, reserve, room, round_down
from policies.posterior import (
    Failures,
    Flakiness,
    Knowledge,
    Posterior,
    Power,
    add_failure,
    confidence,
    times_failed,
)
from policies.vocabulary import UNLIMITED, ActionClass, Check, Limits, Prices, StepKind

EXACT_UP_TO = 1000
"""Failure counts up to which failures keep, inside the lookahead, the knowledge they were made with."""


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


class Move(NamedTuple):
    """A step's own price and where it leads.

    kind is None for putting down the candidate in hand, which costs nothing. right: the share of V that is
    delivered by this very step. loss, irreversible: loss units. attention: dollars. probability: that it
    succeeds. branches: (probability, next state); what they lack to 1 ends the task. refused: which limit its
    worst case would break, "" if none.
    """

    kind: StepKind | None
    dollars: float
    seconds: float
    worst_dollars: float
    worst_seconds: float
    probability: float
    branches: tuple[tuple[float, State], ...]
    right: float = 0.0
    loss: float = 0.0
    irreversible: float = 0.0
    attention: float = 0.0
    refused: str = ""


class Model:
    """The transitions of one task under fixed estimates, prices, delivery and flakiness evidence.

    digits: rounding of what is left (None: not rounded, exact and slower). recount: see `_learn`; None
    chooses by the number of states.
    """

    def __init__(
        self,
        estimates: Estimates,
        prices: Prices,
        delivery: ActionClass,
        schedule: Schedule,
        flakiness: Flakiness,
        loss_left: float = UNLIMITED,
        digits: int | None = SIGNIFICANT_DIGITS,
        recount: bool | None = None,
    ) -> None:
        self.estimates = estimates
        self.prices = prices
        self.delivery = delivery
        self.schedule = schedule
        self.loss_left = loss_left
        self.digits = digits
        self.posterior = Posterior(estimates)
        self.power = Power(estimates, flakiness)
        self.recount = _too_many(estimates) if recount is None else recount
        self._caches_matter = any(tier.switch_dollars > 0 for tier in estimates.tiers)
        self._plans = any(tier.can_plan for tier in estimates.tiers)
        self._left_to_try: dict[Failures, tuple[tuple[TierEstimate, ...], int]] = {}
        self._with_failure: dict[tuple[Failures, str, Knowledge], Failures] = {}
        self._ample = Ample(estimates)

    def state(self, belief: Belief, left: Limits) -> State:
        """The state of `belief` with exactly `left` left."""
        return State(
            belief.failures,
            belief.knowledge,
            belief.bought,
            belief.hand,
            belief.last_tier if self._caches_matter else None,
            belief.preparations,
            left.dollars,
            left.seconds,
        )

    def moves(self, state: State) -> Iterator[Move]:
        """Every move the plan may make in `state`: with a real effect and within the limits."""
        for move in self._possible(state):
            if not move.refused:
                yield move

    def _possible(self, state: State) -> Iterator[Move]:
        if state.preparations:
            yield self.prepare(state, self.estimates.preparation(state.preparations[0]))
        elif state.hand is None:
            yield from self._searching(state)
        else:
            yield self.submit(state)
            yield self.defer(state)
            yield self.put_down(state)
            for check in self.estimates.checks:
                if not _covered(check.check, state.hand.passed):
                    yield self.verify(state, check)

    def _searching(self, state: State) -> Iterator[Move]:
        tiers, _ = self.left_to_try(state.failures)
        if not tiers:
            return
        for tier in tiers:
            yield self.act(state, tier)
        for read in self.estimates.reads:
            if read.subject not in state.bought and read.gives not in state.knowledge:
                yield self.read(state, read)
        if self._plans and PLANNED not in state.bought:
            for tier in self.estimates.tiers:
                if tier.can_plan:
                    yield self.plan(state, tier)

    # One method per kind of step. Each works in any state in which the step makes sense.

    def prepare(self, state: State, preparation: PreparationEstimate) -> Move:
        """Do the next preparation. Nothing can be submitted yet, so nothing is reserved."""
        worst, refused = self._room(state, 0.0, preparation.seconds, preparation.worst_seconds)
        after = self._spent(state._replace(preparations=state.preparations[1:]), 0.0, preparation.seconds)
        return Move(
            StepKind.READ, 0.0, preparation.seconds, 0.0, worst, 1.0, ((1.0, after),), refused=refused
        )

    def read(self, state: State, read: ReadEstimate) -> Move:
        """Read: gives knowledge."""
        worst, refused = self._room(state, 0.0, read.seconds, read.worst_seconds)
        after = self._spent(self._learn(state, read.subject, read.gives), 0.0, read.seconds)
        return Move(StepKind.READ, 0.0, read.seconds, 0.0, worst, 1.0, ((1.0, after),), refused=refused)

    def plan(self, state: State, tier: TierEstimate) -> Move:
        """Plan: gives knowledge to every tier, and warms the planner's cache."""
        extra = self._switch(state, tier)
        dollars, worst_dollars = tier.plan_dollars + extra, tier.plan_worst_dollars + extra
        worst, refused = self._room(state, worst_dollars, tier.plan_seconds, tier.plan_worst_seconds)
        after = self._learn(state, PLANNED, PLANNED)._replace(last_tier=self._last(tier))
        after = self._spent(after, dollars, tier.plan_seconds)
        return Move(
            StepKind.PLAN,
            dollars,
            tier.plan_seconds,
            worst_dollars,
            worst,
            1.0,
            ((1.0, after),),
            refused=refused,
        )

    def act(self, state: State, tier: TierEstimate) -> Move:
        """Act: right with probability q, a wrong candidate that passes its targets, or nothing.

        A candidate in hand is put down first.
        """
        state = self.dropped(state)
        dollars = tier.dollars + self._switch(state, tier)
        worst, refused = self._room(state, tier.worst_dollars, tier.seconds, tier.worst_seconds)
        q = self.posterior.success(state.failures, state.knowledge, tier)
        candidate = q + (1 - q) * self.power.wrong(tier, frozenset())
        last = self._last(tier)
        failures = self._fail(state.failures, tier.name, state.knowledge)
        hand = Hand(tier.name, frozenset(), state.knowledge)
        branches = (
            (candidate, self._spent(state._replace(hand=hand, last_tier=last), dollars, tier.seconds)),
            (
                1 - candidate,
                self._spent(state._replace(failures=failures, last_tier=last), dollars, tier.seconds),
            ),
        )
        return Move(
            StepKind.ACT, dollars, tier.seconds, tier.worst_dollars, worst, q, branches, refused=refused
        )

    def verify(self, state: State, check: CheckEstimate) -> Move:
        """Verify the candidate in hand: a right one passes, a wrong one with conditional probability
        u_now / u_before, the shares of wrong candidates still undetected."""
        hand, tier = self._held(state)
        worst, refused = self._room(state, check.worst_dollars, check.seconds, check.worst_seconds)
        c = self.hand_right(state)
        passed = hand.passed | {check.check}
        passes = c + (1 - c) * _ratio(self.power.wrong(tier, passed), self.power.wrong(tier, hand.passed))
        kept = state._replace(hand=Hand(hand.tier, passed, hand.knowledge))
        branches = [(passes, self._spent(kept, check.dollars, check.seconds))]
        if passes < 1:
            branches.append((1 - passes, self._spent(self.dropped(state), check.dollars, check.seconds)))
        return Move(
            StepKind.VERIFY,
            check.dollars,
            check.seconds,
            check.worst_dollars,
            worst,
            passes,
            tuple(branches),
            refused=refused,
        )

    def submit(self, state: State) -> Move:
        """Final verification, then delivery: economics.md §1, W_stop; a failure goes on without the hand."""
        hand, tier = self._held(state)
        final = self.estimates.final
        worst, refused = self._room(state, 0.0, final.seconds, final.worst_seconds, final=True)
        c = self.hand_right(state)
        missed = _ratio(self.power.wrong(tier, hand.passed, final=True), self.power.wrong(tier, hand.passed))
        passes = c + (1 - c) * missed
        terms = delivery_terms(self.delivery, c / passes if passes else 0.0, self.prices, self.schedule)
        if terms.loss > self.loss_left:
            refused = f"could lose {terms.loss:.3g} loss units and {self.loss_left:.3g} are left"
        dropped = self._spent(self.dropped(state), 0.0, final.seconds)
        return Move(
            StepKind.SUBMIT,
            0.0,
            final.seconds,
            0.0,
            worst,
            passes,
            ((1 - passes, dropped),) if passes < 1 else (),
            right=c,
            loss=passes * terms.loss,
            irreversible=passes * terms.irreversible_loss,
            attention=passes * terms.attention,
            refused=refused,
        )

    def defer(self, state: State) -> Move:
        """Hand the evidence to a person: saves the share of V that a right patch saves them."""
        c = self.hand_right(state)
        right, glance = self.estimates.defer_share * c, self.schedule.attention.glance
        return Move(StepKind.DEFER, 0.0, 0.0, 0.0, 0.0, c, (), right=right, attention=glance)

    def put_down(self, state: State) -> Move:
        """Go on without the candidate in hand; it counts as failed."""
        return Move(None, 0.0, 0.0, 0.0, 0.0, 1.0, ((1.0, self._spent(self.dropped(state), 0.0, 0.0)),))

    def hand_right(self, state: State) -> float:
        """c = P(the candidate in hand is right)."""
        hand, tier = self._held(state)
        right = self.posterior.success(state.failures, hand.knowledge, tier)
        return confidence(right, self.power.wrong(tier, hand.passed))

    def missed(self, state: State) -> float:
        """P(all checks and the final verification pass too | the candidate in hand is wrong)."""
        hand, tier = self._held(state)
        everything = hand.passed | {check.check for check in self.estimates.checks}
        return _ratio(self.power.wrong(tier, everything, final=True), self.power.wrong(tier, hand.passed))

    def dropped(self, state: State) -> State:
        """`state` without the candidate in hand, which counts as failed."""
        if state.hand is None:
            return state
        failures = self._fail(state.failures, state.hand.tier, state.hand.knowledge)
        return state._replace(failures=failures, hand=None)

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

    # Limits, knowledge, failures and the warm cache.

    def _room(
        self, state: State, worst_dollars: float, seconds: float, cap: float, final: bool = False
    ) -> tuple[float, str]:
        """A step's time limit, and why it is refused. All but the final verification leave time for it."""
        kept = 0.0 if final or state.preparations else reserve(self.estimates.final, state.seconds)
        return room(state.dollars, state.seconds - kept, worst_dollars, seconds, cap)

    def _spent(self, state: State, dollars: float, seconds: float) -> State:
        """`state` after spending; what is left counts as unlimited once it is ample, else is rounded down."""
        if state.dollars == UNLIMITED and state.seconds == UNLIMITED:
            return state
        _, attempts = self.left_to_try(state.failures)
        ample = self._ample.limits(attempts, len(state.preparations))
        left_dollars, left_seconds = state.dollars - dollars, state.seconds - seconds
        return state._replace(
            dollars=UNLIMITED if left_dollars >= ample.dollars else round_down(left_dollars, self.digits),
            seconds=UNLIMITED if left_seconds >= ample.seconds else round_down(left_seconds, self.digits),
        )

    def _held(self, state: State) -> tuple[Hand, TierEstimate]:
        if state.hand is None:
            raise ValueError("there is no candidate in hand")
        return state.hand, self.estimates.tier(state.hand.tier)

    def _fail(self, failures: Failures, tier: str, knowledge: Knowledge) -> Failures:
        key = (failures, tier, knowledge)
        if key not in self._with_failure:
            self._with_failure[key] = add_failure(failures, tier, knowledge)
        return self._with_failure[key]

    def _learn(self, state: State, bought: str, gained: str) -> State:
        """State with new knowledge. With `recount`, failures made with what was known until now are counted
        as if made with the new knowledge: fewer states, and a later read looks worth a little less."""
        knowledge = state.knowledge | {gained}
        failures = state.failures
        if self.recount:
            before = tuple(sorted(state.knowledge))
            failures = ()
            for failed in state.failures:
                made_with = knowledge if failed.knowledge == before else frozenset(failed.knowledge)
                failures = add_failure(failures, failed.tier, made_with, failed.times)
        return state._replace(failures=failures, knowledge=knowledge, bought=state.bought | {bought})

    def _switch(self, state: State, tier: TierEstimate) -> float:
        return 0.0 if state.last_tier == tier.name else tier.switch_dollars

    def _last(self, tier: TierEstimate) -> str | None:
        return tier.name if self._caches_matter else None


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0


def _covered(check: Check, passed: frozenset[Check]) -> bool:
    """True when `check` would tell nothing: it, or a stronger rung of the ladder, has been passed."""
    if check in passed:
        return True
    return check in LADDER and any(rung in passed for rung in LADDER[LADDER.index(check) + 1 :])


def _too_many(estimates: Estimates) -> bool:
    """True when exact failure counts per tier and knowledge would make more than EXACT_UP_TO states."""
    plans = any(tier.can_plan for tier in estimates.tiers)
    stages = 1 + len({read.gives for read in estimates.reads}) + plans
    kinds = stages * sum(1 for tier in estimates.tiers if not tier.slices)
    states = math.comb(estimates.attempts + kinds, kinds)
    for tier in estimates.tiers:
        if tier.slices:
            states *= math.comb(len(tier.slices) + stages, stages)
    return states > EXACT_UP_TO
