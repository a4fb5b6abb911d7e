"""Independent Weitzman search: every tier is a box with a reservation value of its own.

    q·(prize - z) = cost, so z = prize - cost / q

(M. Weitzman, Optimal Search for the Best Alternative, Econometrica 1979.) Optimal for independent boxes. Here
they are not: a task that one tier fails on is hard for the others too, and this index does not see it. Nor is
there recall: an attempt gives up what is in hand, so against that a box counts with q·prize - cost only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from policies.autonomy import Schedule, delivery_terms
from policies.belief import Belief
from policies.estimates import PLANNED, Estimates, TierEstimate
from policies.lookahead import own
from policies.moves import Model
from policies.posterior import Knowledge, Posterior
from policies.power import Hand
from policies.vocabulary import ActionClass, Limits, Prices, Step, StepKind


class Box(NamedTuple):
    """An attempt of a tier with what has to be done before it; opening it begins with `first`.

    worth: its reservation value z in dollars, -infinity for one that holds nothing. alone: q·prize - cost.
    """

    name: str
    first: Step
    worth: float
    alone: float


class Lesson(NamedTuple):
    """A read or a plan that an attempt may wait for: its step (None: not on offer yet), what it gives, and
    its dollars, waiting included."""

    step: Step | None
    name: str
    gives: str
    price: float


class Held(NamedTuple):
    """What is in hand: its worth in dollars and the step that takes it, None when there is nothing."""

    worth: float
    ending: Step | None


class Search:
    """The boxes of one task, and what is in hand."""

    def __init__(
        self,
        belief: Belief,
        options: tuple[Step, ...],
        estimates: Estimates,
        prices: Prices,
        delivery: ActionClass,
        schedule: Schedule,
    ) -> None:
        self.belief = belief
        self.options = options
        self.estimates = estimates
        self.prices = prices
        self._prior = Posterior(estimates)
        self._model = Model(estimates, prices, delivery, schedule, belief.flakiness, spending=belief.spending)
        right, wrong = (delivery_terms(delivery, c, prices, schedule).price(prices) for c in (1.0, 0.0))
        self._prize = prices.value - prices.latency * estimates.final.seconds - right
        self._wrong = wrong

    def held(self) -> Held:
        """The better of submitting and deferring at once."""
        best, state = Held(0.0, None), self._model.state(self.belief, Limits())
        for step in self.options:
            if step.kind in (StepKind.SUBMIT, StepKind.DEFER):
                move = self._model.submit(state) if step.kind is StepKind.SUBMIT else self._model.defer(state)
                worth = max(0.0, own(move).worth(self.prices))
                if best.ending is None or worth > best.worth:
                    best = Held(worth, step)
        return best

    def boxes(self) -> list[Box]:
        """Every tier that may be tried, as things are and after each read or plan."""
        preparing = self.belief.preparations
        prepared = sum(self.estimates.preparation(subject).seconds for subject in preparing)
        acts = {step.tier: step for step in self.options if step.kind is StepKind.ACT}
        found = []
        for tier in self.estimates.tiers:
            act = self.options[0] if preparing else acts.get(tier.name)
            if act is None:
                continue
            for lesson in (None, *self._lessons()):
                learned = frozenset({lesson.gives} if lesson else ())
                first = act if preparing or lesson is None or lesson.step is None else lesson.step
                name = f"{tier.name} after {lesson.name}" if lesson else tier.name
                before = self.prices.latency * prepared + (lesson.price if lesson else 0.0)
                found.append(Box(name, first, *self._value(tier, self.belief.knowledge | learned, before)))
        return found

    def _lessons(self) -> list[Lesson]:
        if self.belief.hand is not None:
            return []
        latency, bought, lessons = self.prices.latency, self.belief.bought, []
        steps = {step.subject or step.tier: step for step in self.options if step.kind in _LEARNING}
        for read in self.estimates.reads:
            if read.subject not in bought and (self.belief.preparations or read.subject in steps):
                step, price = steps.get(read.subject), latency * read.seconds
                lessons.append(Lesson(step, f"read {read.subject}", read.gives, price))
        for tier in self.estimates.tiers:
            if tier.can_plan and PLANNED not in bought and (self.belief.preparations or tier.name in steps):
                price = tier.plan_dollars + latency * tier.plan_seconds
                lessons.append(Lesson(steps.get(tier.name), f"plan {tier.name}", PLANNED, price))
        return lessons

    def _value(self, tier: TierEstimate, knowledge: Knowledge, before: float) -> tuple[float, float]:
        """z and q·prize - cost: the chance is the prior one, whatever the other tiers have failed at."""
        done = self.belief.abandoned().failed(tier.name)
        q = float(self._prior.weights(()) @ self._prior.chance(tier, knowledge, done))
        if q <= 0:
            return -math.inf, -math.inf
        cold = 0.0 if self.belief.last_tier == tier.name else tier.switch_dollars
        cost = before + self._prior.dollars((), knowledge, tier) + cold + self.prices.latency * tier.seconds
        cost += (1 - q) * self._model.power.wrong(Hand(tier.name), final=True) * self._wrong
        return self._prize - cost / q, q * self._prize - cost


_LEARNING = (StepKind.READ, StepKind.PLAN)
