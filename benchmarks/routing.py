"""Which model to try next, on recorded outcomes: our policy against every baseline and the hindsight oracle.

    python -m benchmarks.routing --train CSV [--test CSV] [--values .5,1,2,5,10,20,50]
                                 [--verifier 0.95,0.90] [--risk 0.5V] [--json OUT]
    python -m benchmarks.routing --leaderboard leaderboards.json [--board bash-only] ...

Tables have the columns instance_id, model, resolved (0 or 1), cost_usd, api_calls (may be empty): a run per
task and model. Tasks without a run of every model are learnt from, not tested on; tasks of both tables are
tested on, not learnt from.
--leaderboard reads the same from `data/leaderboards.json` of the SWE-bench site's repository in their place.
Without --test, tasks are split into --folds random parts, each tested on what was learnt from the others.
--verifier: sensitivity and specificity of a free check with independent errors; without it, it never errs.
--risk: ρ, what a wrong submission costs, in dollars or, ending in V, as a multiple of the task's value.

Our policy is `policies.decide.MarginalPolicy` with estimates from `policies.learning`, driven as the agent
drives it. Utility of a task: V if a resolving patch was submitted, -ρ if another was, less what was spent.
The verifier's errors are averaged over exactly, branch by branch. The single-model policies submit unchecked;
cascade and pipeline submit the first patch that passes; Weitzman's index submits the best. The hindsight
oracle runs the cheapest model that resolves the task, if that pays. Intervals: 95 %, percentiles of a
bootstrap over tasks.

JSON, all money in dollars per task:

    {"schema": 1, "arguments": {"train", "test", "leaderboard", "folds", "seed", "verifier": [se, sp]|null,
                                "risk"},
     "tasks": n, "models": [...], "seconds": x,
     "values": [{"value": V, "risk": ρ, "oracle": utility,
                 "policies": [{"policy", "utility", "interval": [low, high], "regret", "spent",
                               "resolved": share, "wrong": share, "attempts": mean}],
                 "captured": {"share": x|null, "interval": [low, high]|null},
                 "ours_minus": {"best single model": {"difference", "interval"},
                                "independent Weitzman": {...}}}],
     "calibration": [{"group", "attempts", "predicted", "observed", "within": bool}]}

captured: (ours - best single model chosen on train) / (oracle - best single); null where those are equal.
calibration: on test tasks, models in random order until one succeeds: the predicted chance of the next one,
given which failed and what that cost, against how often it succeeded; groups by failures so far, by next
model, and by prediction. within: they differ by at most .05; groups of fewer than 100 are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks._outcomes import Outcomes, Unusable, read_leaderboard, read_table
from benchmarks._play import Terms
from benchmarks._scores import TOLERANCE, AtValue, Group, at_value, calibration, splits
from benchmarks.options import at_least

VALUES = ".5,1,2,5,10,20,50"


def show(result: AtValue) -> None:
    """Print one V."""
    print(f"\nV ${result.value:g}, ρ ${result.risk:g}; hindsight oracle {result.oracle:.3f}")
    print(
        f"{'policy':<24} {'utility':>8} {'95 % interval':>17} {'regret':>8} {'spent':>8} "
        f"{'resolved':>9} {'wrong':>6} {'attempts':>9}"
    )
    for row in result.policies:
        interval = f"{row.interval[0]:.3f} {row.interval[1]:.3f}"
        print(
            f"{row.policy:<24} {row.utility:>8.3f} {interval:>17} {row.regret:>8.3f} {row.spent:>8.3f} "
            f"{row.resolved:>9.3f} {row.wrong:>6.3f} {row.attempts:>9.2f}"
        )
    share, interval_ = result.captured.share, result.captured.interval
    if share is not None and interval_ is not None:
        print(f"captured share of the gap: {share:.2f} ({interval_[0]:.2f} to {interval_[1]:.2f})")
    for other, difference in result.ours_minus.items():
        low, high = difference.interval
        print(f"ours - {other}: {difference.difference:+.4f} ({low:+.4f} to {high:+.4f})")


def show_calibration(groups: Sequence[Group]) -> None:
    """Print the calibration table."""
    print(f"\n{'next attempt':<64} {'attempts':>8} {'predicted':>10} {'observed':>9}")
    for group in groups:
        print(
            f"{group.group:<64.64} {group.attempts:>8} {group.predicted:>10.3f} {group.observed:>9.3f}"
            f"{'' if group.within else '  off'}"
        )
    print(f"{sum(group.within for group in groups)} of {len(groups)} groups within {TOLERANCE}")


def values(text: str) -> list[float]:
    """An argparse type: dollars above 0, parted by commas."""
    numbers = [_number(part) for part in text.split(",")]
    if any(not number > 0 for number in numbers):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of amounts above 0, like {VALUES}")
    return numbers


def verifier(text: str) -> tuple[float, float]:
    """An argparse type: sensitivity and specificity."""
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) != 2 or not all(0 <= number <= 1 for number in numbers) or sum(numbers) < 1:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a sensitivity and a specificity of together at least 1, like 0.95,0.90"
        )
    return numbers[0], numbers[1]


def risk(text: str) -> tuple[float, float]:
    """An argparse type: dollars, and multiples of V, a wrong submission costs."""
    number = _number(text.removesuffix("V"))
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not an amount like 10, or a share of V like 0.5V")
    return (0.0, number) if text.endswith("V") else (number, 0.0)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def main() -> None:
    """Read the tables, play every policy, print and write what came out. Exit code 2: unusable input."""
    parser = argparse.ArgumentParser(description="Routing on recorded outcomes, against every baseline.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--train", type=Path, help="CSV: instance_id, model, resolved, cost_usd, api_calls")
    source.add_argument("--leaderboard", type=Path, help="the SWE-bench site's data/leaderboards.json")
    parser.add_argument("--board", default="bash-only", help="which of its boards (default: bash-only)")
    parser.add_argument("--test", type=Path, help="CSV of other tasks; without it, cross-validation")
    parser.add_argument("--values", type=values, default=values(VALUES), help=f"V in dollars: {VALUES}")
    parser.add_argument("--verifier", type=verifier, help="sensitivity,specificity (default: never errs)")
    parser.add_argument("--risk", type=risk, default=(0.0, 0.0), help="ρ: dollars, or like 0.5V (default 0)")
    parser.add_argument("--folds", type=at_least(2), default=5, help="parts of the tasks without --test")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the folds and the bootstrap")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"argument --json: there is no folder {arguments.json.parent}")
    started = time.perf_counter()
    try:
        train, test = _tables(arguments)
    except Unusable as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sensitivity, specificity = arguments.verifier or (1.0, 1.0)
    made = splits(train, test, arguments.folds, arguments.seed)
    tested = sum(len(split.test.tasks) for split in made)
    lacking = _lacking(train if test is None else test)
    print(f"{len(train.models)} models, tested on {tested} tasks{lacking and f'; {lacking}'}")
    results = []
    for value in arguments.values:
        price = arguments.risk[0] + arguments.risk[1] * value
        results.append(at_value(made, Terms(value, price, sensitivity, specificity), arguments.seed))
        show(results[-1])
    groups = calibration(made, arguments.seed)
    show_calibration(groups)
    if arguments.json:
        report = {
            "schema": 1,
            "arguments": {
                "train": str(arguments.train or ""),
                "test": str(arguments.test or ""),
                "leaderboard": str(arguments.leaderboard or ""),
                "folds": arguments.folds,
                "seed": arguments.seed,
                "verifier": arguments.verifier,
                "risk": arguments.risk,
            },
            "tasks": tested,
            "models": train.models,
            "seconds": time.perf_counter() - started,
            "values": [asdict(result) for result in results],
            "calibration": [asdict(group) for group in groups],
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def _tables(arguments: argparse.Namespace) -> tuple[Outcomes, Outcomes | None]:
    """What is learnt from and tested on, with the models in both. Raises Unusable where a part would be
    empty."""
    path = arguments.train or arguments.leaderboard
    train = read_table(path) if arguments.train else read_leaderboard(path, arguments.board)
    if arguments.test is None:
        tested = len(train.complete().tasks)
        if tested < arguments.folds:
            raise Unusable(
                f"{path} has {tested} tasks with a run of every model, fewer than {arguments.folds} folds: "
                f"lower --folds or take out models that lack runs ({_lacking(train) or 'none does'})"
            )
        return train, None
    test = read_table(arguments.test)
    models = [model for model in train.models if model in test.models]
    if not models:
        raise Unusable(f"{arguments.test} holds no model of {path}")
    test = test.of(models)
    if not test.complete().tasks:
        raise Unusable(f"{arguments.test} has no task with a run of every model; {_lacking(test)}")
    train = train.of(models).without(test.tasks)
    model, missing = train.most_missing()
    if missing == len(train.tasks):
        raise Unusable(f"{path} has no run of {model!r} on a task that is not tested on")
    return train, test


def _lacking(outcomes: Outcomes) -> str:
    """How many tasks are left out, and which model most of them lack; "" if none is."""
    lacking = len(outcomes.tasks) - len(outcomes.complete().tasks)
    model, missing = outcomes.most_missing()
    return f"left out for want of a run of some model: {lacking} (of {model!r}: {missing})" if lacking else ""


if __name__ == "__main__":
    main()
