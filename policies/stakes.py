"""What delivering a patch puts at stake, for reports: a*, break-even chances, the worst case, what a snapshot
or waiting would be worth. What may be done is `policies.autonomy.required`.

Source: MTA §3.2, eq. 6-7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.autonomy import (
    DEFAULT_SCHEDULE,
    LEVELS,
    Confirmation,
    DeliveryTerms,
    Schedule,
    delivery_terms,
    terms_at,
)
from policies.risk import TAIL_FROM_SHARE, Risks, decision_loss, worst_loss, wrong_for
from policies.vocabulary import ActionClass, Prices
from policies.waiting import News, Snapshot, surcharge, waiting


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
        passed = [schedule.let_through(each, action_class) for each in (laxer, stricter)]
        prices_of = [schedule.attention_of(each, action_class) for each in (laxer, stricter)]
        return (prices_of[1] - prices_of[0]) / (full * (passed[0] - passed[1]))

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
