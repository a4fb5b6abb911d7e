"""What policies earn on recorded outcomes, how sure that is, and how well ours predicts.

Money in US dollars per task. Intervals are 95 %: percentiles of a bootstrap over tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._ours import OURS, Ours, learnt
from benchmarks._outcomes import Outcomes, folds
from benchmarks._play import Played, Player, Terms, play
from benchmarks._rivals import BEST_SINGLE, WEITZMAN, baselines
from policies.belief import Belief, success
from policies.estimates import Estimates

RESAMPLES = 4000
ORDERS = 4
FEWEST = 100
TOLERANCE = 0.05
FIELDS = ("spent", "resolved", "wrong", "attempts")

Vector = NDArray[np.float64]


class Split(NamedTuple):
    """What is learnt from, what it taught, and what it is tested on."""

    train: Outcomes
    estimates: Estimates
    test: Outcomes


@dataclass(frozen=True)
class Row:
    """A policy at one V; see the module's JSON."""

    policy: str
    utility: float
    interval: tuple[float, float]
    regret: float
    spent: float
    resolved: float
    wrong: float
    attempts: float


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences per task."""

    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Captured:
    """The captured share of the gap."""

    share: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class AtValue:
    """Everything at one V."""

    value: float
    risk: float
    oracle: float
    policies: tuple[Row, ...]
    captured: Captured
    ours_minus: dict[str, Difference]


@dataclass(frozen=True)
class Group:
    """Predicted and observed success of a group of next attempts."""

    group: str
    attempts: int
    predicted: float
    observed: float
    within: bool


def splits(train: Outcomes, test: Outcomes | None, parts: int, seed: int) -> list[Split]:
    """One split with a test table, else one per fold. Tested are tasks that every model was run on; those of
    `train` that lack one are always learnt from."""
    if test is not None:
        return [Split(train, learnt(train), test.complete())]
    tested, made = train.complete(), []
    for part in folds(len(tested.tasks), parts, seed):
        test = tested.rows(part)
        rest = train.without(test.tasks)
        made.append(Split(rest, learnt(rest), test))
    return made


def oracle(outcomes: Outcomes, value: float) -> Vector:
    """Per task, what running the cheapest model that resolves it brings, or 0."""
    worth = np.where(outcomes.resolved == 1, value - outcomes.dollars, 0.0)
    return np.asarray(worth.max(axis=1).clip(0.0))


def at_value(made: Sequence[Split], terms: Terms, seed: int) -> AtValue:
    """Every policy on every test task at one V."""
    played: dict[str, list[Played]] = defaultdict(list)
    best: list[Vector] = []
    for split in made:
        players: dict[str, Player] = {OURS: Ours(split.estimates, split.train.models, terms)}
        players |= baselines(split.train, terms)
        for name, player in players.items():
            for resolved, dollars in zip(split.test.resolved, split.test.dollars, strict=True):
                played[name].append(play(player, resolved.tolist(), dollars.tolist(), terms))
        best.append(oracle(split.test, terms.value))
    most = np.concatenate(best)
    everywhere = {name: games for name, games in played.items() if len(games) == len(most)}
    utilities = {name: np.array([each.utility for each in games]) for name, games in everywhere.items()}
    draws = np.random.default_rng(seed).integers(0, len(most), (RESAMPLES, len(most)))
    rows = tuple(
        Row(
            name,
            float(utilities[name].mean()),
            _interval(utilities[name][draws].mean(axis=1)),
            float((most - utilities[name]).mean()),
            *(float(np.mean([getattr(each, field) for each in games])) for field in FIELDS),
        )
        for name, games in everywhere.items()
    )
    minus = {}
    for other in (BEST_SINGLE, WEITZMAN):
        difference = utilities[OURS] - utilities[other]
        minus[other] = Difference(float(difference.mean()), _interval(difference[draws].mean(axis=1)))
    captured = _captured(utilities[OURS] - utilities[BEST_SINGLE], most - utilities[BEST_SINGLE], draws)
    return AtValue(terms.value, terms.risk, float(most.mean()), rows, captured, minus)


def _interval(means: Vector) -> tuple[float, float]:
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def _captured(gained: Vector, gap: Vector, draws: NDArray[np.int64]) -> Captured:
    gaps = gap[draws].mean(axis=1)
    if gap.mean() <= 0 or (gaps <= 0).any():
        return Captured(None, None)
    return Captured(float(gained.mean() / gap.mean()), _interval(gained[draws].mean(axis=1) / gaps))


def calibration(made: Sequence[Split], seed: int) -> list[Group]:
    """Predicted against observed success of the next model, in random orders, given the failures before."""
    random = np.random.default_rng(seed)
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _, estimates, test in made:
        for resolved, dollars in zip(test.resolved, test.dollars, strict=True):
            for _ in range(ORDERS):
                belief = Belief()
                for failures, number in enumerate(random.permutation(len(test.models)).tolist()):
                    predicted = success(belief, test.models[number], estimates)
                    seen = (predicted, float(resolved[number]))
                    tenth = min(9, int(10 * predicted))
                    groups[f"after {min(failures, 6)} failures{' or more' * (failures >= 6)}"].append(seen)
                    groups[f"next {test.models[number]}{', after failures' * (failures > 0)}"].append(seen)
                    groups[f"predicted {tenth / 10:.1f} to {(tenth + 1) / 10:.1f}"].append(seen)
                    if resolved[number]:
                        break
                    belief = belief.after_failed_attempt(test.models[number], dollars=dollars[number])
    return [_group(name, groups[name]) for name in sorted(groups) if len(groups[name]) >= FEWEST]


def _group(name: str, seen: list[tuple[float, float]]) -> Group:
    predicted, observed = np.mean(seen, axis=0).tolist()
    return Group(name, len(seen), predicted, observed, abs(predicted - observed) <= TOLERANCE)
