"""What a decision costs: milliseconds of the first solve and along the plan.

    python -m benchmarks.decide [--json FILE]

Each task is played through with failures, candidates and failed checks in a fixed pattern; after every step
the next decision is timed. The first decision solves the programme, the later ones look it up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import LOCALISED, CheckEstimate, Estimates, TierEstimate
from policies.priors import default_estimates, measured, repair_tier
from policies.rehearsal import offered
from policies.vocabulary import ActionClass, Candidate, Check, Limits, Prices, StepKind

MOST_STEPS = 30


@dataclass(frozen=True)
class Timing:
    """One task: milliseconds of the first decision, median and largest of the later ones, decisions made."""

    task: str
    first_ms: float
    median_ms: float
    largest_ms: float
    decisions: int


def priced(name: str, ability: float, dollars: float, seconds: float) -> TierEstimate:
    """A sampling tier with a prompt cache to lose."""
    worst = 3 * dollars + 0.3
    return TierEstimate(
        name, ability, 1.5, dollars, seconds, worst, 3 * seconds, 6, overfit=0.1, switch_dollars=0.02
    )


def tasks() -> dict[str, tuple[Estimates, Limits]]:
    """The tasks: the embedded tier alone, and a ladder of four priced tiers with four checks."""
    alone = measured(default_estimates((repair_tier(),)), suite_seconds=5, target_seconds=0.5)
    quick = measured(default_estimates((repair_tier(),)), suite_seconds=0.6, target_seconds=0.35)
    ladder = default_estimates(
        (
            priced("nano", -1.0, 0.005, 8),
            priced("small", -0.5, 0.02, 15),
            priced("mid", 0.3, 0.15, 30),
            priced("big", 1.2, 0.9, 60),
        )
    )
    review = CheckEstimate(Check.REVIEW, 0.4, dollars=0.05, seconds=10, worst_seconds=40, worst_dollars=0.2)
    ladder = replace(ladder, checks=(*ladder.checks, review))
    ten = default_estimates(
        tuple(priced(f"tier {i}", -1.5 + 0.35 * i, 0.004 * 2**i, 5.0 + 6 * i) for i in range(10))
    )
    ten = replace(ten, checks=(CheckEstimate(Check.TARGET, 0.2, 0, 1, 5), *ladder.checks))
    return {
        "1 exhaustive tier, 6 slices, no limits": (alone, Limits()),
        "1 exhaustive tier, 6 slices, 120 s": (alone, Limits(seconds=120)),
        "1 exhaustive tier, 6 slices, quick suite, $2 and 60 s": (quick, Limits(2, 60)),
        "4 priced tiers, 6 attempts, 4 checks, no limits": (ladder, Limits()),
        "4 priced tiers, 6 attempts, 4 checks, $2 and 300 s": (ladder, Limits(2, 300)),
        "10 priced tiers, 6 attempts, 5 checks, no limits": (ten, Limits()),
        "10 priced tiers, 6 attempts, 5 checks, $2 and 300 s": (ten, Limits(2, 300)),
    }


def play(task: str, estimates: Estimates, limits: Limits) -> Timing:
    """Decide, pretend an outcome, decide again."""
    policy, belief, times = MarginalPolicy(), Belief().reproduced((0,), 3), []
    for turn in range(MOST_STEPS):
        options = offered(belief, estimates, ActionClass.COMMIT)
        started = time.perf_counter()
        decision = policy.decide(belief, options, estimates, Prices(), limits, ActionClass.COMMIT)
        times.append(1000 * (time.perf_counter() - started))
        chosen = next((c for c in decision.candidates if c.step == decision.chosen), None)
        if chosen is None or chosen.step.kind is StepKind.DEFER:
            break
        limits = Limits(
            limits.dollars - 1.1 * chosen.quote.dollars, limits.seconds - 1.1 * chosen.quote.seconds
        )
        belief = _after(belief, chosen, turn)
    later = times[1:] or times
    return Timing(task, times[0], statistics.median(later), max(later), len(times))


def _after(belief: Belief, chosen: Candidate, turn: int) -> Belief:
    """A pretended outcome: a third of the attempts give a candidate, every other check fails."""
    step = chosen.step
    if step.kind is StepKind.READ:
        return belief.after_read("localise", LOCALISED)
    if step.kind is StepKind.ACT and step.tier:
        return belief.after_candidate(step.tier) if turn % 3 == 1 else belief.after_failed_attempt(step.tier)
    if step.kind is StepKind.VERIFY and step.check:
        return belief.after_check(step.check, turn % 2 == 0)
    return belief.after_submit_failed()


def main() -> None:
    """Time every task and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    timings = [play(name, *task) for name, task in tasks().items()]
    print(f"{'task':<56} {'first ms':>9} {'median':>8} {'largest':>8} {'decisions':>10}")
    for timing in timings:
        print(
            f"{timing.task:<56} {timing.first_ms:>9.0f} {timing.median_ms:>8.2f} {timing.largest_ms:>8.1f} "
            f"{timing.decisions:>10}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(timing) for timing in timings], indent=2) + "\n")


if __name__ == "__main__":
    main()
