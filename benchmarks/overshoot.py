"""Money that is spent beyond a limit: none, however requests fail and processes end.

    python -m benchmarks.overshoot [--runs N] [--seed N] [--jobs N] [--json FILE]

Each run is the real loop with the real policies, ledger, trace, model tiers and retries, on a task whose
tools are scripted and a clock that is simulated. The provider behind the tiers fails at random and bills
what it likes where nobody can see it (a broken stream, a timeout), up to the dearest there is; our books do
not ask it. Processes are killed at random, within and between the lines of the trace and while they reopen
it, and runs are resumed. A seed stands for one run: the same seed gives the same run. Exit 1 if in any run

- the books, or the books with what is reserved for the next request, exceed the limit;
- a provider bills more than is booked, in all or for one request;
- the bills of requests, of steps and the report differ;
- a request is sent without an intent of its own on disk.

`--json` writes the fields of `Figures`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._simulated_run import Result, simulated
from benchmarks.options import at_least

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory; a trace is synced to disk line by line."""


@dataclass(frozen=True)
class Figures:
    """Over all runs. Money in dollars. crashes: processes killed; stopped: ended by a signal, a lost sandbox
    or a limit, before what was left was resumed or not. answered, failed: requests, failures by kind ("lost":
    killed before the answer was on disk). overshoot: the most by which anything booked, reserved or billed
    exceeded a limit. unbooked: the most that a provider billed beyond our books. overbooked: what our books
    hold beyond the bills, as a share of the bills; overbooked_mean: per run. violations: what did not hold,
    by seed."""

    runs: int
    first_seed: int
    outcomes: dict[str, int]
    steps: int
    crashes: int
    stopped: int
    requests: int
    answered: int
    failed: dict[str, int]
    billed: float
    booked: float
    overshoot: float
    unbooked: float
    overbooked: float
    overbooked_mean: float
    least_left: float
    violations: dict[int, tuple[str, ...]]


def one(seed: int) -> Result:
    """The run of this seed, with its trace in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        return simulated(seed, Path(scratch) / "trace")


def figures(results: Iterable[Result], first_seed: int) -> Figures:
    """What the runs come to together."""
    found = list(results)
    failures, outcomes = Counter[str](), Counter[str]()
    for result in found:
        failures.update(result.failures)
        outcomes[result.outcome] += 1
    billed, booked = sum(result.billed for result in found), sum(result.booked for result in found)
    most = [max(result.booked, result.billed, result.highest) - result.limit for result in found]
    return Figures(
        runs=len(found),
        first_seed=first_seed,
        outcomes=dict(outcomes.most_common()),
        steps=sum(result.steps for result in found),
        crashes=sum(result.crashes for result in found),
        stopped=sum(result.stops for result in found),
        requests=sum(result.requests for result in found),
        answered=failures.pop("", 0),
        failed=dict(failures.most_common()),
        billed=billed,
        booked=booked,
        overshoot=max(0.0, *most),
        unbooked=max(0.0, *(result.billed - result.booked for result in found)),
        overbooked=booked / billed - 1 if billed else 0.0,
        overbooked_mean=(booked - billed) / len(found),
        least_left=min(-each for each in most),
        violations={result.seed: result.problems for result in found if result.problems},
    )


@contextmanager
def _played(seeds: range, jobs: int) -> Iterator[Iterator[Result]]:
    """The results in the order of their seeds."""
    if jobs == 1:
        yield map(one, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield pool.map(one, seeds, chunksize=8)


def _told(results: Iterator[Result]) -> Iterator[Result]:
    """The results, and now and then how far they are."""
    wrong = 0
    for number, result in enumerate(results, 1):
        wrong += bool(result.problems)
        if number % 250 == 0:
            print(f"{number} runs, {wrong} with violations", file=sys.stderr, flush=True)
        yield result


def show(found: Figures, seconds: float) -> None:
    """Print the table."""
    rows = {
        "runs": f"{found.runs:,} (seeds {found.first_seed} to {found.first_seed + found.runs - 1})",
        "  by outcome": _counts(found.outcomes),
        "  steps": f"{found.steps:,}",
        "processes killed": f"{found.crashes:,}",
        "runs ended from outside": f"{found.stopped:,}",
        "requests": f"{found.requests:,}",
        "  answered": f"{found.answered:,}",
        "  failed, by kind": _counts(found.failed),
        "billed by providers": f"${found.billed:,.2f}",
        "booked by us": f"${found.booked:,.2f} ({found.overbooked:+.1%}; ${found.overbooked_mean:.4f} a run)",
        "most beyond a limit": f"${found.overshoot:.6f}",
        "most beyond our books": f"${found.unbooked:.6f}",
        "closest to a limit": f"${found.least_left:.6f} left",
        "seconds": f"{seconds:.0f}",
    }
    for name, text in rows.items():
        print(f"{name:<24} {text}")
    for seed, problems in list(found.violations.items())[:10]:
        print(f"VIOLATED by seed {seed}: {'; '.join(problems[:3])}")
    held = "no violation" if not found.violations else f"{len(found.violations)} runs with VIOLATIONS"
    print(held)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def main() -> None:
    """Play the runs and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=at_least(1), default=1000, help="how many [%(default)s]")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the first run [%(default)s]")
    jobs = min(2, os.cpu_count() or 1)
    parser.add_argument("--jobs", type=at_least(1), default=jobs, help="at a time [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    began = time.perf_counter()
    with _played(range(arguments.seed, arguments.seed + arguments.runs), arguments.jobs) as results:
        found = figures(_told(results), arguments.seed)
    show(found, time.perf_counter() - began)
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(found), indent=2) + "\n")
    raise SystemExit(1 if found.violations else 0)


if __name__ == "__main__":
    main()
