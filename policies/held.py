"""What a candidate in hand is worth: which checks to buy, and how to end, for many candidates at once.

Worth is counted in mass: dollars × P(the attempt yields the candidate and the checks say that), over what
putting the candidate down is worth. A check that is failed then adds nothing, and nothing is divided:

    D(look) = max(0, submit, defer, max over checks of D(passed) + D(failed) - price · mass(look))

A candidate that is dropped has D = 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from policies.autonomy import delivery_price
from policies.looks import Further, Index, Looks, Matrix
from policies.moves import Model
from policies.posterior import Vector
from policies.vocabulary import Check, StepKind


class Endings(NamedTuple):
    """D of submitting and of deferring, and the mass, at every look; each of shape (looks, candidates)."""

    submitted: Matrix
    deferred: Matrix
    mass: Matrix


def endings(model: Model, looks: Looks, q: Vector, tier: Index, going_on: Vector) -> Endings:
    """How candidates can end. Arguments of shape (candidates,): P(the attempt is right), position of the
    tier, and what going on without the candidate is worth, dollars."""
    right = looks.right[:, None] * q
    mass = right + np.take(looks.wrong, tier, axis=1) * (1 - q)
    missed = np.take(looks.missed, tier, axis=1) * (1 - q)
    verified = right + missed
    submitted = model.prices.value * right
    deferred = model.estimates.defer_share * submitted
    deferred -= (model.schedule.attention.glance + going_on) * mass
    submitted -= (model.prices.latency * model.estimates.final.seconds) * mass
    submitted -= going_on * verified
    terms = (model.delivery, model.prices, model.schedule, model.loss_left)
    submitted -= delivery_price(missed, verified, *terms)
    return Endings(submitted, deferred, mass)


def excess(model: Model, looks: Looks, q: Vector, tier: Index, going_on: Vector) -> Vector:
    """D of fresh candidates, shape (candidates,); arguments as of `endings`."""
    submitted, deferred, mass = endings(model, looks, q, tier, going_on)
    best = np.maximum(0.0, np.maximum(submitted, deferred, out=submitted), out=submitted)
    for generation in looks.generations:
        for branch in generation.branches:
            at = generation.looks[branch.rows]
            bought = best[branch.passed] - branch.price * mass[at]
            if branch.failed is not None:
                bought += best[branch.failed]
            best[at] = np.maximum(best[at], bought)
    fresh: Vector = best[-1]
    return fresh


class Plan(NamedTuple):
    """For one candidate, at every look: what to do (buy a check, submit, defer, or None: put it down), and
    the mass."""

    choices: list[Further | StepKind | None]
    mass: list[float]


def plan(model: Model, looks: Looks, tier: str, q: float, going_on: float, fits: frozenset[Check]) -> Plan:
    """The best choices for one candidate, buying only checks that fit into what is left."""
    at = (np.array([q]), np.array([looks.tier[tier]]), np.array([going_on]))
    submitted, deferred, masses = (column[:, 0].tolist() for column in endings(model, looks, *at))
    solved: list[float] = []
    chosen: list[Further | StepKind | None] = []
    for submit, defer, mass, further in zip(submitted, deferred, masses, looks.further, strict=True):
        best: float = 0.0
        choice: Further | StepKind | None = None
        if submit > best:
            best, choice = submit, StepKind.SUBMIT
        if defer > best:
            best, choice = defer, StepKind.DEFER
        for each in further:
            check, price, passed, failed = each
            worth = solved[passed] - price * mass + (0.0 if failed is None else solved[failed])
            if worth > best and check.check in fits:
                best, choice = worth, each
        solved.append(best)
        chosen.append(choice)
    return Plan(chosen, masses)
