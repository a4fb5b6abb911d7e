"""What memory gives after 0, 5, 15 and 50 tasks, against the priors, in worlds as they say and otherwise.

    python -m benchmarks.learning [--runs N] [--tasks N] [--value V] [--seed S] [--json FILE]

In every world each run learns from tasks of its own, played with what was believed at the time: attempts,
what they cost, and what the checks said. What it then believes plays other tasks, with the same luck as the
priors do. Printed: dollars per task more (or less, -) than with the priors, with a 95 % interval from a
bootstrap over runs and tasks. No memory must change nothing, and in no world may it lose. Last: what it takes
to read a full memory of the kind and to learn from it, which every run does when it begins.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from agent.lessons import Attempt, Lesson
from agent.memory import MOST_LESSONS, learnt, read, remember
from benchmarks._world import World, draw, ladder
from benchmarks.options import at_least
from policies.decide import MarginalPolicy
from policies.estimates import Estimates
from policies.learning import Attempted, Checked, learn
from policies.vocabulary import Prices

SEEN = (0, 5, 15, 50)


@dataclass(frozen=True)
class Gain:
    """Mean utility per task, dollars: with the priors (`shipped`), and more than that after `seen` tasks."""

    world: str
    seen: int
    shipped: float
    gain: float
    low: float
    high: float

    @property
    def loses(self) -> bool:
        """True when the whole interval is below 0."""
        return self.high < 0


def abler(estimates: Estimates, by: float, exhaustive: bool) -> Estimates:
    """The embedded tier, or all models, `by` logits abler."""
    tiers = (
        replace(tier, ability=tier.ability + by) if bool(tier.slices) == exhaustive else tier
        for tier in estimates.tiers
    )
    return replace(estimates, tiers=tuple(tiers))


def harder(estimates: Estimates, by: float) -> Estimates:
    """Tasks `by` sd harder, all of them."""
    return replace(estimates, difficulty=replace(estimates.difficulty, mean=estimates.difficulty.mean + by))


WORLDS: dict[str, Callable[[Estimates], Estimates]] = {
    "as the priors say": lambda prior: prior,
    "the embedded tier is better": lambda prior: abler(prior, 1.0, exhaustive=True),
    "the embedded tier is worse": lambda prior: abler(prior, -1.5, exhaustive=True),
    "models are better": lambda prior: abler(prior, 1.0, exhaustive=False),
    "models are worse": lambda prior: abler(prior, -1.0, exhaustive=False),
    "bugs are easier": lambda prior: harder(prior, -1.0),
    "bugs are harder": lambda prior: harder(prior, 1.0),
}


def gains(
    name: str, prices: Prices, runs: int, tasks: int, rng: np.random.Generator, prior: Estimates
) -> list[Gain]:
    """What memory gives in one world, after each number of tasks seen."""
    world = World(WORLDS[name](prior), prices)
    held = draw(world.truth, tasks, rng)

    def played(believed: Estimates) -> list[float]:
        return [world.play(task, MarginalPolicy(), believed).utility for task in held]

    shipped = np.array(played(prior))
    more: dict[int, list[list[float]]] = {seen: [] for seen in SEEN}
    for _ in range(runs):
        attempts, checks = list[Attempted](), list[Checked]()
        believed = learn(prior, attempts, checks)
        for number, task in enumerate((*draw(world.truth, max(SEEN), rng), None)):
            if number in SEEN:
                more[number].append(played(believed))
            if task is not None:
                done = world.play(task, MarginalPolicy(), believed)
                attempts += done.attempts
                checks += done.checks
                believed = learn(prior, attempts, checks)
    return [_gain(name, seen, shipped, np.array(more[seen]) - shipped, rng) for seen in SEEN]


def _gain(name: str, seen: int, shipped: np.ndarray, more: np.ndarray, rng: np.random.Generator) -> Gain:
    """The mean of `more` (runs x tasks), with a bootstrap over both."""
    runs, tasks = more.shape
    means = [
        more[rng.integers(runs, size=runs)][:, rng.integers(tasks, size=tasks)].mean() for _ in range(2000)
    ]
    low, high = np.quantile(means, (0.025, 0.975))
    return Gain(name, seen, float(shipped.mean()), float(more.mean()), float(low), float(high))


def beginning(prior: Estimates, runs: int, rng: np.random.Generator) -> float:
    """Milliseconds, least of five, to read and learn from so many lessons, of an attempt per tier each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.jsonl"
        for run in range(runs):
            attempts = tuple(
                Attempt(
                    tier=tier.name,
                    right=tier is prior.tiers[-1] and bool(rng.random() < 0.5),
                    dollars=float(rng.random()) if tier.dollars else 0.0,
                    seconds=9.0,
                    searched=round(float(rng.random()), 2) if tier.slices else None,
                )
                for tier in prior.tiers
            )
            remember(file, Lesson(run=str(run), finished=0, attempts=attempts))
        took = []
        for _ in range(5):
            began = time.perf_counter()
            learnt(prior, read(file)[0], 0.0, 1.0)
            took.append(time.perf_counter() - began)
    return 1000 * min(took)


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--runs", type=at_least(2), default=10, help="runs, each with tasks of its own [%(default)s]"
    )
    parser.add_argument(
        "--tasks", type=at_least(2), default=100, help="tasks on which what was learnt is tried [%(default)s]"
    )
    parser.add_argument("--value", type=float, default=20.0, help="V of a task, dollars [%(default)s]")
    parser.add_argument("--world", choices=WORLDS, action="append", help="only this world (repeatable)")
    parser.add_argument("--seed", type=int, default=1, help="of tasks and luck [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    prices = replace(Prices(), value=arguments.value)
    found: list[Gain] = []
    print(f"{'':<30} {'shipped':>8}" + "".join(f"{f'after {seen}':>26}" for seen in SEEN))
    for name in arguments.world or WORLDS:
        row = gains(name, prices, arguments.runs, arguments.tasks, rng, ladder())
        found += row
        cells = (f"{each.gain:+.2f} [{each.low:+.2f}, {each.high:+.2f}]" for each in row)
        print(f"{name:<30} {row[0].shipped:>8.2f}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
    losing = [each for each in found if each.loses or (each.seen == 0 and each.gain != 0)]
    print("no world loses" if not losing else f"LOSES: {', '.join(f'{e.world} ({e.seen})' for e in losing)}")
    prior = ladder()
    embedded = replace(prior, tiers=prior.tiers[:1])
    took = {
        name: {seen: beginning(tiers, seen, rng) for seen in (15, 50, MOST_LESSONS)}
        for name, tiers in (("the embedded tier", embedded), ("with three models", prior))
    }
    for name, each in took.items():
        times = ", ".join(f"{ms:.0f} ms of {seen} runs" for seen, ms in each.items())
        print(f"to read and to learn, {name}: {times}")
    if arguments.json:
        data = {"gains": [asdict(each) for each in found], "milliseconds": took}
        arguments.json.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    main()
