"""What the policy would do at given prices, and which prices would change its mind.

Everything is found by asking the policy itself: the plan by playing the task with every attempt failing, and
the prices at which a choice changes by bisection. Between two probes with the same answer no change is looked
for. Pure, and bounded in decisions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.decide import EXACT_UP_TO
from policies.estimates import TierEstimate
from policies.progress import failure_counts
from policies.rehearsal import (
    STOP,
    Answer,
    Asked,
    Label,
    Opening,
    Outline,
    Plan,
    Question,
    TooMany,
    begun,
)
from policies.router import Router, route
from policies.vocabulary import Limits

MOST_VALUE, FACTOR, LEAST_PROBE = 1000.0, 4, 25
"""Dollars up to which crossover values are looked for; more where V is over a quarter of that. V is probed
first this factor apart, down to so many cents, and at 0."""

STEP = 8.0
"""Other prices are probed at multiples of what they are, this factor apart, then far off and at 0."""

STEPS_UP, STEPS_DOWN = 3, 2
FINENESS, MOST_HALVINGS = 1.01, 16
"""... and a change between two of them is found to this factor, in so many halvings at most."""

FAR = 1e6
"""How far off other prices are probed: this times V, or what they are, whichever is more."""

MISJUDGED = 0.1
"""By how much every chance of success may be wrong in the second bound on the regret."""

SMALLEST, CENT = {"latency": 1e-3, "risk": 1.0, "irreversible": 1.0}, 0.01
"""Where the search begins for a price of 0: dollars a second, dollars a loss unit; for a tier: dollars."""

QUICK, SLOW = 3000, 300
"""Decisions asked of the policy: of small or unlimited tasks, and of others, which are planned anew with
every dollar spent and whose whole plan is not followed over V. What is not found by then is said to be
missing."""


@dataclass(frozen=True)
class Reign:
    """From `value` dollars on (up to the next) the opening is `choice`."""

    value: float
    choice: Opening


@dataclass(frozen=True)
class Change:
    """`price` is `now`; with the others as they are, the opening becomes `choice` once it is `at`."""

    price: str
    now: float
    at: float
    choice: Opening


@dataclass(frozen=True)
class Ranged:
    """`price` was looked at from 0 up to `most`: beyond the changes found, no probe changes the opening."""

    price: str
    most: float


@dataclass(frozen=True)
class Regret:
    """Choosing the next attempt's tier, or none, by the estimates is in expectation within `known` dollars of
    the best for the task if they are right and only the task is hidden; within `misjudged` if every chance of
    success may be off by MISJUDGED. See `router.regret_bound`."""

    chosen: str
    known: float
    misjudged: float


@dataclass(frozen=True)
class Explanation:
    """opening: the steps up to the first attempt. choices: openings by V, in order, up to `most_value`.
    plan_changes: the values V at which any step of the plan changes. ranges: the prices that were looked at
    in full. complete: False when not everything could be looked for."""

    question: Question
    opening: Opening
    plan: Plan
    choices: tuple[Reign, ...]
    most_value: float
    plan_changes: tuple[float, ...]
    changes: tuple[Change, ...]
    ranges: tuple[Ranged, ...]
    regret: Regret
    decisions: int
    complete: bool


def explain(
    question: Question, schedule: Schedule = DEFAULT_SCHEDULE, most_decisions: int = 0
) -> Explanation:
    """The plan, the crossover values of V to a cent, and what other prices would have to be.

    most_decisions: how many to ask for at most beyond the plan; 0: as many as take some seconds.
    """
    asked = Asked(schedule)
    plan = asked.plan(question)
    opening = plan.opening
    quick = begun(question)[1] == Limits() or failure_counts(question.estimates) <= EXACT_UP_TO
    asked.most = asked.count + (most_decisions or (QUICK if quick else SLOW))
    choices: list[Reign] = []
    changes: list[Change] = []
    plan_changes: list[float] = []
    ranges: list[Ranged] = []
    most_value = _probes(question)[-1] / 100
    complete = quick
    try:
        for cents, choice in _crossovers(partial(_opening_by_value, asked, question), question):
            choices.append(Reign(cents / 100, choice))
        choices.sort(key=lambda reign: reign.value)
        changes += _of_value(question.prices.value, opening, choices)
        ranges.append(Ranged("value", most_value))
        for price in _priced(question):
            changes += _nearest(price, opening, partial(_opening_at, asked, price))
            ranges.append(Ranged(price.name, price.most))
        if quick:
            for cents, _ in _crossovers(partial(_plan_by_value, asked, question), question):
                plan_changes.append(cents / 100)
    except TooMany:
        complete = False
    return Explanation(
        question,
        opening,
        plan,
        tuple(sorted(choices, key=lambda reign: reign.value)),
        most_value,
        tuple(sorted(plan_changes)[1:]),
        tuple(changes),
        tuple(ranges),
        regret(question, schedule),
        asked.count,
        complete,
    )


def regret(question: Question, schedule: Schedule = DEFAULT_SCHEDULE) -> Regret:
    """What the choice of the first attempt's tier may regret (MTA eq. 4); stopping is one of the ways."""
    risk = schedule.risks.of(question.delivery)
    router = Router(question.estimates, begun(question)[0], risk)
    ways, prices = (router.stops(), *router.ways()), question.prices
    stakes = prices.value + risk.severity * risk.price(prices)
    errors = [0.0] + [MISJUDGED * stakes] * (len(ways) - 1)
    known, misjudged = route(ways, router.weights, prices), route(ways, router.weights, prices, errors)
    return Regret(known.chosen or STOP, known.regret, misjudged.regret)


# Where a choice changes.


def _opening_by_value(asked: Asked, question: Question, cents: int) -> Answer[Opening]:
    return asked.opening(_at_value(question, cents))


def _plan_by_value(asked: Asked, question: Question, cents: int) -> Answer[Outline]:
    plan = asked.plan(_at_value(question, cents))
    return Answer(plan.outline, plan.span)


def _at_value(question: Question, cents: int) -> Question:
    return replace(question, prices=replace(question.prices, value=cents / 100))


def _opening_at(asked: Asked, price: Priced, amount: float) -> Opening:
    return asked.opening(price.at(amount)).label


def _crossovers(answer: Callable[[int], Answer[Label]], question: Question) -> Iterator[tuple[int, Label]]:
    """(cents, label) of the least V, and wherever the label changes from one cent to the next; the ranges
    of V nearest to the question's come first."""
    known: dict[int, Answer[Label]] = {}

    def at(cents: int) -> Answer[Label]:
        if cents not in known:
            known[cents] = answer(cents)
        return known[cents]

    def between(low: int, high: int, depth: int) -> Iterator[tuple[int, Label]]:
        if at(low).label == at(high).label:
            return
        if high - low == 1:
            yield high, at(high).label
            return
        middle = _meeting(low, at(low), high, at(high), depth)
        yield from between(low, middle, depth + 1)
        yield from between(middle, high, depth + 1)

    yield 0, at(0).label
    now = 100 * question.prices.value
    for low, high in sorted(pairwise(_probes(question)), key=lambda ends: max(ends[0] - now, now - ends[1])):
        yield from between(low, high, 0)


def _probes(question: Question) -> list[int]:
    """Cents at which V is probed first."""
    probes = [round(100 * max(MOST_VALUE, FACTOR * question.prices.value))]
    while probes[0] > LEAST_PROBE:
        probes.insert(0, probes[0] // FACTOR)
    return [0, *probes]


def _meeting(low: int, lower: Answer[Label], high: int, higher: Answer[Label], depth: int) -> int:
    """A cent strictly between: the last of the lower label, or the one before the first of the higher, as far
    as their spans tell; by halves where these do not help."""
    up, down = math.floor(min(100 * lower.span[1], high)), math.ceil(100 * higher.span[0]) - 1
    if depth % 4 == 3 or (up >= high and down <= low):
        return (low + high) // 2
    return max(up, low + 1) if up < high else min(down, high - 1)


class Priced(NamedTuple):
    """A price: its name and amount, where to look first if that is 0, where last, the question at another."""

    name: str
    now: float
    smallest: float
    most: float
    at: Callable[[float], Question]


def _priced(question: Question) -> Iterator[Priced]:
    """All prices but V."""
    for name, smallest in SMALLEST.items():

        def at(amount: float, name: str = name) -> Question:
            return replace(question, prices=replace(question.prices, **{name: amount}))

        now = getattr(question.prices, name)
        yield Priced(name, now, smallest, FAR * max(now, question.prices.value, smallest), at)
    for tier in question.estimates.tiers:

        def costing(amount: float, name: str = tier.name) -> Question:
            tiers = tuple(_costing(t, amount) if t.name == name else t for t in question.estimates.tiers)
            return replace(question, estimates=replace(question.estimates, tiers=tiers))

        most = FAR * max(tier.dollars, question.prices.value, CENT)
        yield Priced(f"tier {tier.name}", tier.dollars, CENT, most, costing)


def _costing(tier: TierEstimate, dollars: float) -> TierEstimate:
    """The tier at another price; its worst case stays in proportion."""
    ratio = (tier.worst_dollars - tier.switch_dollars) / tier.dollars if tier.dollars else 1.0
    return replace(tier, dollars=dollars, worst_dollars=ratio * dollars + tier.switch_dollars)


def _of_value(now: float, opening: Opening, choices: list[Reign]) -> Iterator[Change]:
    """The nearest change of V on either side, from all of them."""
    lower = [index for index, reign in enumerate(choices) if reign.value <= now]
    if lower and lower[-1] > 0 and choices[lower[-1]].choice == opening:
        at = choices[lower[-1]].value - 0.01
        yield Change("value", now, round(at, 2), choices[lower[-1] - 1].choice)
    for reign in choices[len(lower) :][:1]:
        yield Change("value", now, reign.value, reign.choice)


def _nearest(price: Priced, here: Opening, answer: Callable[[float], Opening]) -> Iterator[Change]:
    """The nearest change found below and above the price as it is."""
    down = [price.now / STEP**step for step in range(1, STEPS_DOWN + 1)] + [0.0] if price.now > 0 else []
    up = [(price.now or price.smallest) * STEP**step for step in range(price.now > 0, STEPS_UP + 1)]
    up.append(price.most)
    for probes, rounded in ((down, math.floor), (up, math.ceil)):
        near = price.now
        for far in probes:
            if answer(far) != here:
                at = _three_digits(_between(here, near, far, answer), rounded)
                if (choice := answer(at)) != here:
                    yield Change(price.name, price.now, at, choice)
                break
            near = far


def _between(here: Opening, near: float, far: float, answer: Callable[[float], Opening]) -> float:
    """An amount close to where the answer ceases to be `here`, on the far side of it."""
    for _ in range(MOST_HALVINGS):
        if abs(far - near) <= (FINENESS - 1) * max(near, far):
            break
        middle = math.sqrt(near * far) or (near + far) / 2
        if answer(middle) == here:
            near = middle
        else:
            far = middle
    return far


def _three_digits(amount: float, rounded: Callable[[float], int]) -> float:
    if amount <= 0:
        return 0.0
    digits = 2 - math.floor(math.log10(amount))
    return round(rounded(round(amount * 10.0**digits, 6)) / 10.0**digits, max(0, digits))
