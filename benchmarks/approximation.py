"""What the approximations of the lookahead lose, on random small tasks, against the exact programme.

    python -m benchmarks.approximation [--tasks N] [--seed S] [--json FILE]

Each task has two tiers, two checks, a read and sometimes a plan, with every feature of the estimates drawn at
random. Compared are the expected worths W at the start: exact (nothing rounded), with what is left of limits
rounded as small tasks are planned, and by tables as large tasks are planned. Loss: share of the summed exact
W; worst: the largest on one task, in dollars; overstated: the largest W above the exact one, in dollars.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.options import at_least
from policies.autonomy import DEFAULT_SCHEDULE
from policies.belief import Belief
from policies.estimates import (
    CheckEstimate,
    DifficultyPrior,
    Estimates,
    FinalEstimate,
    FlakinessPrior,
    ReadEstimate,
    TierEstimate,
)
from policies.limits import SIGNIFICANT_DIGITS
from policies.lookahead import Programme
from policies.moves import Model
from policies.power import Flakiness
from policies.tabled import TabledProgramme
from policies.timed import TimedProgramme
from policies.vocabulary import ActionClass, Check, Limits, Prices

CLASSES = (ActionClass.DRAFT, ActionClass.COMMIT, ActionClass.PUBLISH, ActionClass.DEPLOY)


@dataclass(frozen=True)
class Task:
    """One random task."""

    estimates: Estimates
    prices: Prices
    delivery: ActionClass
    limits: Limits
    flakiness: tuple[Flakiness, ...]


@dataclass(frozen=True)
class Loss:
    """One approximation on all tasks; see the module."""

    approximation: str
    tasks: int
    lost: float
    worst: float
    overstated: float


def random_tier(rng: np.random.Generator, name: str, learns: bool) -> TierEstimate:
    """A tier with every feature drawn."""
    dollars, seconds, switch = rng.uniform(0, 1), rng.uniform(0, 20), rng.choice([0.0, 0.25])
    slices: tuple[float, ...] = ((), (0.6, 0.3), (0.3, 0.3))[rng.integers(3)]
    return TierEstimate(
        name,
        rng.uniform(-1.5, 1.5),
        rng.uniform(0.3, 2),
        dollars,
        seconds,
        3 * dollars + switch,
        2 * seconds,
        2,
        slices,
        overfit=rng.uniform(0, 0.6),
        knowledge_gain=(("localised", rng.uniform(0, 2)), ("planned", rng.uniform(0, 2))),
        switch_dollars=switch,
        can_plan=bool(learns and rng.random() < 0.5),
        plan_dollars=0.1,
        plan_seconds=3.0,
        plan_worst_dollars=0.2,
        plan_worst_seconds=9.0,
        retry=rng.choice([1.0, 0.4]),
        right_share=rng.choice([1.0, 0.5]),
        length_gain=rng.choice([0.0, -0.7]),
        cost_difficulty=rng.choice([0.0, 0.3]),
        cost_length=rng.choice([0.0, 0.5]),
    )


def random_task(rng: np.random.Generator, limited: bool, learns: bool) -> Task:
    """A task that is small enough to be solved exactly. learns: with a read, and perhaps a plan."""
    noisy = bool(rng.random() < 0.5)
    checks = (
        CheckEstimate(Check.AFFECTED, rng.uniform(0, 0.6), 0.0, rng.uniform(0, 5), 20.0),
        CheckEstimate(Check.SUITE, rng.uniform(0.5, 0.95), 0.0, rng.uniform(0, 15), 50.0),
        CheckEstimate(Check.REPEAT, 0.0, 0.0, 2.0, 10.0, most=2),
        CheckEstimate(
            Check.REVIEW,
            rng.uniform(0.2, 0.9),
            0.2,
            4.0,
            20.0,
            0.3,
            target_runs=0,
            sensitivity=0.9 if noisy else 1.0,
        ),
    )
    some = rng.choice(len(checks), 2, replace=False)
    estimates = Estimates(
        tiers=(random_tier(rng, "a", learns), random_tier(rng, "b", learns)),
        checks=tuple(checks[each] for each in sorted(some)),
        reads=(ReadEstimate("localise", rng.uniform(0, 10), 20.0),) if learns else (),
        preparations=(),
        final=FinalEstimate(rng.uniform(0, 0.9), rng.uniform(0, 15), 45.0),
        attempts=3,
        defer_share=rng.uniform(0, 0.6),
        difficulty=DifficultyPrior(points=7, lengths=3),
        flakiness=FlakinessPrior(rng.uniform(0, 0.3)),
    )
    prices = Prices(rng.uniform(5, 60), rng.uniform(0, 0.05), rng.uniform(0, 20), rng.uniform(0, 20))
    limits = Limits(rng.uniform(0.5, 6), rng.uniform(30, 200)) if limited else Limits()
    return Task(estimates, prices, CLASSES[rng.integers(4)], limits, (Flakiness(0, 3),))


def model_of(task: Task, digits: int | None = SIGNIFICANT_DIGITS, round_seconds: bool = True) -> Model:
    """The transitions of the task."""
    return Model(
        task.estimates,
        task.prices,
        task.delivery,
        DEFAULT_SCHEDULE,
        task.flakiness,
        digits=digits,
        round_seconds=round_seconds,
    )


def worth(programme: Programme | TabledProgramme, task: Task) -> float:
    """W at the start, dollars."""
    state = programme.model.state(Belief(), task.limits)
    programme.start(state)
    return programme.worth(state)


def compare(name: str, tasks: list[Task], approximate: Callable[[Task], Programme | TabledProgramme]) -> Loss:
    """One approximation against the exact programme."""
    exact = np.array([worth(Programme(model_of(task, None)), task) for task in tasks])
    other = np.array([worth(approximate(task), task) for task in tasks])
    lost = exact - other
    return Loss(
        name, len(tasks), float(lost.sum() / exact.sum()), float(lost.max()), float(max(0.0, -lost.min()))
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tasks", type=at_least(1), default=300, help="random tasks [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of the tasks [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)

    def some(limited: bool, learns: bool) -> list[Task]:
        return [random_task(rng, limited, learns) for _ in range(arguments.tasks)]

    def timed(task: Task) -> TimedProgramme:
        return TimedProgramme(model_of(task, round_seconds=False))

    def tables(task: Task) -> TabledProgramme:
        return TabledProgramme(model_of(task))

    losses = [
        compare("rounded limits", some(True, True), timed),
        compare("tables", some(False, False), tables),
        compare("tables, with reads and plans", some(False, True), tables),
        compare("tables, under limits", some(True, False), tables),
        compare("tables, under limits, with reads and plans", some(True, True), tables),
    ]
    print(f"{'approximation':<44} {'tasks':>6} {'lost':>8} {'worst':>8} {'overstated':>11}")
    for loss in losses:
        print(
            f"{loss.approximation:<44} {loss.tasks:>6} {loss.lost:>8.2%} {loss.worst:>8.2f} "
            f"{loss.overstated:>11.3f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(loss) for loss in losses], indent=2) + "\n")


if __name__ == "__main__":
    main()
