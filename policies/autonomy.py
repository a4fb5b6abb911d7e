"""The autonomy schedule: which action class needs whose confirmation, and what a person's attention costs.

Source: MTA §3.2, eq. 6-7: autonomy a grows until V·∂p/∂a = ∂R/∂a + ∂H/∂a. A person who confirms lets right
patches through (Δp = 0), stops a share of the wrong ones (ΔR) and costs attention (ΔH).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from policies.risk import DEFAULT_RISKS, Risks, decision_loss, decision_losses
from policies.vocabulary import UNLIMITED, ActionClass, Prices


class Confirmation(IntEnum):
    """Levels of confirmation, ordered: a larger one is stricter."""

    FREE = 0
    CONFIRM = 1
    MULTI_PARTY = 2


@dataclass(frozen=True)
class Attention:
    """H: the price of a person's attention, dollars. At $60 an hour: half a minute to glance at handed-over
    evidence, two minutes to read and confirm a small diff, two people with a change of context."""

    glance: float = 0.5
    confirm: float = 2.0
    two_people: float = 10.0

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


@dataclass(frozen=True)
class Schedule:
    """The published artefact: action class -> least confirmation level, with H and the severities.

    Severities are understood *given* the scheduled confirmation; a stricter level multiplies the loss by the
    further share of wrong patches it stops.
    Raises ValueError when an action class is missing or named twice.
    """

    levels: tuple[tuple[ActionClass, Confirmation], ...] = DEFAULT_LEVELS
    attention: Attention = Attention()
    risks: Risks = DEFAULT_RISKS

    def __post_init__(self) -> None:
        if sorted(action_class for action_class, _ in self.levels) != sorted(ActionClass):
            raise ValueError("every action class needs exactly one confirmation level")

    def scheduled(self, action_class: ActionClass) -> Confirmation:
        """The level the schedule asks for, before pricing."""
        return dict(self.levels)[action_class]

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
    """What a delivery costs at a level: losses in loss units, `attention` in dollars."""

    level: Confirmation
    loss: float
    irreversible_loss: float
    attention: float

    def price(self, prices: Prices) -> float:
        """R(a, t) + H(a) of MTA eq. 6 in dollars."""
        return prices.risk * self.loss + prices.irreversible * self.irreversible_loss + self.attention


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
    allowed = [level for level in Confirmation if level >= schedule.scheduled(action_class)]
    return min(
        (terms_at(level, action_class, c, schedule) for level in allowed),
        key=lambda terms: terms.price(prices),
    )


def delivery_price(
    c: NDArray[np.float64],
    action_class: ActionClass,
    prices: Prices,
    schedule: Schedule = DEFAULT_SCHEDULE,
    loss_left: float = UNLIMITED,
) -> NDArray[np.float64]:
    """The price in dollars of `delivery_terms` for many c at once; infinite where the loss breaks a limit."""
    risk, scheduled = schedule.risks.of(action_class), schedule.scheduled(action_class)
    expected = decision_losses(risk, 1.0 - c)
    best = np.full(np.shape(c), np.inf)
    chosen = np.zeros(np.shape(c))
    for level in Confirmation:
        if level >= scheduled:
            loss = expected * (WRONG_LET_THROUGH[level] / WRONG_LET_THROUGH[scheduled])
            price = (prices.risk + prices.irreversible * risk.irreversible_share) * loss
            price = price + schedule.attention.of(level)
            chosen = np.where(price < best, loss, chosen)
            best = np.minimum(best, price)
    return np.where(chosen > loss_left, np.inf, best)


def required(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> Confirmation:
    """The confirmation level an action needs when its patch is right with probability c."""
    return delivery_terms(action_class, c, prices, schedule).level
