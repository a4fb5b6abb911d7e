"""The autonomy schedule: which action class needs whose confirmation, and what a person's attention costs.

Source: MTA §3.2, eq. 6-7: autonomy a grows until V·∂p/∂a = ∂R/∂a + ∂H/∂a. A person who confirms lets right
patches through (Δp = 0), stops a share of the wrong ones (ΔR) and costs attention (ΔH).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from policies.risk import DEFAULT_RISKS, Risks, decision_loss, decision_losses
from policies.vocabulary import UNLIMITED, ActionClass, Prices
from policies.waiting import Snapshot


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

TWO, MOST_PEOPLE = 2, 20
"""People that multi-party takes unless more are said, and at most."""


@dataclass(frozen=True)
class Attention:
    """H: the price of a person's attention, dollars. At $60 an hour: half a minute to glance at handed-over
    evidence, two minutes to read and confirm a small diff, two people with a change of context; more people
    in proportion."""

    glance: float = 0.5
    confirm: float = 2.0
    two_people: float = 10.0

    def __post_init__(self) -> None:
        for name in ("glance", "confirm", "two_people"):
            dollars = getattr(self, name)
            if not (math.isfinite(dollars) and dollars >= 0):
                raise ValueError(f"attention {name} must be a finite number of dollars of at least 0")

    def of(self, level: Confirmation, people: int = TWO) -> float:
        """Dollars of attention that confirming at `level` takes; `people`: how many multi-party is."""
        return (0.0, self.confirm, self.two_people * people / TWO)[level]


LET_THROUGH_EACH = 0.5
"""P(a wrong patch gets past a person who reads it). Inspection studies find about half of the defects per
reader; readers are taken as independent."""


def let_through(readers: int) -> float:
    """P(a wrong patch gets past so many readers)."""
    return float(LET_THROUGH_EACH**readers)


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


BY_PATH = (ActionClass.COMMIT, ActionClass.PUBLISH, ActionClass.DEPLOY)
"""What a rule about paths is for unless it says otherwise: whoever gets a draft still reads it."""


@dataclass(frozen=True)
class PathRule:
    """What delivering a patch asks for that touches a path matching `match` (a pattern as in .gitignore): at
    least `level`, of `people` where that is multi-party, and `notify` is told. source: who asks for it."""

    match: str
    level: Confirmation = Confirmation.FREE
    people: int = TWO
    notify: tuple[str, ...] = ()
    classes: tuple[ActionClass, ...] = BY_PATH
    source: str = ""


@dataclass(frozen=True)
class Schedule:
    """The published artefact: action class -> least confirmation level, with H and the severities.

    Severities are understood *given* the scheduled confirmation; a stricter level multiplies the loss by the
    further share of wrong patches it stops. people: of multi-party, where not two. notify: who is to be told.
    paths: what is asked for besides, by what a patch touches; branches: by the branch it goes to, also those
    rules that do not apply to the branch that the run was for.
    Raises ValueError when an action class is missing or named twice, or is laxer than LEAST_LEVELS.
    """

    levels: tuple[tuple[ActionClass, Confirmation], ...] = DEFAULT_LEVELS
    attention: Attention = Attention()
    risks: Risks = DEFAULT_RISKS
    people: tuple[tuple[ActionClass, int], ...] = ()
    notify: tuple[tuple[ActionClass, tuple[str, ...]], ...] = ()
    paths: tuple[PathRule, ...] = ()
    branches: tuple[PathRule, ...] = ()

    def __post_init__(self) -> None:
        if sorted(action_class for action_class, _ in self.levels) != sorted(ActionClass):
            raise ValueError("every action class needs exactly one confirmation level")
        for action_class, least in LEAST_LEVELS.items():
            if self.scheduled(action_class) < least:
                raise ValueError(f"{action_class} needs at least {least.word}, whatever the schedule")
        rules = (*self.paths, *self.branches)
        numbers = (*(number for _, number in self.people), *(rule.people for rule in rules))
        if any(not TWO <= number <= MOST_PEOPLE for number in numbers):
            raise ValueError(f"multi-party takes {TWO} to {MOST_PEOPLE} people")

    def scheduled(self, action_class: ActionClass) -> Confirmation:
        """The level the schedule asks for, before pricing."""
        return next(level for each, level in self.levels if each is action_class)

    def readers(self, level: Confirmation, action_class: ActionClass) -> int:
        """How many people confirm an action at `level`: 0, 1, or as many as multi-party is for it."""
        return (0, 1, dict(self.people).get(action_class, TWO))[level]

    def told(self, action_class: ActionClass) -> tuple[str, ...]:
        """Who is to be told of an action."""
        return dict(self.notify).get(action_class, ())

    def attention_of(self, level: Confirmation, action_class: ActionClass) -> float:
        """Dollars of attention that confirming an action at `level` takes."""
        return self.attention.of(level, self.readers(Confirmation.MULTI_PARTY, action_class))

    def let_through(self, level: Confirmation, action_class: ActionClass) -> float:
        """The share of wrong patches that `level` lets through, of those that the scheduled level does."""
        scheduled = self.readers(self.scheduled(action_class), action_class)
        return let_through(self.readers(level, action_class)) / let_through(scheduled)

    def tightened(
        self,
        levels: tuple[tuple[ActionClass, Confirmation], ...],
        people: tuple[tuple[ActionClass, int], ...] = (),
        notify: tuple[tuple[ActionClass, tuple[str, ...]], ...] = (),
    ) -> Schedule:
        """This schedule with stricter levels where `levels` asks for them, more people, and more to be told;
        what asks for less is ignored."""
        asked = dict(levels)
        tightened = tuple((cls, max(level, asked.get(cls, level))) for cls, level in self.levels)
        more = dict(self.people)
        for cls, number in people:
            more[cls] = max(number, more.get(cls, TWO))
        told = dict(self.notify)
        for cls, names in notify:
            told[cls] = tuple(dict.fromkeys((*told.get(cls, ()), *names)))
        return replace(
            self, levels=tightened, people=tuple(sorted(more.items())), notify=tuple(sorted(told.items()))
        )

    def under(self, rules: Iterable[PathRule]) -> Schedule:
        """This schedule, tightened by what these rules ask for."""
        found = self
        for rule in rules:
            multi = rule.level is Confirmation.MULTI_PARTY
            found = found.tightened(
                tuple((each, rule.level) for each in rule.classes),
                tuple((each, rule.people) for each in rule.classes if multi),
                tuple((each, rule.notify) for each in rule.classes if rule.notify),
            )
        return found


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
    loss = decision_loss(risk, 1.0 - c) * schedule.let_through(level, action_class)
    attention = schedule.attention_of(level, action_class)
    return DeliveryTerms(level, loss, risk.irreversible_share * loss, attention)


def delivery_terms(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> DeliveryTerms:
    """The best terms at the scheduled level or a stricter one: pricing may tighten, never loosen."""
    risk, scheduled = schedule.risks.of(action_class), schedule.scheduled(action_class)
    full = risk.price(prices) * decision_loss(risk, 1.0 - c)

    def price(level: Confirmation) -> float:
        attention = schedule.attention_of(level, action_class)
        return full * schedule.let_through(level, action_class) + attention

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
    best = unit * expected + schedule.attention_of(scheduled, action_class) * total
    for level in LEVELS:
        if level > scheduled:
            share = schedule.let_through(level, action_class)
            price = unit * share * expected + schedule.attention_of(level, action_class) * total
            if loss_left < UNLIMITED:
                chosen = np.where(price < best, share * expected, chosen)
            best = np.minimum(best, price)
    return best if loss_left == UNLIMITED else np.where(chosen > loss_left * total, np.inf, best)


def required(
    action_class: ActionClass, c: float, prices: Prices, schedule: Schedule = DEFAULT_SCHEDULE
) -> Confirmation:
    """The confirmation level an action needs when its patch is right with probability c."""
    return delivery_terms(action_class, c, prices, schedule).level
