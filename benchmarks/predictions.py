"""The paper's predictions (MTA §4) as experiments in a simulated world: the figures, and whether each holds.

    python -m benchmarks.predictions [--tasks N] [--seed S] [--json FILE]

1. More verification lowers realised risk until its marginal product meets its price. One model; candidates
   are put to no check, to the suite, or to the suite and a review by a fixed rule, or to what the marginal
   policy buys. Holds if wrong deliveries fall from no check to all, nowhere rising by more than two standard
   errors, and the policy, that stops where the next check is not worth its price, gets at least the utility
   of the best fixed number at each price of risk, within two standard errors.
2. A cost-minimising router shows systematic regret on tasks of high value: its regret, always calling the
   cheapest tier, against the best of the policies at each value. Holds if it grows with every value and is
   above the marginal policy's at the highest.
3. Flat-priced congestion hurts tenants that did not cause it: tenants share a server whose delay grows with
   its load. Holds if those who hardly use it lose by the others' use under a flat price, and they and all
   together gain where its seconds carry their shadow price (`policies.shared`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._world import Task, World, draw, ladder
from benchmarks.options import at_least
from policies.baselines import Baseline
from policies.belief import Belief
from policies.decide import MarginalPolicy, Policy
from policies.estimates import Estimates
from policies.shadow import NOTHING
from policies.shared import Offers, share
from policies.vocabulary import (
    UNLIMITED,
    ActionClass,
    Check,
    Decision,
    Limits,
    Prices,
    Step,
    StepKind,
)

RUNGS = (Check.SUITE, Check.REVIEW)
RISKS = (0.0, 20.0, 200.0)
VALUES = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
TENANTS, QUIET = 400, 100
CAPACITY = 3600.0
"""Seconds of the server within the hour that is looked at."""


@dataclass(frozen=True)
class Finding:
    """A prediction, the figures it rests on, and whether it holds here."""

    prediction: str
    figures: tuple[str, ...]
    holds: bool


class Verifying:
    """Call the cheapest model until it yields a candidate, put it to the first `checks` rungs, submit."""

    def __init__(self, checks: int) -> None:
        self._rungs = RUNGS[:checks]

    def decide(
        self,
        belief: Belief,
        options: tuple[Step, ...],
        estimates: Estimates,
        prices: Prices,
        limits_left: Limits,
        delivery: ActionClass,
    ) -> Decision:
        """The next step of the fixed rule."""
        del prices, limits_left, delivery
        wanted: list[Step] = []
        if belief.hand is not None:
            said = belief.hand.passed | belief.hand.failed
            wanted += [step for step in options if step.check in self._rungs and step.check not in said]
            if not belief.hand.failed:
                wanted += [step for step in options if step.kind is StepKind.SUBMIT]
        model = min((t for t in estimates.tiers if not t.slices), key=lambda tier: tier.dollars)
        wanted += [step for step in options if step.tier == model.name]
        return Decision(wanted[0] if wanted else None, (), "a fixed rule")


def verification(tasks: list[Task], truth: Estimates) -> Finding:
    """Prediction 1."""
    model = min((t for t in truth.tiers if not t.slices), key=lambda tier: tier.dollars)
    truth = replace(truth, tiers=(model,), reads=())
    lines, holds = [f"{'price of risk':>17}" + "".join(f"{risk:>24g}" for risk in RISKS)], True
    rows: dict[str, list[str]] = {}
    for risk in RISKS:
        world = World(truth, replace(Prices(), risk=risk))
        ours = [world.play(task, MarginalPolicy(), truth) for task in tasks]
        fixed = [[world.play(task, Verifying(n), truth) for task in tasks] for n in range(len(RUNGS) + 1)]
        best = max(fixed, key=lambda played: float(np.mean([each.utility for each in played])))
        more = np.array([mine.utility - theirs.utility for mine, theirs in zip(ours, best, strict=True)])
        holds &= float(more.mean()) >= -2 * float(more.std()) / len(more) ** 0.5
        wrong = [np.array([each.wrong for each in played], dtype=float) for played in fixed]
        noise = 2 * float(wrong[0].std()) / len(ours) ** 0.5
        holds &= all(after.mean() <= before.mean() + noise for before, after in pairwise(wrong))
        holds &= bool(wrong[-1].mean() < wrong[0].mean())
        names = ["no check", "suite", "suite and review", "marginal"]
        for name, played in zip(names, (*fixed, ours), strict=True):
            share, worth = (
                np.mean([each.wrong for each in played]),
                np.mean([each.utility for each in played]),
            )
            rows.setdefault(name, []).append(f"{share:>14.1%} wrong ${worth:6.2f}")
    lines += [f"{name:>17}" + "".join(f"{cell:>24}" for cell in cells) for name, cells in rows.items()]
    return Finding("verification lowers risk until it is not worth its price", tuple(lines), bool(holds))


def routing(tasks: list[Task], truth: Estimates) -> Finding:
    """Prediction 2."""
    names = ("cheapest", "marginal", "dearest", "cascade")
    regrets: dict[str, list[float]] = {name: [] for name in names}
    for value in VALUES:
        world = World(truth, Prices(value=value))
        means = {}
        for name in names:
            policy: Policy = MarginalPolicy() if name == "marginal" else Baseline(name)
            means[name] = float(np.mean([world.play(task, policy, truth).utility for task in tasks]))
        top = max(means.values())
        for name in names:
            regrets[name].append(top - means[name])
    lines = [f"{'V':>10}  " + "".join(f"{value:>9g}" for value in VALUES)]
    lines += [f"{name:>10}  " + "".join(f"{regret:>9.2f}" for regret in regrets[name]) for name in names]
    grows = all(before < after for before, after in pairwise(regrets["cheapest"]))
    return Finding(
        "a cost-minimising router regrets tasks of high value",
        tuple(lines),
        grows and regrets["cheapest"][-1] > regrets["marginal"][-1],
    )


def congestion(rng: np.random.Generator) -> Finding:
    """Prediction 3. Tenants choose how many seconds of a server to use: none, some or many; QUIET of them
    have one short, urgent request each, the others long ones that can wait."""
    quiet = np.arange(TENANTS) < QUIET
    latency = np.where(quiet, 0.2, 0.002) * rng.uniform(0.5, 1.5, TENANTS)
    seconds = np.where(quiet[:, None], [1.0, 2.0], [10.0, 30.0])
    gain = np.where(quiet[:, None], [3.0, 3.5], [0.2, 0.5]) * rng.uniform(0.5, 1.5, (TENANTS, 1))

    def worth(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        rows = np.flatnonzero(chosen != NOTHING)
        delay = _delay(_load(chosen, seconds))
        found = np.zeros(TENANTS)
        picked = chosen[rows]
        found[rows] = gain[rows, picked] - latency[rows] * (seconds[rows, picked] + delay)
        return found

    flat = _settled(gain, seconds, latency)
    zero = np.zeros_like(gain)
    offers = Offers(gain - latency[:, None] * seconds, zero, seconds, zero, zero, zero)
    # What a second of the server takes from the others is in no tenant's own price: limit its use instead.
    prices = Prices(value=0.0, latency=0.0, risk=0.0, irreversible=0.0)
    best, priced, dual = -UNLIMITED, flat, 0.0
    for share_of_capacity in np.linspace(0.3, 0.95, 14):
        shared = share(offers, prices, Limits(seconds=share_of_capacity * CAPACITY))
        total = float(worth(shared.allocation.choice).sum())
        if total > best:
            best, priced, dual = total, shared.allocation.choice, shared.working
    alone = worth(_settled(np.where(quiet[:, None], gain, -UNLIMITED), seconds, latency))
    rows = {"flat price": flat, "shadow price": priced}
    lines = [f"quiet tenants alone: ${alone[quiet].mean():.2f} each"]
    for name, chosen in rows.items():
        found = worth(chosen)
        load = _load(chosen, seconds)
        lines.append(
            f"{name}: load {load:.0%}, delay {_delay(load):.1f} s, quiet ${found[quiet].mean():.2f}, "
            f"busy ${found[~quiet].mean():.2f} each, all ${found.sum():.0f}"
        )
    lines.append(f"shadow price of a second of the server: ${dual:.4f}")
    quiet_flat, quiet_priced = worth(flat)[quiet].mean(), worth(priced)[quiet].mean()
    holds = quiet_flat < alone[quiet].mean() and quiet_priced > quiet_flat
    holds = holds and worth(priced).sum() > worth(flat).sum()
    return Finding("flat-priced congestion hurts tenants that did not cause it", tuple(lines), bool(holds))


def _load(chosen: NDArray[np.intp], seconds: NDArray[np.float64]) -> float:
    rows = np.flatnonzero(chosen != NOTHING)
    return float(seconds[rows, chosen[rows]].sum() / CAPACITY)


def _delay(load: float) -> float:
    """Seconds a request waits, as in a queue of one server with requests of 10 s; much from 99 % on."""
    return 10.0 * min(load, 0.99) / (1 - min(load, 0.99))


def _settled(
    gain: NDArray[np.float64], seconds: NDArray[np.float64], latency: NDArray[np.float64]
) -> NDArray[np.intp]:
    """What tenants choose who look at the delay alone: each in turn, until nobody wants to change."""
    chosen = np.full(TENANTS, NOTHING, dtype=np.intp)
    for _ in range(50):
        before = chosen.copy()
        for tenant in range(TENANTS):
            chosen[tenant] = NOTHING
            best, most = NOTHING, 0.0
            others = _load(chosen, seconds)
            for option in range(gain.shape[1]):
                delay = _delay(others + seconds[tenant, option] / CAPACITY)
                net = gain[tenant, option] - latency[tenant] * (seconds[tenant, option] + delay)
                if net > most:
                    best, most = option, net
            chosen[tenant] = best
        if (chosen == before).all():
            break
    return chosen


def show(findings: Sequence[Finding]) -> None:
    """Print every finding."""
    for number, finding in enumerate(findings, 1):
        print(f"{number}. {finding.prediction}: {'holds' if finding.holds else 'DOES NOT HOLD'}")
        for line in finding.figures:
            print(f"     {line}")


def main() -> None:
    """Run the three experiments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tasks", type=at_least(1), default=300, help="tasks per point [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of tasks and luck [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    truth = ladder()
    tasks = draw(truth, arguments.tasks, rng)
    findings = (verification(tasks, truth), routing(tasks, truth), congestion(rng))
    show(findings)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in findings], indent=2) + "\n")


if __name__ == "__main__":
    main()
