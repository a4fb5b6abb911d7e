"""The baselines on recorded outcomes. All are made from the training outcomes alone; money in US dollars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks._outcomes import Outcomes
from benchmarks._play import LOOK, STOP, History, Kind, Move, Player, Terms

BEST_SINGLE = "best single model"
WEITZMAN = "independent Weitzman"

STEP_CAP = 3
"""Attempts of the fixed pipeline."""


class Single:
    """One attempt of one model, submitted unchecked (None: nothing)."""

    def __init__(self, model: int | None) -> None:
        self._model = model

    def next(self, history: History) -> Move:
        """Try, then submit."""
        if self._model is None:
            return STOP
        return Move(Kind.SUBMIT if history else Kind.TRY, self._model)


class Cascade:
    """Models in a fixed order, each looked at; the first that passes is submitted."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = order

    def next(self, history: History) -> Move:
        """Look at the last attempt, submit it if it passed, else the next in order."""
        if history and history[-1].passed is None:
            return LOOK
        if history and history[-1].passed:
            return Move(Kind.SUBMIT, history[-1].model)
        return Move(Kind.TRY, self._order[len(history)]) if len(history) < len(self._order) else STOP


class Weitzman:
    """Weitzman's rule for independent boxes: each model has a reservation index z with E[(X - z)+] = cost,
    where X is what its patch is worth to submit once the verifier has answered. Open the box with the highest
    index above the best patch in hand; else submit that."""

    def __init__(self, rates: Sequence[float], costs: Sequence[float], terms: Terms) -> None:
        self._terms, self._rates = terms, rates
        self._index = [self._reservation(q, c) for q, c in zip(rates, costs, strict=True)]
        self._order = sorted(range(len(rates)), key=lambda model: -self._index[model])

    def next(self, history: History) -> Move:
        """Weitzman's selection and stopping rules."""
        if history and history[-1].passed is None:
            return LOOK
        worths = [self._outcome(self._rates[tried.model], bool(tried.passed))[1] for tried in history]
        best = max(worths, default=0.0)
        if len(history) < len(self._order) and self._index[self._order[len(history)]] > best:
            return Move(Kind.TRY, self._order[len(history)])
        return Move(Kind.SUBMIT, history[worths.index(best)].model) if best > 0 else STOP

    def _outcome(self, rate: float, passed: bool) -> tuple[float, float]:
        """P(the answer), and what the patch is then worth."""
        chance = self._terms.passes(rate)
        right = rate * (self._terms.sensitivity if passed else 1 - self._terms.sensitivity)
        chance = chance if passed else 1 - chance
        return chance, max(0.0, self._terms.submit(right / chance)) if chance > 0 else 0.0

    def _reservation(self, rate: float, cost: float) -> float:
        (pass_chance, high), (_, low) = self._outcome(rate, True), self._outcome(rate, False)
        if cost >= pass_chance * (high - low):  # below `low` both answers are worth having
            return pass_chance * high + (1 - pass_chance) * low - cost
        return high - cost / pass_chance


def baselines(train: Outcomes, terms: Terms) -> dict[str, Player]:
    """Every baseline, made from the training outcomes alone; fewest-tokens among the models whose calls are
    recorded, if any."""
    rates = np.nanmean(train.resolved, axis=0)
    costs = np.nanmean(train.dollars, axis=0)
    counted = np.flatnonzero(~np.isnan(train.calls).all(axis=0))
    calls = np.nanmean(train.calls[:, counted], axis=0)
    worth = terms.value * rates - terms.risk * (1 - rates) - costs
    best = int(np.argmax(worth))
    by_rate = [int(model) for model in np.argsort(-rates, kind="stable")]
    by_cost = [int(model) for model in np.argsort(costs, kind="stable")]
    players: dict[str, Player] = {
        BEST_SINGLE: Single(best if worth[best] > 0 else None),
        WEITZMAN: Weitzman(rates.tolist(), costs.tolist(), terms),
        "cheapest-first cascade": Cascade(by_cost),
        "fixed pipeline": Cascade(by_rate[:STEP_CAP]),
        "always-cheapest": Single(by_cost[0]),
        "always-dearest": Single(by_cost[-1]),
    }
    if len(counted):
        players["fewest-tokens"] = Single(int(counted[np.argmin(calls)]))
    return players
