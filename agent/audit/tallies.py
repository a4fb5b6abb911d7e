"""Predictions against what came of them, over many runs: sums only, so that they add up and stay small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from agent.audit.gains import kind_of, row_of
from agent.audit.results import Kind
from agent.audit.results_sums import Accuracy, Bin, Drift, Reliability
from agent.audit.runs import Run, Step
from policies.calibration import BINS, Bills, Counts, brier, drift, wilson

First = TypeVar("First")

MOST_NAMES, LONGEST_NAME = 200, 100
"""Tiers, checks and steps that are told apart; what a trace calls them is its own affair."""

OTHERS = "others"

PREDICTED: tuple[Kind, ...] = ("act", "verify", "submit")
"""Steps whose quote holds a probability of something that may fail to come true."""


@dataclass
class Tallies:
    """Sums by kind of step and name, and by what is billed and name of the step."""

    chances: dict[tuple[Kind, str], Counts] = field(default_factory=dict)
    bills: dict[tuple[Literal["dollars", "seconds"], str], Bills] = field(default_factory=dict)

    def take(self, run: Run) -> None:
        """Add a run. Predictions without a truth are left out, as are bills in which there are worst cases,
        and the seconds of steps that are quoted as taking none (handing over)."""
        for step in run.steps:
            row = row_of(step.decision)
            if row is None or step.lost:
                continue
            quote, kind = row.quote, kind_of(step)
            if kind in PREDICTED and step.succeeded is not None:
                key = _room((kind, _of(step, kind)), self.chances)
                counts = self.chances.get(key, Counts())
                self.chances[key] = counts.seen(min(1.0, max(0.0, quote.probability)), step.succeeded)
            billed = step.dollars is not None and all(each.known == "billed" for each in step.requests)
            if step.dollars is not None and billed and (step.dollars > 0 or quote.worst_dollars > 0):
                self._bill(
                    "dollars", step.name[:LONGEST_NAME], quote.dollars, step.dollars, quote.worst_dollars
                )
            if step.seconds is not None and quote.worst_seconds > 0:
                self._bill(
                    "seconds", step.name[:LONGEST_NAME], quote.seconds, step.seconds, quote.worst_seconds
                )

    def _bill(
        self,
        what: Literal["dollars", "seconds"],
        name: str,
        predicted: float,
        billed: float,
        worst: float,
    ) -> None:
        key = _room((what, name[:LONGEST_NAME]), self.bills)
        self.bills[key] = self.bills.get(key, Bills()).seen(predicted, billed, worst)

    def add(self, other: Tallies) -> None:
        """Add those of other runs."""
        for chance, counts in other.chances.items():
            chance = _room(chance, self.chances)
            self.chances[chance] = self.chances.get(chance, Counts()).plus(counts)
        for billed, bills in other.bills.items():
            billed = _room(billed, self.bills)
            self.bills[billed] = self.bills.get(billed, Bills()).plus(bills)

    def reliability(self) -> tuple[Reliability, ...]:
        """How well the probabilities were calibrated."""
        return tuple(_reliability(*key, counts) for key, counts in sorted(self.chances.items()))

    def accuracy(self) -> tuple[Accuracy, ...]:
        """How predicted amounts compare with the bills."""
        return tuple(
            Accuracy(
                what=what,
                of=name,
                n=bills.n,
                predicted=bills.predicted,
                billed=bills.billed,
                ratio=bills.ratio,
                typical=bills.typical,
                spread=bills.spread,
                covered=bills.covered / bills.n,
            )
            for (what, name), bills in sorted(self.bills.items())
        )

    def drift(self) -> tuple[Drift, ...]:
        """Attempts of each tier against what was predicted of them."""
        return tuple(
            Drift(
                tier=tier,
                n=counts.all.n,
                expected=counts.all.predicted,
                right=counts.all.right,
                p_value=drift(counts),
            )
            for (kind, tier), counts in sorted(self.chances.items())
            if kind == "act"
        )


def _of(step: Step, kind: Kind) -> str:
    """The tier of an attempt, the check of a verification."""
    if kind == "act":
        return step.tier[:LONGEST_NAME]
    return step.name[:LONGEST_NAME] if kind == "verify" else ""


def _room(key: tuple[First, str], known: Mapping[tuple[First, str], object]) -> tuple[First, str]:
    """The key, or that of the others where there are too many names already."""
    return key if key in known or len(known) < MOST_NAMES else (key[0], OTHERS)


def _reliability(kind: Kind, of: str, counts: Counts) -> Reliability:
    whole, score = counts.all, brier(counts)
    bins = []
    for place, cell in enumerate(counts.cells):
        if cell.n:
            least, most = wilson(cell.right, cell.n)
            bins.append(
                Bin(
                    low=place / BINS,
                    high=(place + 1) / BINS,
                    n=cell.n,
                    predicted=cell.predicted / cell.n,
                    rate=cell.right / cell.n,
                    least=least,
                    most=most,
                )
            )
    return Reliability(
        kind=kind,
        of=of,
        n=whole.n,
        predicted=whole.predicted / whole.n,
        rate=whole.right / whole.n,
        brier=score.score,
        reliability=score.reliability,
        resolution=score.resolution,
        uncertainty=score.uncertainty,
        within=score.within,
        bins=tuple(bins),
    )
