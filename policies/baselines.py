"""Baselines: fixed rules to compare the marginal policy with, behind the same interface.

A baseline gets the candidate table of `decide.MarginalPolicy` and differs in the choice alone, so that an
audit can say what its rule gave up. It states its wishes in order; the first that no limit refuses is taken.
Nothing but what is on offer can be wished for, and all of them end: attempts run out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from policies.amounts import show_money
from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.belief import Belief
from policies.decide import EPSILON, MarginalPolicy, is_terminal
from policies.estimates import LADDER, PLANNED, Estimates, TierEstimate
from policies.vocabulary import (
    ActionClass,
    Candidate,
    Check,
    Decision,
    Limits,
    Prices,
    Step,
    StepKind,
)
from policies.weitzman import Search

MOST_STEPS = 10
"""Reads, plans and attempts of the fixed pipeline, as such pipelines are capped."""


class Situation(NamedTuple):
    """What a rule sees: the belief, the priced steps on offer, and what everything costs."""

    belief: Belief
    rows: tuple[Candidate, ...]
    estimates: Estimates
    prices: Prices
    delivery: ActionClass
    schedule: Schedule

    def offered(self, kind: StepKind) -> list[Step]:
        """The steps of this kind on offer."""
        return [row.step for row in self.rows if row.step.kind is kind]

    def attempts(self, tiers: Iterable[TierEstimate]) -> Iterator[Step]:
        """The attempts of these tiers on offer, in the order of the tiers."""
        on_offer = {step.tier: step for step in self.offered(StepKind.ACT)}
        for tier in tiers:
            if tier.name in on_offer:
                yield on_offer[tier.name]


Wish: TypeAlias = tuple[Step, str]
"""A step and why, in words."""

Rule: TypeAlias = Callable[[Situation], Iterator[Wish]]


class Baseline:
    """The policy that follows the rule called `name`. Raises KeyError for an unknown name."""

    def __init__(self, name: str, schedule: Schedule = DEFAULT_SCHEDULE) -> None:
        self.name = name
        self._rule = RULES[name]
        self._pricing = MarginalPolicy(schedule, shadow_prices=False)
        self._stricter: dict[Schedule, Baseline] = {}

    def under(self, schedule: Schedule) -> Baseline:
        """This policy under another schedule."""
        if schedule not in self._stricter:
            self._stricter[schedule] = Baseline(self.name, schedule)
        return self._stricter[schedule]

    def decide(
        self,
        belief: Belief,
        options: tuple[Step, ...],
        estimates: Estimates,
        prices: Prices,
        limits_left: Limits,
        delivery: ActionClass,
    ) -> Decision:
        """Price every option as the marginal policy does, and choose by the rule.

        `limit_alone`: it ends although the rule wished for a step that a limit refused. Shadow prices are 0:
        what a limit is worth to the best plan says nothing about this one. Raises as the marginal policy.
        """
        rows = self._pricing.decide(belief, options, estimates, prices, limits_left, delivery).candidates
        refused = {row.step: row.refused for row in rows}
        schedule = self._pricing.schedule
        wishes = list(self._rule(Situation(belief, rows, estimates, prices, delivery, schedule)))
        chosen, why = next(((s, why) for s, why in wishes if not refused[s]), (None, ""))
        ends = chosen is None or is_terminal(chosen)
        if ends and wishes and (first := wishes[0][0]) != chosen:
            ending = "stop" if chosen is None else chosen.name
            reason = f"{ending}: by the rule '{self.name}' {first.name} is next, but it {refused[first]}"
            return Decision(chosen, rows, reason, limit_alone=True)
        if chosen is None:
            return Decision(None, rows, f"stop: the rule '{self.name}' leaves nothing to try")
        return Decision(chosen, rows, f"{chosen.name}: by the rule '{self.name}', {why}")


# What the rules share.


def _preparing(situation: Situation) -> Iterator[Wish]:
    for row in situation.rows:
        yield row.step, "what has to be prepared is prepared"


def _checks(situation: Situation, wanted: Callable[[Check], bool]) -> Iterator[Wish]:
    """The wanted checks that have said nothing about the candidate in hand yet."""
    hand = situation.belief.hand
    for step in situation.offered(StepKind.VERIFY):
        if hand and step.check and step.check not in hand.passed | hand.failed and wanted(step.check):
            yield step, "every candidate is put to this check"


def _judging(situation: Situation) -> Iterator[Wish]:
    """Checks that tell what the final verification does not find by itself."""
    final = situation.estimates.final.power

    def tells(check: Check) -> bool:
        return situation.estimates.check(check).power > (final if check in LADDER else 0.0)

    return _checks(situation, tells)


def _ending(situation: Situation, otherwise: Iterable[Wish] = ()) -> Iterator[Wish]:
    """Submit the candidate in hand; or, when a check that is no proof speaks against it, try on."""
    hand = situation.belief.hand
    if hand is not None and hand.failed:
        yield from otherwise
    else:
        for step in situation.offered(StepKind.SUBMIT):
            yield step, "a candidate that nothing speaks against is submitted"
    for step in situation.offered(StepKind.DEFER):
        yield step, "what cannot be submitted is handed to a person"


def _routed(situation: Situation, attempts: Iterable[Wish]) -> Iterator[Wish]:
    """Attempts until a candidate passes, without reading or planning."""
    if situation.belief.preparations:
        yield from _preparing(situation)
    elif situation.belief.hand is None:
        yield from attempts
    else:
        yield from _judging(situation)
        yield from _ending(situation, attempts)


def _price(tier: TierEstimate) -> tuple[float, float]:
    return tier.dollars, tier.seconds


# The rules.


def pipeline(situation: Situation) -> Iterator[Wish]:
    """Localise, plan if possible, act with the first tier, verify the suite, submit; MOST_STEPS at most."""
    belief = situation.belief
    if belief.preparations:
        yield from _preparing(situation)
        return
    if belief.hand is not None:
        yield from _checks(situation, lambda check: check is Check.SUITE)
        yield from _ending(situation, _in_order(situation))
        return
    yield from _in_order(situation)


def _in_order(situation: Situation) -> Iterator[Wish]:
    belief = situation.belief
    if len(belief.bought) + sum(failed.times for failed in belief.abandoned().failures) >= MOST_STEPS:
        return
    if belief.hand is None:
        for step in situation.offered(StepKind.READ):
            if step.subject not in belief.bought:
                yield step, "reading comes first"
        if PLANNED not in belief.bought:
            for step in situation.offered(StepKind.PLAN)[:1]:
                yield step, "a plan comes before the first attempt"
    for step in situation.attempts(situation.estimates.tiers[:1]):
        yield step, "the first tier makes every attempt"


def cheapest(situation: Situation) -> Iterator[Wish]:
    """Always the tier with the least expected dollars, until it has nothing left to try."""
    tiers = sorted(situation.estimates.tiers, key=_price)[:1]
    return _routed(situation, [(s, "the cheapest tier is used") for s in situation.attempts(tiers)])


def dearest(situation: Situation) -> Iterator[Wish]:
    """Always the tier with the most expected dollars, until it has nothing left to try."""
    tiers = sorted(situation.estimates.tiers, key=_price)[-1:]
    return _routed(situation, [(s, "the dearest tier is used") for s in situation.attempts(tiers)])


def cascade(situation: Situation) -> Iterator[Wish]:
    """The cheapest tier first, the next dearer one after each failure; each tier once."""
    dropped = situation.belief.abandoned()
    tiers = [t for t in sorted(situation.estimates.tiers, key=_price) if not dropped.failed(t.name)]
    why = "the cheapest tier that has not failed yet is used"
    return _routed(situation, [(s, why) for s in situation.attempts(tiers)])


def fewest_tokens(situation: Situation) -> Iterator[Wish]:
    """The least expected dollars (then seconds) to the next submit: no reading, no planning, no check."""
    attempts: list[tuple[float, float, int, Step]] = []
    for number, row in enumerate(situation.rows):
        if row.step.kind is StepKind.ACT and row.step.tier is not None:
            right = row.quote.probability
            chance = right + (1 - right) * situation.estimates.tier(row.step.tier).overfit
            if chance > 0:
                attempts.append((row.quote.dollars / chance, row.quote.seconds / chance, number, row.step))
    why = "it takes the least money and time to a submit"
    wishes = [(step, why) for *_, step in sorted(attempts)]
    if situation.belief.hand is None or situation.belief.preparations:
        return _routed(situation, wishes)
    return _ending(situation, wishes)


def weitzman(situation: Situation) -> Iterator[Wish]:
    """Open the box with the highest reservation value as if all were independent; stop when what is in hand
    is worth more than what it would be given up for."""
    yield from _judging(situation)
    options = tuple(row.step for row in situation.rows)
    search = Search(situation.belief, options, *situation[2:])
    held = search.held()
    for box in sorted(search.boxes(), key=lambda box: -box.worth):
        if (box.worth if situation.belief.hand is None else box.alone) > held.worth + EPSILON:
            yield box.first, f"{box.name} has the highest reservation value, {show_money(box.worth)}"
    if held.ending is not None:
        yield held.ending, f"no box is worth giving up the {show_money(held.worth)} in hand for"


RULES: dict[str, Rule] = {
    "pipeline": pipeline,
    "cheapest": cheapest,
    "dearest": dearest,
    "cascade": cascade,
    "weitzman": weitzman,
    "fewest-tokens": fewest_tokens,
}
