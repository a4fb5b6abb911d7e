"""What each step leads to: the transitions of the lookahead, as one model of a task.

A state holds what the future depends on; a move holds a step's own price and where it leads with which
probability. Nothing here chooses: `policies.lookahead` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from policies.autonomy import DeliveryTerms, Schedule, delivery_terms
from policies.belief import Belief
from policies.estimates import (
    PLANNED,
    CheckEstimate,
    Estimates,
    PreparationEstimate,
    ReadEstimate,
    TierEstimate,
)
from policies.limits import SIGNIFICANT_DIGITS, Ample, reserve, room, round_down
from policies.posterior import Failures, Posterior, Spent
from policies.power import Flakiness, Hand, Power, confidence, tells_more
from policies.progress import Progress, State
from policies.vocabulary import UNLIMITED, ActionClass, Limits, Prices, StepKind


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


class Unvalued(NamedTuple):
    """All that moves depend on: models that differ in nothing but V and the price of latency share them."""

    estimates: Estimates
    risk: float
    irreversible: float
    delivery: ActionClass
    schedule: Schedule
    flakiness: tuple[Flakiness, ...]
    loss_left: float
    spending: tuple[Spent, ...]
    digits: int | None
    round_seconds: bool


class Shared(NamedTuple):
    """What such models share. moves: by state."""

    posterior: Posterior
    power: Power
    progress: Progress
    moves: dict[State, tuple[Move, ...]]


@lru_cache(maxsize=4)
def _shared(task: Unvalued) -> Shared:
    """Kept, as `policies.explain` plans the same task again for many V."""
    posterior = Posterior(task.estimates, task.spending)
    return Shared(posterior, Power(task.estimates, task.flakiness), Progress(task.estimates), {})


class Model:
    """The transitions of one task under fixed estimates, prices, delivery and flakiness evidence.

    digits: rounding of what is left (None: not rounded, exact and slower), of seconds if `round_seconds`.
    ample_seconds: beyond which no deadline can bind, before anything was tried.
    """

    def __init__(
        self,
        estimates: Estimates,
        prices: Prices,
        delivery: ActionClass,
        schedule: Schedule,
        flakiness: tuple[Flakiness, ...],
        loss_left: float = UNLIMITED,
        spending: tuple[Spent, ...] = (),
        digits: int | None = SIGNIFICANT_DIGITS,
        round_seconds: bool = True,
    ) -> None:
        self.estimates = estimates
        self.prices = prices
        self.delivery = delivery
        self.schedule = schedule
        self.loss_left = loss_left
        self._dollar_digits, self._second_digits = digits, digits if round_seconds else None
        prices_of_loss = prices.risk, prices.irreversible
        task = Unvalued(
            estimates,
            *prices_of_loss,
            delivery,
            schedule,
            flakiness,
            loss_left,
            spending,
            digits,
            round_seconds,
        )
        self.posterior, self.power, self.progress, self._moves = _shared(task)
        self.caches_matter = any(tier.switch_dollars > 0 for tier in estimates.tiers)
        self._plans = any(tier.can_plan for tier in estimates.tiers)
        self._ample = Ample(estimates)
        self.ample_seconds = self._ample.limits(self.progress.left_to_try(())[1], 1).seconds
        self._right: dict[tuple[Failures, Hand], float] = {}
        self._endings: dict[tuple[Failures, Hand], tuple[float, float, DeliveryTerms]] = {}

    def state(self, belief: Belief, left: Limits) -> State:
        """The state of `belief` with exactly `left` left."""
        return State(
            belief.failures,
            belief.knowledge,
            belief.bought,
            belief.hand,
            belief.last_tier if self.caches_matter else None,
            belief.preparations,
            left.dollars,
            left.seconds,
        )

    def moves(self, state: State) -> tuple[Move, ...]:
        """Every move the plan may make in `state`: with a real effect and within the limits."""
        if state not in self._moves:
            self._moves[state] = tuple(move for move in self._possible(state) if not move.refused)
        return self._moves[state]

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
                if tells_more(check.check, state.hand, check.most):
                    yield self.verify(state, check)

    def _searching(self, state: State) -> Iterator[Move]:
        tiers, _ = self.progress.left_to_try(state.failures)
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
        after = self.spent(state._replace(preparations=state.preparations[1:]), 0.0, preparation.seconds)
        return Move(
            StepKind.READ, 0.0, preparation.seconds, 0.0, worst, 1.0, ((1.0, after),), refused=refused
        )

    def read(self, state: State, read: ReadEstimate) -> Move:
        """Read: gives knowledge."""
        worst, refused = self._room(state, 0.0, read.seconds, read.worst_seconds)
        after = self.spent(self.progress.learned(state, read.subject, read.gives), 0.0, read.seconds)
        return Move(StepKind.READ, 0.0, read.seconds, 0.0, worst, 1.0, ((1.0, after),), refused=refused)

    def plan(self, state: State, tier: TierEstimate) -> Move:
        """Plan: gives knowledge to every tier, and warms the planner's cache."""
        extra = self._switch(state, tier)
        dollars, worst_dollars = tier.plan_dollars + extra, tier.plan_worst_dollars + extra
        worst, refused = self._room(state, worst_dollars, tier.plan_seconds, tier.plan_worst_seconds)
        after = self.progress.learned(state, PLANNED, PLANNED)._replace(last_tier=self._last(tier))
        after = self.spent(after, dollars, tier.plan_seconds)
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
        state = self.progress.dropped(state)
        dollars = self.posterior.dollars(state.failures, state.knowledge, tier) + self._switch(state, tier)
        worst, refused = self._room(state, tier.worst_dollars, tier.seconds, tier.worst_seconds)
        q = self.posterior.success(state.failures, state.knowledge, tier)
        hand = Hand(tier.name, frozenset(), state.knowledge)
        candidate = q + (1 - q) * self.power.wrong(hand)
        last = self._last(tier)
        failures = self.progress.failed(state.failures, tier.name, state.knowledge)
        branches = (
            (candidate, self.spent(state._replace(hand=hand, last_tier=last), dollars, tier.seconds)),
            (
                1 - candidate,
                self.spent(state._replace(failures=failures, last_tier=last), dollars, tier.seconds),
            ),
        )
        return Move(
            StepKind.ACT, dollars, tier.seconds, tier.worst_dollars, worst, q, branches, refused=refused
        )

    def verify(self, state: State, check: CheckEstimate) -> Move:
        """Verify the candidate in hand: what each outcome is worth follows from the masses of right and wrong
        candidates that have it. A failure that proves nothing leaves the candidate in hand."""
        hand = _held(state)
        worst, refused = self._room(state, check.worst_dollars, check.seconds, check.worst_seconds)
        c, kept = self.hand_right(state), hand.after(check.check, True)
        right = _ratio(self.power.right(kept), self.power.right(hand))
        passes = c * right + (1 - c) * _ratio(self.power.wrong(kept), self.power.wrong(hand))
        after = state._replace(hand=kept)
        branches = [(passes, self.spent(after, check.dollars, check.seconds))]
        if passes < 1:
            failed = self.progress.dropped(state)
            if check.sensitivity < 1:
                failed = state._replace(hand=hand.after(check.check, False))
            branches.append((1 - passes, self.spent(failed, check.dollars, check.seconds)))
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
        hand, final = _held(state), self.estimates.final
        worst, refused = self._room(state, 0.0, final.seconds, final.worst_seconds, final=True)
        c, passes, terms = self._delivered(state, hand)
        if terms.loss > self.loss_left:
            refused = f"could lose {terms.loss:.3g} loss units and {self.loss_left:.3g} are left"
        dropped = self.spent(self.progress.dropped(state), 0.0, final.seconds)
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

    def _delivered(self, state: State, hand: Hand) -> tuple[float, float, DeliveryTerms]:
        """P(right), P(the final verification passes), and the terms of delivering what passed it."""
        key = (state.failures, hand)
        if key not in self._endings:
            c = self.hand_right(state)
            missed = _ratio(self.power.wrong(hand, final=True), self.power.wrong(hand))
            passes = c + (1 - c) * missed
            terms = delivery_terms(self.delivery, c / passes if passes else 0.0, self.prices, self.schedule)
            self._endings[key] = c, passes, terms
        return self._endings[key]

    def defer(self, state: State) -> Move:
        """Hand the evidence to a person: saves the share of V that a right patch saves them."""
        c = self.hand_right(state)
        right, glance = self.estimates.defer_share * c, self.schedule.attention.glance
        return Move(StepKind.DEFER, 0.0, 0.0, 0.0, 0.0, c, (), right=right, attention=glance)

    def put_down(self, state: State) -> Move:
        """Go on without the candidate in hand; it counts as failed."""
        return Move(
            None, 0.0, 0.0, 0.0, 0.0, 1.0, ((1.0, self.spent(self.progress.dropped(state), 0.0, 0.0)),)
        )

    def hand_right(self, state: State) -> float:
        """c = P(the candidate in hand is right)."""
        hand = _held(state)
        key = (state.failures, hand)
        if key not in self._right:
            q = self.hand_chance(state, hand)
            self._right[key] = confidence(q * self.power.right(hand), (1 - q) * self.power.wrong(hand))
        return self._right[key]

    def hand_chance(self, state: State, hand: Hand) -> float:
        """P(the attempt that made the candidate was right), whatever its checks said."""
        q = self.posterior.success(state.failures, hand.knowledge, self.estimates.tier(hand.tier))
        return self.power.among_rivals(q, hand)

    def refuses(self, state: State, check: CheckEstimate) -> str:
        """Why the check does not fit into what is left, "" if it does."""
        return self._room(state, check.worst_dollars, check.seconds, check.worst_seconds)[1]

    def missed(self, state: State) -> float:
        """P(all checks and the final verification pass too | the candidate in hand is wrong)."""
        hand = _held(state)
        return _ratio(self.power.wrong(self.power.everything(hand), final=True), self.power.wrong(hand))

    # Limits and the warm cache.

    def _room(
        self, state: State, worst_dollars: float, seconds: float, cap: float, final: bool = False
    ) -> tuple[float, str]:
        """A step's time limit, and why it is refused. All but the final verification leave time for it."""
        kept = 0.0 if final or state.preparations else reserve(self.estimates.final, state.seconds)
        return room(state.dollars, state.seconds - kept, worst_dollars, seconds, cap)

    def spent(self, state: State, dollars: float, seconds: float) -> State:
        """`state` after spending; what is left counts as unlimited once it is ample, else is rounded down."""
        if state.unlimited:
            return state
        _, attempts = self.progress.left_to_try(state.failures)
        ample = self._ample.limits(attempts, len(state.preparations))
        dollars, seconds = state.dollars - dollars, state.seconds - seconds
        return State(
            *state[:-2],
            UNLIMITED if dollars >= ample.dollars else round_down(dollars, self._dollar_digits),
            UNLIMITED if seconds >= ample.seconds else round_down(seconds, self._second_digits),
        )

    def _switch(self, state: State, tier: TierEstimate) -> float:
        return 0.0 if state.last_tier == tier.name else tier.switch_dollars

    def _last(self, tier: TierEstimate) -> str | None:
        return tier.name if self.caches_matter else None


def _held(state: State) -> Hand:
    if state.hand is None:
        raise ValueError("there is no candidate in hand")
    return state.hand


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
