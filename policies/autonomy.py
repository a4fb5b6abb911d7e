"""The autonomy schedule: which action class needs whose confirmation, and what a person's attention costs.

Source: MTA §3.2, eq. 6-7: autonomy a grows until V·∂p/∂a = ∂R/∂a + ∂H/∂a. A person who confirms lets right
patches through (Δp = 0), stops a share of the wrong ones (ΔR) and costs attention (ΔH).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from policies.risk import (
    DEFAULT_RISKS,
    TAIL_FROM_SHARE,
    Risks,
    decision_loss,
    decision_losses,
    worst_loss,
    wrong_for,
)
from policies.vocabulary import UNLIMITED, ActionClass, Prices
from policies.waiting import News, Snapshot, surcharge, waiting


class Confirmation(IntEnum):
    """Levels of confirmation, ordered: a larger one is stricter."""

    FREE = 0
    CONFIRM = 1
    MULTI_PARTY = 2

    @property
    def word(self) -> str:
        """As people and files write it: `multi-party`."""
        return self.name.lower().replace("_", "-")


LEVELS = tuple(Confirmation)


@dataclass(frozen=True)
class Attention:
    """H: the price of a person's attention, dollars. At $60 an hour: half a minute to glance at handed-over
    evidence, two minutes to read and confirm a small diff, two people with a change of context."""

    glance: float = 0.5
    confirm: float = 2.0
    two_people: float = 10.0

    def __post_init__(self) -> None:
        for name in ("glance", "confirm", "two_people"):
            dollars = getattr(self, name)
            if not (math.isfinite(dollars) and dollars >= 0):
                raise ValueError(f"attention {name} must be a finite number of dollars of at least 0")

    def of(self, level: Confirmation) -> float:
        """Dollars of attention that confirming at `level` takes."""
        return (0.0, self.confirm, self.two_people)[level]


WRONG_LET_THROUGH: dict[Confirmation, float] = {
    Confirmation.FREE: 1.0,
    Confirmation.CONFIRM: 0.5,
    Confirmation.MULTI_PARTY: 0.25,
}
"""P(a wrong patch gets past the person or people). Inspection studies find about half of the defects per
reader; two readers are taken as independent."""

DEFAULT_LEVELS: tuple[tuple[ActionClass, Confirmation], ...] = (
    (ActionClass.READ, Confirmation.FREE),
    (ActionClass.DRAFT, Confirmation.FREE),
    (ActionClass.EXECUTE, Confirmation.FREE),
    (ActionClass.COMMIT, Confirmation.CONFIRM),
    (ActionClass.PUBLISH, Confirmation.CONFIRM),
    (ActionClass.DEPLOY, Confirmation.MULTI_PARTY),
)

LEAST_LEVELS: dict[ActionClass, Confirmation] = {ActionClass.DEPLOY: Confirmation.MULTI_PARTY}
"""No schedule may ask for less: users and data are hit before one person's slip can be undone. A transfer
counts as deploy."""


@dataclass(frozen=True)
class Schedule:
    """The published artefact: action class -> least confirmation level, with H and the severities.

    Severities are understood *given* the scheduled confirmation; a stricter level multiplies the loss by the
    further share of wrong patches it stops.
    Raises ValueError when an action class is missing or named twice, or is laxer than LEAST_LEVELS.
    """

    levels: tuple[tuple[ActionClass, Confirmation], ...] = DEFAULT_LEVELS
    attention: Attention = Attention()
    risks: Risks = DEFAULT_RISKS

    def __post_init__(self) -> None:
        if sorted(action_class for action_class, _ in self.levels) != sorted(ActionClass):
            raise ValueError("every action class needs exactly one confirmation level")
        for action_class, least in LEAST_LEVELS.items():
            if self.scheduled(action_class) < least:
                raise ValueError(f"{action_class} needs at least {least.word}, whatever the schedule")

    def scheduled(self, action_class: ActionClass) -> Confirmation:
        """The level the schedule asks for, before pricing."""
        return next(level for each, level in self.levels if each is action_class)

    def tightened(self, levels: tuple[tuple[ActionClass, Confirmation], ...]) -> Schedule:
        """This schedule with stricter levels where `levels` asks for them; laxer ones are ignored."""
        asked = dict(levels)
        return Schedule(
            tuple((cls, max(level, asked.get(cls, level))) for cls, level in self.levels),
            self.attention,
            self.risks,
        )


DEFAULT_SCHEDULE = Schedule()


@dataclass(frozen=True)
class DeliveryTerms:
    """What a delivery costs at a level: losses in loss units, `attention` in dollars. snapshot: taken before
    it, None if none is."""

    level: Confirmation
    loss: float
    irreversible_loss: float
    attention: float
    snapshot: Snapshot | None = None

    def price(self, prices: Prices) -> float:
        """R(a, t) + H(a) of MTA eq. 6 in dollars, and the snapshot's price."""
        price = prices.risk * self.loss + prices.irreversible * self.irreversible_loss + self.attention
        return price if self.snapshot is None else price + self.snapshot.price(prices)


def terms_at(
    level: Confirmation, action_class: ActionClass, c: float, schedule: Schedule = DEFAULT_SCHEDULE
) -> DeliveryTerms:
    """Loss and attention of delivering at `level` a patch that is right with probability c."""
    risk = schedule.risks.of(action_class)
    let_through = WRONG_LET_THROUGH[level] / WRONG_LET_THROUGH[schedule.scheduled(action_class)]
    loss = decision_loss(risk, 1.0 - c) * let_through
    return DeliveryTerms(level, loss, risk.irreversible_share * loss, schedule.attention.of(level))


def delivery_terms(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> DeliveryTerms:
    """The best terms at the scheduled level or a stricter one: pricing may tighten, never loosen."""
    risk, scheduled = schedule.risks.of(action_class), schedule.scheduled(action_class)
    full = risk.price(prices) * decision_loss(risk, 1.0 - c)

    def price(level: Confirmation) -> float:
        let_through = WRONG_LET_THROUGH[level] / WRONG_LET_THROUGH[scheduled]
        return full * let_through + schedule.attention.of(level)

    level = min((level for level in LEVELS if level >= scheduled), key=price)
    return terms_at(level, action_class, c, schedule)


def delivery_price(
    wrong: NDArray[np.float64],
    total: NDArray[np.float64],
    action_class: ActionClass,
    prices: Prices,
    schedule: Schedule = DEFAULT_SCHEDULE,
    loss_left: float = UNLIMITED,
) -> NDArray[np.float64]:
    """P(delivering) · the price in dollars of `delivery_terms` for many deliveries at once, each made with
    probability `total`, with probability `wrong` of a wrong patch; infinite where the loss breaks a limit."""
    risk, scheduled = schedule.risks.of(action_class), schedule.scheduled(action_class)
    chosen = expected = decision_losses(risk, wrong, total)
    unit = risk.price(prices)
    best = unit * expected + schedule.attention.of(scheduled) * total
    for level in LEVELS:
        if level > scheduled:
            let_through = WRONG_LET_THROUGH[level] / WRONG_LET_THROUGH[scheduled]
            price = unit * let_through * expected + schedule.attention.of(level) * total
            if loss_left < UNLIMITED:
                chosen = np.where(price < best, let_through * expected, chosen)
            best = np.minimum(best, price)
    return best if loss_left == UNLIMITED else np.where(chosen > loss_left * total, np.inf, best)


def required(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> Confirmation:
    """The confirmation level an action needs when its patch is right with probability c."""
    return delivery_terms(action_class, c, prices, schedule).level


def recoverable_terms(
    action_class: ActionClass,
    c: float,
    prices: Prices,
    snapshot: Snapshot,
    schedule: Schedule = DEFAULT_SCHEDULE,
) -> DeliveryTerms:
    """The better of `delivery_terms` plain and with `snapshot` taken before the action; plain on a tie."""
    risks = tuple(
        snapshot.protected(risk) if risk.action_class is action_class else risk
        for risk in schedule.risks.classes
    )
    guarded = delivery_terms(action_class, c, prices, replace(schedule, risks=Risks(risks)))
    plain = delivery_terms(action_class, c, prices, schedule)
    return min((plain, replace(guarded, snapshot=snapshot)), key=lambda terms: terms.price(prices))


def utility(
    level: Confirmation,
    action_class: ActionClass,
    c: float,
    prices: Prices,
    schedule: Schedule = DEFAULT_SCHEDULE,
    spent: float = 0.0,
) -> float:
    """U(a, t) = V·p(a, t) - C(t) - R(a, t) - H(a) of delivering at `level`, dollars (MTA eq. 6).

    p is c at every level: whoever confirms lets right patches through. spent: C(t).
    """
    return prices.value * c - spent - terms_at(level, action_class, c, schedule).price(prices)


def optimum(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> Confirmation:
    """a* = argmax U(a, t) over all levels, the schedule aside; the laxest of equal ones (MTA eq. 7).

    For reports: what may be done is `required`, which never goes below the schedule.
    """
    return max(Confirmation, key=lambda level: utility(level, action_class, c, prices, schedule))


def break_even(
    level: Confirmation, action_class: ActionClass, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> float:
    """The c below which `required` asks for `level` or a stricter one: 1 if at any c < 1, 0 if at none.

    A level costs R·g·f_a + H_a, with R = severity·(ρ + ρ_irr·share), f_a the share of wrong patches that it
    lets through over the scheduled level's, and g = 1 - c or its tail. Level b beats a laxer a from
    g = (H_b - H_a) / (R·(f_a - f_b)) on, so the first level of at least `level` to beat all laxer ones does
    so at g* = min_b max_a of these (MTA eq. 7 between discrete levels).
    """
    scheduled, risk = schedule.scheduled(action_class), schedule.risks.of(action_class)
    if level <= scheduled:
        return 1.0
    full = risk.severity * risk.price(prices)
    if full <= 0:
        return 0.0

    def from_on(stricter: Confirmation, laxer: Confirmation) -> float:
        stopped = (WRONG_LET_THROUGH[laxer] - WRONG_LET_THROUGH[stricter]) / WRONG_LET_THROUGH[scheduled]
        return (schedule.attention.of(stricter) - schedule.attention.of(laxer)) / (full * stopped)

    allowed = [other for other in Confirmation if other >= scheduled]
    laxer = [other for other in allowed if other < level]
    worth_it = min(max(from_on(b, a) for a in laxer) for b in allowed if b >= level)
    return 1.0 - min(1.0, max(0.0, wrong_for(risk, worth_it)))


CLEAN_RECORD = 20
"""Deliveries, all of them right, on which the worst case of `stakes` is taken to rest."""


@dataclass(frozen=True)
class Stakes:
    """What delivering a patch that is right with probability `right` puts at stake, in dollars.

    level: the confirmation it needs; optimum: a*, the schedule aside. stricter: levels beyond the schedule, P
    below which pricing asks for them. At the scheduled level: loss, expected (`tail`: its CVaR, as most of
    it cannot be undone); surcharge on it for what cannot; worst, with surcharge, over the ambiguity set after
    CLEAN_RECORD right ones. snapshot: the break-even price of one that lets all of it be undone. waiting: the
    option value of waiting for one more check.
    """

    action_class: ActionClass
    right: float
    level: Confirmation
    optimum: Confirmation
    stricter: tuple[tuple[Confirmation, float], ...]
    loss: float
    tail: bool
    surcharge: float
    worst: float
    snapshot: float
    waiting: float


def stakes(
    action_class: ActionClass,
    right: float,
    prices: Prices,
    news: News,
    schedule: Schedule = DEFAULT_SCHEDULE,
) -> Stakes:
    """The stakes of one delivery; `news`: the check that could be waited for (MTA §3.2, eq. 6-7)."""
    risk, terms = schedule.risks.of(action_class), delivery_terms(action_class, right, prices, schedule)
    undone = recoverable_terms(action_class, right, prices, Snapshot(share_left=0.0), schedule)
    below = ((level, break_even(level, action_class, prices, schedule)) for level in LEVELS)
    return Stakes(
        action_class,
        right,
        terms.level,
        optimum(action_class, right, prices, schedule),
        tuple((level, c) for level, c in below if c > 0 and level > schedule.scheduled(action_class)),
        prices.risk * decision_loss(risk, 1.0 - right),
        risk.irreversible_share >= TAIL_FROM_SHARE,
        surcharge(risk, 1.0 - right, prices),
        risk.price(prices) * worst_loss(risk, 0, CLEAN_RECORD),
        terms.price(prices) - undone.price(prices),
        waiting(risk, 1.0 - right, news, prices).option_value,
    )
