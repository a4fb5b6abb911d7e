"""What the checks can have said of a candidate, and what each answer leads to, numbered for fast look-up."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from policies.estimates import CheckEstimate
from policies.moves import Model
from policies.posterior import Vector
from policies.power import Hand, tells_more

Index: TypeAlias = NDArray[np.int64]
Matrix: TypeAlias = NDArray[np.float64]


class Further(NamedTuple):
    """One more check: its price in dollars, and the numbers of the looks after it was passed or failed (None:
    the candidate is dropped)."""

    check: CheckEstimate
    price: float
    passed: int
    failed: int | None


class Branches(NamedTuple):
    """One check at every look of a generation that can still buy it. rows: their positions in the generation;
    passed, failed: numbers of the looks after it, failed is None where the candidate is dropped."""

    price: float
    rows: Index
    passed: Index
    failed: Index | None


class Generation(NamedTuple):
    """Looks that lead only to looks of earlier generations, and the checks they can buy."""

    looks: Index
    branches: tuple[Branches, ...]


class Looks:
    """Every look a candidate can get, each after those it leads to, so the fresh one is last.

    right: P(what the checks said | right), shape (looks,). wrong, missed: P(the attempt yields a candidate,
    the checks said that, and for missed it passes the final verification | not right), shape (looks, tiers),
    tiers in the order of the estimates.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._number: dict[Hand, int] = {}
        self.records: list[Hand] = []
        self.further: list[tuple[Further, ...]] = []
        self._visit(Hand(""))
        self.tier = {tier.name: position for position, tier in enumerate(model.estimates.tiers)}
        self.right: Vector = np.array([model.power.right(record) for record in self.records])
        self.wrong, self.missed = self._wrong(final=False), self._wrong(final=True)
        self.generations = self._generations()

    def number(self, hand: Hand) -> int:
        """The position of what the checks said of `hand`; KeyError if no plan leads there."""
        return self._number[Hand("", hand.passed, frozenset(), hand.failed, hand.repeats)]

    def _visit(self, record: Hand) -> int:
        if record not in self._number:
            model, further = self._model, []
            for check in model.estimates.checks:
                if tells_more(check.check, record, check.most):
                    passed = self._visit(record.after(check.check, True))
                    kept = check.sensitivity < 1
                    failed = self._visit(record.after(check.check, False)) if kept else None
                    price = check.dollars + model.prices.latency * check.seconds
                    further.append(Further(check, price, passed, failed))
            self._number[record] = len(self.records)
            self.records.append(record)
            self.further.append(tuple(further))
        return self._number[record]

    def _wrong(self, final: bool) -> Matrix:
        power = self._model.power
        undetected = np.array([power.undetected(record, final) for record in self.records])
        by_chance = np.array([power.by_chance(record, final) for record in self.records])
        overfit = np.array([tier.overfit for tier in self._model.estimates.tiers])
        return np.asarray(undetected[:, None] * (overfit + (1 - overfit) * by_chance[:, None]))

    def _generations(self) -> tuple[Generation, ...]:
        generation: list[int] = []
        for further in self.further:
            leads_to = [generation[after] for each in further for after in each[2:] if after is not None]
            generation.append(1 + max(leads_to, default=-1))
        members = [np.flatnonzero(np.array(generation) == each) for each in range(max(generation) + 1)]
        return tuple(Generation(looks, self._branches(looks)) for looks in members)

    def _branches(self, looks: Index) -> tuple[Branches, ...]:
        branches = []
        for check in self._model.estimates.checks:
            bought = [
                (row, each)
                for row, look in enumerate(looks.tolist())
                for each in self.further[look]
                if each.check is check
            ]
            if bought:
                rows, passed = np.array([(row, each.passed) for row, each in bought]).T
                failed = np.array([each.failed for _, each in bought]) if check.sensitivity < 1 else None
                branches.append(Branches(bought[0][1].price, rows, passed, failed))
        return tuple(branches)
