"""How a policy is played on a task of recorded outcomes.

An attempt of a model yields a patch at the recorded cost. A look of the verifier is free and right with its
sensitivity or specificity, independently; what a policy is worth on a task is its expectation over both
answers of each look, worked out branch by branch. A submitted patch brings V if it resolves the task and
costs ρ if not. Money in US dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from policies.vocabulary import Prices

TIE = 1e-6
"""ρ as a share of V where a wrong submission costs nothing."""

LEAST_CHANCE = 1e-4
"""Branches of the verifier's errors that are less likely than this are taken as stopping there."""


class Terms(NamedTuple):
    """V, ρ in dollars, and the verifier's sensitivity and specificity."""

    value: float
    risk: float
    sensitivity: float = 1.0
    specificity: float = 1.0

    @property
    def prices(self) -> Prices:
        """As our policy takes them. A wrong submission has a price, so that a free check is worth having."""
        risk = max(self.risk, TIE * self.value)
        return Prices(value=self.value, latency=0.0, risk=risk, irreversible=0.0)

    def passes(self, right: float) -> float:
        """P(the verifier passes a patch that is right with probability `right`)."""
        return right * self.sensitivity + (1 - right) * (1 - self.specificity)

    def submit(self, right: float) -> float:
        """Worth of submitting a patch that is right with probability `right`."""
        return self.value * right - self.risk * (1 - right)


class Kind(StrEnum):
    """What a policy can do next."""

    TRY = "try"
    LOOK = "look"
    SUBMIT = "submit"
    STOP = "stop"


class Move(NamedTuple):
    """kind; model: its number, for try and submit."""

    kind: Kind
    model: int = -1


STOP, LOOK = Move(Kind.STOP), Move(Kind.LOOK)


class Tried(NamedTuple):
    """An attempt of `model` that cost `dollars`, and what the verifier said of it (None: not asked)."""

    model: int
    dollars: float
    passed: bool | None = None


History = tuple[Tried, ...]


class Player(Protocol):
    """Chooses the next move on a task from what has happened on it."""

    def next(self, history: History) -> Move:
        """The next move. LOOK is at the last attempt."""
        ...


@dataclass
class Played:
    """Expectations on one task: dollars of utility and spent; P(resolved), P(wrong submission); attempts."""

    utility: float = 0.0
    spent: float = 0.0
    resolved: float = 0.0
    wrong: float = 0.0
    attempts: float = 0.0


def play(player: Player, resolved: Sequence[float], dollars: Sequence[float], terms: Terms) -> Played:
    """`player` on the task with these outcomes, one per model."""
    played = Played()
    open_: list[tuple[float, History]] = [(1.0, ())]
    while open_:
        chance, history = open_.pop()
        move = player.next(history)
        if move.kind is Kind.TRY:
            played.spent += chance * dollars[move.model]
            played.attempts += chance
            open_.append((chance, (*history, Tried(move.model, dollars[move.model]))))
        elif move.kind is Kind.LOOK:
            last = history[-1]
            passing = terms.passes(resolved[last.model])
            for passed, part in ((True, passing), (False, 1 - passing)):
                if chance * part > LEAST_CHANCE:
                    open_.append((chance * part, (*history[:-1], last._replace(passed=passed))))
        elif move.kind is Kind.SUBMIT:
            played.resolved += chance * resolved[move.model]
            played.wrong += chance * (1 - resolved[move.model])
    played.utility = terms.value * played.resolved - terms.risk * played.wrong - played.spent
    return played
