"""Before an action that cannot be undone: what waiting for one more check is worth, and a snapshot.

Source: MTA §3.2 (irreversible surcharge, option value of waiting), economics.md §1. Pure closed forms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.risk import ClassRisk, decision_loss
from policies.vocabulary import Prices


@dataclass(frozen=True)
class News:
    """A check whose result comes one period later. power: P(it fails | wrong). sensitivity: P(it passes |
    right). Raises ValueError outside [0, 1]."""

    power: float
    sensitivity: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.power <= 1 and 0 <= self.sensitivity <= 1):
            raise ValueError(f"power and sensitivity must be in [0, 1]: {self}")


@dataclass(frozen=True)
class Waiting:
    """Two periods, in dollars and before the price of waiting: `act_now` with undoing once the news are bad,
    `wait` for the news and act only on good ones, and `option_value` = wait - act_now, at least 0."""

    act_now: float
    wait: float
    option_value: float


def surcharge(risk: ClassRisk, wrong: float, prices: Prices) -> float:
    """ρ_irr·ΔR_irr: the dollars added because a part of the loss cannot be undone (MTA eq. 1)."""
    return prices.irreversible * risk.irreversible_share * decision_loss(risk, wrong)


def waiting(risk: ClassRisk, wrong: float, news: News, prices: Prices) -> Waiting:
    """The value of waiting for one more check before acting (MTA §3.2).

    Acting gains V if right and loses severity·(ρ + ρ_irr·share) if wrong. The news come in the second
    period either way. Who has acted by then may undo: that gives V back and leaves what cannot be undone,
    share·severity·(ρ + ρ_irr). Who has waited may leave it, at 0. For each result s, let x_s be what acting
    is worth there, V·P(right, s) - loss·P(wrong, s), and w_s be P(wrong, s) times what cannot be undone:

        option value = Σ_s max(x_s, 0) - max(x_s, -w_s) = Σ_s min(max(0, -x_s), w_s)

    It is 0 for what can be undone wholly. For what cannot be undone at all and is worth doing now it is the
    whole value of the information. Waiting is right where it exceeds the check's dollars and priced seconds,
    and `wait` exceeds them too. Expectations, not CVaR: static CVaR is not consistent over time.
    """
    loss = risk.severity * risk.price(prices)
    for_good = risk.severity * risk.irreversible_share * (prices.risk + prices.irreversible)
    act_now = wait = option_value = 0.0
    for if_right, if_wrong in (
        (news.sensitivity, 1 - news.power),
        (1 - news.sensitivity, news.power),
    ):
        acted = prices.value * (1 - wrong) * if_right - loss * wrong * if_wrong
        left_over = wrong * if_wrong * for_good
        act_now += max(acted, -left_over)
        wait += max(acted, 0.0)
        option_value += min(max(0.0, -acted), left_over)
    return Waiting(act_now, wait, option_value)


@dataclass(frozen=True)
class Snapshot:
    """Recoverability as something one can buy: a snapshot or branch before the action.

    share_left: the part of the irreversible share that stays so. dollars, seconds: what taking it costs.
    Raises ValueError for a share outside [0, 1] or a negative price.
    """

    share_left: float
    dollars: float = 0.0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share_left <= 1 or self.dollars < 0 or self.seconds < 0:
            raise ValueError(f"a snapshot leaves a share in [0, 1] and costs at least 0: {self}")

    def price(self, prices: Prices) -> float:
        """What taking it costs in dollars, its time priced."""
        return self.dollars + prices.latency * self.seconds

    def protected(self, risk: ClassRisk) -> ClassRisk:
        """The risk of the action once the snapshot is taken."""
        return replace(risk, irreversible_share=risk.irreversible_share * self.share_left)
