"""What our own code costs per step, with no model and no tests in it.

    python -m benchmarks.overhead [--trace DIR] [--rounds N] [--json FILE]

The recorded results of a real run (by default of the demo, run for this) are fed to the real loop: belief,
lookahead, decision, ledger, trace with fsync, and the view. Time is taken from one step's result to the
next step's start, and from a step's result to the end; printed is the median over all steps and rounds.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console

from agent import fold
from agent.errors import TraceError
from agent.events import RequestDone, StepDone, TierSeen
from agent.loop import Performed, drive
from agent.policies import policy_named
from agent.purse import Purse
from agent.redact import Redactor
from agent.state import State
from agent.trace import Trace, TraceWriter, start_of
from agent.view import View
from benchmarks.demo import AGENT, make_repository
from benchmarks.options import at_least
from policies.vocabulary import Step

TARGET_MS = 20.0


class RecordedEffects:
    """Effects that give back what a trace recorded, and take the time between two steps.

    The clock it offers is that of the recorded run, so that every decision comes out as it did then.
    """

    def __init__(self, results: list[StepDone]) -> None:
        self._results = iter(results)
        self._recorded = 0.0
        self._left = time.perf_counter()
        self.overheads: list[float] = []

    def clock(self) -> float:
        """Seconds of the recorded run."""
        return self._recorded

    def look(self, state: State) -> tuple[TierSeen, ...]:
        """Nothing is seen of any tier."""
        del state
        return ()

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """The recorded result of this step. Raises TraceError when another step was recorded next."""
        del state
        self.overheads.append(time.perf_counter() - self._left)
        done = next(self._results, None)
        if done is None or done.step != step:
            raise TraceError(f"{step.name} was asked for and was not recorded next")
        self._recorded += done.bill.seconds
        self._left = time.perf_counter()
        if done.bill.dollars:
            purse.open(step.name, done.bill.dollars)
            purse.settle(RequestDone(tier=step.name, dollars=done.bill.dollars))
        return Performed(done.observation, done.bill.loss)

    def finish(self) -> None:
        """The run has ended: the time since its last result is overhead of that step."""
        self.overheads.append(time.perf_counter() - self._left)


def measure(folder: Path, rounds: int) -> list[float]:
    """Seconds of overhead of every step of every round."""
    started, events = start_of(Trace(folder))
    results = [event for event in events if isinstance(event, StepDone)]
    overheads: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            writer = TraceWriter(Path(scratch) / "trace", Redactor())
            effects = RecordedEffects(results)
            view = View(Console(file=io.StringIO(), width=120))
            writer.append(started)
            policy = policy_named(started.policy, started.settings.schedule)
            drive(fold.start(started), policy, effects, writer.append, effects.clock, view)
            effects.finish()
            writer.close()
            overheads += effects.overheads
    return overheads


def demo_trace(scratch: Path) -> Path:
    """A trace of the demo, run for this measurement."""
    trace = scratch / "demo-trace"
    repository = make_repository(scratch / "repository")
    done = subprocess.run(
        [str(AGENT), "fix", str(repository), "--trace", str(trace)], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the demo ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return trace


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trace", type=Path, help="a trace to run again; without it, the demo's")
    parser.add_argument(
        "--rounds", type=at_least(1), default=20, help="how often it is run again [%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        overheads = measure(arguments.trace or demo_trace(Path(scratch)), arguments.rounds)
    milliseconds = sorted(1000 * seconds for seconds in overheads)
    figures = {
        "steps": len(milliseconds),
        "median_ms": statistics.median(milliseconds),
        "p90_ms": milliseconds[int(0.9 * len(milliseconds))],
        "max_ms": milliseconds[-1],
        "target_ms": TARGET_MS,
    }
    print("overhead of our own code per step (loop, lookahead, trace with fsync, view)")
    for name, value in figures.items():
        print(f"  {name:<10} {value:>8.1f}" if isinstance(value, float) else f"  {name:<10} {value:>8}")
    print(f"  median below {TARGET_MS:g} ms: {'yes' if figures['median_ms'] < TARGET_MS else 'NO'}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
