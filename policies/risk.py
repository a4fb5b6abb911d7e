"""What a wrong action loses: severity and irreversible share by action class; expectation, CVaR, worst case.

Loss units: 1 = "a wrong patch is committed to the branch". Source: MTA §3.2, economics.md §1. What waiting
and recoverability are worth before such an action: `policies.waiting`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.vocabulary import ActionClass, Prices

TAIL_LEVEL = 0.9
"""α of the CVaR: the mean of the worst tenth of outcomes, usual where a single loss is borne by one owner."""

TAIL_FROM_SHARE = 0.5
"""A loss of which at least half cannot be undone is judged by its tail: no later gain averages it out."""

WORST_LEVEL = 0.95
"""Credible level of the worst case: one in twenty intervals may be too short, as is usual for a test."""

MOST_TERMS = 10_000
"""Of the continued fraction: it needs about the square root of the number of observations."""


@dataclass(frozen=True)
class ClassRisk:
    """severity: loss units of a wrong action of this class. irreversible_share: in [0, 1]."""

    action_class: ActionClass
    severity: float
    irreversible_share: float
    reason: str

    def __post_init__(self) -> None:
        if self.severity < 0 or not 0 <= self.irreversible_share <= 1:
            raise ValueError(f"severity must be >= 0 and the irreversible share in [0, 1]: {self}")

    def price(self, prices: Prices) -> float:
        """ρ + ρ_irr·share: dollars for a loss unit of this class."""
        return prices.risk + prices.irreversible * self.irreversible_share


@dataclass(frozen=True)
class Risks:
    """One ClassRisk per action class. Raises ValueError when a class is missing or named twice."""

    classes: tuple[ClassRisk, ...]

    def __post_init__(self) -> None:
        if sorted(risk.action_class for risk in self.classes) != sorted(ActionClass):
            raise ValueError("every action class needs exactly one severity")

    def of(self, action_class: ActionClass) -> ClassRisk:
        """The entry for `action_class`."""
        return next(risk for risk in self.classes if risk.action_class == action_class)


DEFAULT_RISKS = Risks(
    (
        ClassRisk(ActionClass.READ, 0.0, 0.0, "reads a copy inside the sandbox"),
        ClassRisk(
            ActionClass.DRAFT, 0.1, 0.0, "a person still reads a patch file; a wrong one wastes a look"
        ),
        ClassRisk(ActionClass.EXECUTE, 0.0, 0.0, "runs in a closed sandbox that is thrown away"),
        ClassRisk(ActionClass.COMMIT, 1.0, 0.05, "the unit of loss; a revert undoes all but others' time"),
        ClassRisk(ActionClass.PUBLISH, 2.0, 0.3, "others have fetched, read or built on it"),
        ClassRisk(ActionClass.DEPLOY, 20.0, 1.0, "users and data are hit before anyone can revert"),
    )
)


def expected_loss(risk: ClassRisk, wrong: float) -> float:
    """ΔR of an action that is wrong with probability `wrong`, in loss units (MTA eq. 1)."""
    return wrong * risk.severity


def cvar(severity: float, wrong: float, level: float) -> float:
    """CVaR at `level` of a loss that is `severity` with probability `wrong` and else 0, in loss units.

    The mean of the worst (1 - level) share of outcomes: severity · min(1, wrong / (1 - level)).
    Raises ValueError unless 0 <= level < 1.
    """
    if not 0 <= level < 1:
        raise ValueError(f"the CVaR level must be in [0, 1), not {level}")
    return severity * min(1.0, wrong / (1.0 - level))


def decision_losses(
    risk: ClassRisk, wrong: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(deciding) · `decision_loss` for many decisions at once, each made with probability `total`, and with
    probability `wrong` made about something wrong."""
    if risk.irreversible_share >= TAIL_FROM_SHARE:
        return np.asarray(risk.severity * np.minimum(total, wrong / (1.0 - TAIL_LEVEL)))
    return np.asarray(risk.severity * wrong)


def decision_loss(risk: ClassRisk, wrong: float) -> float:
    """ΔR at one delivery decision: the expectation, or CVaR where most of the loss cannot be undone.

    Applied to that decision's loss only and never summed over a path (static CVaR is not time consistent).
    """
    if risk.irreversible_share >= TAIL_FROM_SHARE:
        return cvar(risk.severity, wrong, TAIL_LEVEL)
    return expected_loss(risk, wrong)


def wrong_for(risk: ClassRisk, loss: float) -> float:
    """The probability of being wrong at which `decision_loss` reaches the part `loss` of the severity;
    infinite where it never does."""
    if loss > 1:
        return math.inf
    return loss * (1.0 - TAIL_LEVEL) if risk.irreversible_share >= TAIL_FROM_SHARE else loss


def worst_wrong(wrong: int, right: int, level: float = WORST_LEVEL) -> float:
    """The upper end of the credible interval of P(wrong), given how often actions of its kind were.

    The ambiguity set is [0, this]: Beta(wrong + 1, right + 1), from a uniform prior, has `level` of its mass
    there.
    The worst expectation over it, severity · worst_wrong, is a coherent risk measure (economics.md §1).
    Raises ValueError for negative counts or a level outside (0, 1).
    """
    if wrong < 0 or right < 0 or not 0 < level < 1:
        raise ValueError(f"counts must be at least 0 and the level in (0, 1): {wrong}, {right}, {level}")
    return beta_quantile(level, wrong + 1.0, right + 1.0)


def worst_loss(risk: ClassRisk, wrong: int, right: int, level: float = WORST_LEVEL) -> float:
    """ΔR in the worst case over the ambiguity set of `worst_wrong`, in loss units."""
    return risk.severity * worst_wrong(wrong, right, level)


def beta_quantile(level: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = level, by bisection to the last bit: an interval needs no speed."""
    low, high = 0.0, 1.0
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        if beta_share(middle, a, b) < level:
            low = middle
        else:
            high = middle


def beta_share(x: float, a: float, b: float) -> float:
    """I_x(a, b): the mass of Beta(a, b) below x, by its continued fraction (Lentz's method).

    Raises ValueError unless a and b are above 0.
    """
    if a <= 0 or b <= 0:
        raise ValueError(f"a Beta distribution needs parameters above 0, not {a}, {b}")
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below the mean only
        return 1.0 - beta_share(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1.0 / _off_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return min(1.0, front * fraction)


def _off_zero(x: float) -> float:
    return x if abs(x) > 1e-300 else 1e-300
