"""What the checks can have said of a candidate, and what each answer leads to, numbered for fast look-up."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.estimates import CheckEstimate, TierEstimate
from policies.moves import Model
from policies.posterior import Vector
from policies.power import Hand

Index: TypeAlias = NDArray[np.int64]


class Further(NamedTuple):
    """One more check: its price in dollars, and the numbers of the looks after it was passed or failed (None:
    the candidate is dropped)."""

    check: CheckEstimate
    price: float
    passed: int
    failed: int | None


class Look(NamedTuple):
    """A record of checks. right: P(it | right); wrong: P(it | not right), missed: P(it, and that it passes
    the final verification as well | not right), per tier."""

    record: Hand
    right: float
    wrong: Vector
    missed: Vector
    further: tuple[Further, ...]


class Grid(NamedTuple):
    """The looks as arrays. right: shape (looks,); wrong, missed: (tiers, looks); price: (checks,); passed,
    failed: number of the look after each check, -1 for none, (looks, checks); generations: numbers of looks,
    those first that lead nowhere, each generation only to earlier ones. The fresh look is last."""

    right: Vector
    wrong: NDArray[np.float64]
    missed: NDArray[np.float64]
    price: Vector
    passed: Index
    failed: Index
    generations: tuple[Index, ...]


class Looks:
    """Every look a candidate of `tiers` can get, each after those it leads to, so the fresh one is last."""

    def __init__(self, model: Model, tiers: tuple[TierEstimate, ...]) -> None:
        self._model, self._tiers = model, tiers
        self._number: dict[Hand, int] = {}
        self.all: list[Look] = []
        self._visit(Hand(""))

    def number(self, hand: Hand) -> int:
        """The position in `all` of what the checks said of `hand`; KeyError if no plan leads there."""
        return self._number[Hand("", hand.passed, frozenset(), hand.failed, hand.repeats)]

    @cached_property
    def grid(self) -> Grid:
        """All of them as arrays."""
        checks = [check.check for check in self._model.estimates.checks]
        passed = np.full((len(self.all), len(checks)), -1)
        failed = np.full((len(self.all), len(checks)), -1)
        generation: list[int] = []
        for number, look in enumerate(self.all):
            for further in look.further:
                column = checks.index(further.check.check)
                passed[number, column] = further.passed
                failed[number, column] = -1 if further.failed is None else further.failed
            leads_to = [generation[each] for each in (*passed[number], *failed[number]) if each >= 0]
            generation.append(1 + max(leads_to, default=-1))
        return Grid(
            np.array([look.right for look in self.all]),
            np.array([look.wrong for look in self.all]).T,
            np.array([look.missed for look in self.all]).T,
            np.array([_price(check, self._model) for check in self._model.estimates.checks]),
            passed,
            failed,
            tuple(np.flatnonzero(np.array(generation) == each) for each in range(max(generation) + 1)),
        )

    def _visit(self, record: Hand) -> int:
        if record not in self._number:
            model, further = self._model, []
            for check in model.estimates.checks:
                if not model.power.covered(check, record):
                    price = _price(check, model)
                    passed = self._visit(record.after(check.check, True))
                    kept = check.sensitivity < 1
                    failed = self._visit(record.after(check.check, False)) if kept else None
                    further.append(Further(check, price, passed, failed))
            hands = [record.of(tier.name) for tier in self._tiers]
            self.all.append(
                Look(
                    record,
                    model.power.right(record),
                    np.array([model.power.wrong(hand) for hand in hands]),
                    np.array([model.power.wrong(hand, final=True) for hand in hands]),
                    tuple(further),
                )
            )
            self._number[record] = len(self.all) - 1
        return self._number[record]


def _price(check: CheckEstimate, model: Model) -> float:
    """Dollars of a check, its seconds priced."""
    return check.dollars + model.prices.latency * check.seconds
