"""Shadow prices of limits that many tasks share: seconds, difference to HiGHS, duality gap.

    python -m benchmarks.shadow [--tasks N] [--json FILE]

Each task has a value of its own and five options (tiers), from cheap and often wrong to dear and mostly
right. Dollars, a deadline for 64 workers and the expected loss are limited to a part of what they would come
to without limits. "identical" repeats one task: every allocation is a tie, the hardest case for a dual
method. `--json` writes a list of objects with the fields of `Row`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.options import at_least
from policies.shadow import Array, allocate
from policies.shared import Offers, Shared, share
from policies.vocabulary import Limits, Prices

TIERS = 5
WORKERS = 64
PARTS = {"all bind": (0.4, 0.35, 0.4), "one binds": (0.3, 9, 9), "identical": (0.4, 0.35, 0.4)}
"""Of dollars, seconds and loss taken without limits, the part that is allowed."""


@dataclass(frozen=True)
class Row:
    """One instance. seconds: ours. duals: μ of dollars, worker-seconds and loss. bound, value, gap: dollars.
    divided: tasks the divisible allocation splits. highs_seconds: of HiGHS on the same relaxation.
    bound_difference: |bound - HiGHS|/HiGHS. price_difference: the largest |μ - HiGHS's|/max(μ, 1e-9).
    price_worth: how far g at HiGHS's duals lies above ours, relative: 0 if both are optimal."""

    instance: str
    tasks: int
    seconds: float
    rounds: int
    duals: tuple[float, ...]
    bound: float
    value: float
    gap: float
    divided: int
    highs_seconds: float
    bound_difference: float
    price_difference: float
    price_worth: float


def offers(tasks: int, identical: bool = False, seed: int = 0) -> tuple[Offers, Prices]:
    """Invented tasks: value, difficulty and length differ; a dearer tier is slower and more often right."""
    random = np.random.default_rng(seed)
    value, difficulty, length = (
        np.repeat(part[:1] if identical else part, tasks if identical else 1)[:, None]
        for part in (
            random.lognormal(2, 1, tasks),
            random.normal(0, 1.2, tasks),
            random.lognormal(0, 0.7, tasks),
        )
    )
    tier = np.arange(TIERS)
    right = 1 / (1 + np.exp(difficulty + 1.2 - 0.8 * tier))
    wrong = 0.15 * (1 - right)
    return (
        Offers(
            gain=value * right,
            dollars=0.01 * 3.0**tier * length,
            working=20 * 1.4**tier * length,
            waiting=10 * 1.2**tier * np.ones_like(length),
            loss=wrong,
            irreversible_loss=0.05 * wrong,
        ),
        Prices(latency=0.001, risk=2, irreversible=2),
    )


def limits_of(free: Shared, instance: str) -> Limits:
    """The allowed part of what is taken without limits; seconds as a deadline for the workers."""
    dollars, seconds, loss = (
        part * used for part, used in zip(PARTS[instance], free.allocation.used, strict=True)
    )
    return Limits(dollars, seconds / WORKERS, loss)


def highs(worth: Array, use: Array, limits: Array, method: str = "highs") -> tuple[float, Array]:
    """Value of the relaxation and duals of the limits by HiGHS, without options that alone break a limit."""
    from scipy.optimize import linprog  # type: ignore[import-untyped]
    from scipy.sparse import coo_array, vstack  # type: ignore[import-untyped]

    task, option = np.nonzero((use <= limits).all(axis=2) & np.isfinite(worth))
    bounded = np.isfinite(limits)
    duals = np.zeros(len(limits))
    if not len(task):
        return 0.0, duals
    scale = np.where(limits[bounded] > 0, limits[bounded], 1.0)
    unit = max(float(np.abs(worth[task, option]).max()), 1e-300)  # HiGHS's tolerances are absolute
    one_option = coo_array((np.ones(len(task)), (task, np.arange(len(task)))), shape=(len(worth), len(task)))
    solved = linprog(
        -worth[task, option] / unit,
        A_ub=vstack((coo_array(use[task, option][:, bounded].T / scale[:, None]), one_option)).tocsr(),
        b_ub=np.concatenate((limits[bounded] / scale, np.ones(len(worth)))),
        method=method,
    )
    duals[bounded] = -solved.ineqlin.marginals[: bounded.sum()] * unit / scale
    return -solved.fun * unit, duals


def dual(prices: Array, worth: Array, use: Array, limits: Array) -> float:
    """g(μ) written plainly."""
    worth = np.where((use <= limits).all(axis=2), worth, -np.inf)
    paid = np.where(prices > 0, limits, 0.0) @ prices
    return float(paid + np.maximum(0.0, (worth - use @ prices).max(axis=1)).sum())


def measure(instance: str, tasks: int) -> Row:
    """Solve one instance by both methods."""
    invented, prices = offers(tasks, identical=instance == "identical")
    limits = limits_of(share(invented, prices, Limits(), WORKERS), instance)
    worth = invented.net(prices)
    use = np.stack((invented.dollars, invented.working, invented.loss), axis=2)
    bounds = np.array([limits.dollars, WORKERS * limits.seconds, limits.loss])
    started = time.perf_counter()
    ours = allocate(worth, use, bounds)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    theirs, duals = highs(worth, use, bounds, "highs-ipm")  # its simplex takes minutes from 10 000 tasks on
    highs_seconds = time.perf_counter() - started
    differences = np.abs(np.array(ours.duals) - duals) / np.maximum(ours.duals, 1e-9)
    return Row(
        instance=instance,
        tasks=tasks,
        seconds=seconds,
        rounds=ours.rounds,
        duals=ours.duals,
        bound=ours.bound,
        value=ours.value,
        gap=ours.gap,
        divided=ours.divided,
        highs_seconds=highs_seconds,
        bound_difference=abs(ours.bound - theirs) / theirs,
        price_difference=float(differences.max()),
        price_worth=(dual(duals, worth, use, bounds) - ours.bound) / ours.bound,
    )


def main() -> None:
    """Measure every instance and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--tasks", type=at_least(10), default=100_000, help="tasks that share the limits [%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    print(f"{arguments.tasks} tasks, {TIERS} options, 3 limits")
    print(
        f"{'instance':<10} {'seconds':>8} {'rounds':>7} {'bound $':>12} {'gap $':>8} {'relative':>9} "
        f"{'divided':>8} {'HiGHS s':>8} {'bound diff':>11} {'μ diff':>8} {'g(μ) diff':>10}"
    )
    rows = []
    for instance in PARTS:
        row = measure(instance, arguments.tasks)
        rows.append(row)
        print(
            f"{row.instance:<10} {row.seconds:>8.2f} {row.rounds:>7} {row.bound:>12.2f} {row.gap:>8.3g} "
            f"{row.gap / row.bound:>9.1e} {row.divided:>8} {row.highs_seconds:>8.1f} "
            f"{row.bound_difference:>11.1e} {row.price_difference:>8.1e} {row.price_worth:>10.1e}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
