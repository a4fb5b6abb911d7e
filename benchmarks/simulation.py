"""The policy in a simulated world: against the exact optimum, learning its parameters, and every baseline.

    python -m benchmarks.simulation [--tasks N] [--seed S] [--svg FOLDER] [--json FILE]

Known parameters: the policy as it runs (tables for a task of this size) against the exact programme, with the
same luck; target 99 % of its utility. Learning: priors that are off in every ability and price, and nothing
but the record of what it did; what is then believed is held against known parameters on other tasks; target
95 % after 50 tasks, and 15 attempts must help. There are several runs, as each learns from other tasks.
Sweeps: mean utility per task against V, λ and ρ for every policy, as SVG where --svg names a folder.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks._charts import chart
from benchmarks._world import Task, World, draw, ladder
from benchmarks.options import at_least
from policies.baselines import RULES, Baseline
from policies.decide import MarginalPolicy, Policy
from policies.estimates import Estimates
from policies.learning import Attempted, learn
from policies.vocabulary import Prices

OBSERVATIONS, TASKS = 15, 50
SWEEPS: dict[str, tuple[float, ...]] = {
    "value": (1, 2, 5, 10, 20, 50, 100),
    "latency": (0, 0.003, 0.01, 0.03, 0.1, 0.3),
    "risk": (0, 5, 10, 20, 50, 100),
}
SYMBOLS = {"value": "V, $", "latency": "λ, $/s", "risk": "ρ, $ per loss unit"}


@dataclass(frozen=True)
class Share:
    """A mean utility per task, dollars, the one it is held against, and a 95 % interval of their ratio."""

    what: str
    tasks: int
    utility: float
    reference: float
    share: float
    low: float
    high: float


def misjudged(truth: Estimates) -> Estimates:
    """Priors that are off: every model taken for an average one, cheap ones for dearer, dear for cheaper."""
    tiers = tuple(
        replace(
            tier,
            ability=0.3 if not tier.slices else 0.5,
            discrimination=1.2,
            dollars=0.5 * tier.dollars**0.5,
            worst_dollars=max(tier.worst_dollars, 4 * tier.dollars**0.5),
            length_gain=0.0,
            cost_difficulty=0.0,
            cost_length=0.0,
            right_share=1.0,
        )
        for tier in truth.tiers
    )
    return replace(truth, tiers=tiers)


def utilities(world: World, tasks: list[Task], policy: Policy, believed: Estimates) -> list[float]:
    """Utility of each task, dollars."""
    return [world.play(task, policy, believed).utility for task in tasks]


def learning(truth: Estimates, prices: Prices, rng: np.random.Generator) -> tuple[Estimates, Estimates]:
    """What is believed once OBSERVATIONS attempts, and once TASKS tasks, have been made and learnt from."""
    world, prior = World(truth, prices), misjudged(truth)
    record: list[Attempted] = []
    early: Estimates | None = None
    believed = prior
    for task in draw(truth, TASKS, rng):
        record += world.play(task, MarginalPolicy(), believed).attempts
        believed = learn(prior, record)
        if early is None and len(record) >= OBSERVATIONS:
            early = learn(prior, record[:OBSERVATIONS])
    return early or believed, believed


def share(what: str, ours: list[float], reference: list[float], rng: np.random.Generator) -> Share:
    """The ratio of the means, with a bootstrap over tasks."""
    a, b = np.array(ours), np.array(reference)
    picks = rng.integers(len(a), size=(2000, len(a)))
    ratios = a[picks].mean(axis=1) / b[picks].mean(axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return Share(
        what, len(a), float(a.mean()), float(b.mean()), float(a.mean() / b.mean()), float(low), float(high)
    )


def main() -> None:
    """Play, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tasks", type=at_least(1), default=200, help="tasks per run [%(default)s]")
    parser.add_argument(
        "--runs",
        type=at_least(1),
        default=5,
        help="runs that learn, each from tasks of its own [%(default)s]",
    )
    parser.add_argument(
        "--sweep-tasks", type=at_least(1), default=40, help="tasks at each price of a sweep [%(default)s]"
    )
    parser.add_argument("--seed", type=int, default=1, help="of tasks and luck [%(default)s]")
    parser.add_argument("--svg", type=Path, metavar="FOLDER", help="draw the sweeps there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    if arguments.svg:
        try:
            arguments.svg.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--svg: {error}")
    rng = np.random.default_rng(arguments.seed)
    truth, prices = ladder(), Prices()
    world, tasks = World(truth, prices), draw(truth, arguments.tasks, rng)
    known = utilities(world, tasks, MarginalPolicy(), truth)
    exact = utilities(world, tasks, MarginalPolicy(exact_up_to=10**9), truth)
    never = utilities(world, tasks, MarginalPolicy(), misjudged(truth))
    early: list[float] = []
    late: list[float] = []
    for _ in range(arguments.runs):
        after_some, after_all = learning(truth, prices, rng)
        early += utilities(world, tasks, MarginalPolicy(), after_some)
        late += utilities(world, tasks, MarginalPolicy(), after_all)
    again = arguments.runs
    shares = [
        share("known parameters, of the exact optimum", known, exact, rng),
        share("never learning, of known", never, known, rng),
        share(f"after {OBSERVATIONS} attempts, of known", early, known * again, rng),
        share(f"after {OBSERVATIONS} attempts, of never learning", early, never * again, rng),
        share(f"after {TASKS} tasks, of known", late, known * again, rng),
    ]
    print(f"{'':<50} {'tasks':>6} {'$/task':>7} {'against':>8} {'share':>7}  95 % interval")
    for each in shares:
        print(
            f"{each.what:<50} {each.tasks:>6} {each.utility:>7.2f} {each.reference:>8.2f} "
            f"{each.share:>7.1%}  [{each.low:.1%}, {each.high:.1%}]"
        )
    sweeps = {price: sweep(price, draw(truth, arguments.sweep_tasks, rng), truth) for price in SWEEPS}
    for price, lines in sweeps.items():
        print(f"\nmean utility per task, dollars, against {SYMBOLS[price]}")
        print(f"{'':<14}" + "".join(f"{x:>9g}" for x in SWEEPS[price]))
        for name, line in lines.items():
            print(f"{name:<14}" + "".join(f"{y:>9.2f}" for y in line))
        if arguments.svg:
            drawing = chart(SWEEPS[price], lines, SYMBOLS[price], "mean utility per task, $")
            (arguments.svg / f"utility-{price}.svg").write_text(drawing)
    if arguments.json:
        found = {"shares": [asdict(each) for each in shares], "sweeps": sweeps, "at": SWEEPS}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def sweep(price: str, tasks: list[Task], truth: Estimates) -> dict[str, list[float]]:
    """Mean utility of every policy at every value of one price, the others at their defaults."""
    lines: dict[str, list[float]] = {}
    for name in ("marginal", *RULES):
        lines[name] = []
        for amount in SWEEPS[price]:
            world = World(truth, replace(Prices(), **{price: float(amount)}))
            policy: Policy = MarginalPolicy() if name == "marginal" else Baseline(name)
            lines[name].append(float(np.mean(utilities(world, tasks, policy, truth))))
    return lines


if __name__ == "__main__":
    main()
