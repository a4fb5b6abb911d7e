"""What a wrong action loses: severity and irreversible share by action class, expectation and CVaR.

Loss units: 1 = "a wrong patch is committed to the branch". Source: MTA §3.2, economics.md §1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.vocabulary import ActionClass

TAIL_LEVEL = 0.9
"""α of the CVaR: the mean of the worst tenth of outcomes, usual where a single loss is borne by one owner."""

TAIL_FROM_SHARE = 0.5
"""A loss of which at least half cannot be undone is judged by its tail: no later gain averages it out."""


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


def decision_losses(risk: ClassRisk, wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """`decision_loss` for many probabilities at once."""
    if risk.irreversible_share >= TAIL_FROM_SHARE:
        return np.asarray(risk.severity * np.minimum(1.0, wrong / (1.0 - TAIL_LEVEL)))
    return np.asarray(risk.severity * wrong)


def decision_loss(risk: ClassRisk, wrong: float) -> float:
    """ΔR at one delivery decision: the expectation, or CVaR where most of the loss cannot be undone.

    Applied to that decision's loss only and never summed over a path (static CVaR is not time consistent).
    """
    if risk.irreversible_share >= TAIL_FROM_SHARE:
        return cvar(risk.severity, wrong, TAIL_LEVEL)
    return expected_loss(risk, wrong)
