"""Candidate patches per second: a cold pytest for each, forks that import them, forks with code replaced.

    python -m benchmarks.screening [--candidates N] [--json FILE]

A small suite is made for this: one module, three tests, and N wrong candidates that change one function
each. All rows run in the same sandbox and give the same verdicts. "from disk" is measured with candidates
that also change what runs at import, so that code cannot be replaced; "cold" with a few of the first kind.
Shown are the median of the milliseconds per candidate and its inverse, what starting costs once, and how
many candidates a second came out by the clock on the wall, the start and the slow ones included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.table import Table

from benchmarks.options import at_least
from sandboxes.backend import Backend
from sandboxes.building import PYTHON
from sandboxes.docker_backend import DockerBackend
from sandboxes.environments import build_environment
from sandboxes.generated import NOTHING
from sandboxes.interface import REPO, Sandbox, SandboxError
from sandboxes.requirements import Declarations
from tools.files import FileEdit, apply
from tools.screening import FEWEST_FORKED, Screen
from tools.testing import PytestRunner, RunLimits

TARGET_PER_SECOND = 200.0
TARGET_TIMES_COLD = 8.0
MODULE = """\
class Ledger:
    def __init__(self):
        self.entries = []

    def add(self, amount):
        self.entries.append(amount)
        return self

    def balance(self):
        return sum(self.entries) - len(self.entries)
"""
TESTS = """\
from ledger import Ledger


def test_balance():
    assert Ledger().add(2).add(3).balance() == 5


def test_empty():
    assert Ledger().balance() == 0


def test_chain():
    ledger = Ledger()
    assert ledger.add(1) is ledger
"""
TARGETS = ("test_ledger.py::test_balance", "test_ledger.py::test_empty", "test_ledger.py::test_chain")
FAULT = "- len(self.entries)"


@dataclass(frozen=True)
class Row:
    """One way of trying candidates: the median of the milliseconds each took, candidates per second of it,
    how many times that is the rate of a cold pytest, seconds spent before the first verdict, and candidates
    per second of all that passed, the start included."""

    way: str
    candidates: int
    median_ms: float
    per_second: float
    times_cold: float
    start_seconds: float
    wall_per_second: float


@dataclass(frozen=True)
class Measured:
    """Seconds of each candidate, seconds before the first verdict, and seconds of all `tried` together."""

    each: list[float]
    start: float
    wall: float
    tried: int


def candidates(count: int, *, at_import: bool) -> list[tuple[FileEdit, ...]]:
    """Wrong candidates, no two alike."""
    found: list[tuple[FileEdit, ...]] = []
    for number in range(count):
        text = MODULE.replace(FAULT, f"- {number + 7}")
        found.append((FileEdit("ledger.py", (f"LIMIT = {number}\n\n\n" * at_import + text).encode()),))
    return found


def measure_cold(sandbox: Sandbox, tried: Sequence[tuple[FileEdit, ...]]) -> Measured:
    """Seconds of a cold pytest for each candidate, putting the tree back included."""
    runner = PytestRunner(sandbox, PYTHON, env={"PYTHONDONTWRITEBYTECODE": "1"})
    pristine = sandbox.checkpoint(REPO)
    taken = []
    for edits in tried:
        started = time.perf_counter()
        apply(sandbox, REPO, edits)
        run = runner.run(TARGETS, RunLimits())
        sandbox.restore(pristine)
        taken.append(time.perf_counter() - started)
        if not run.complete or not run.failing:
            raise SystemExit(f"a wrong candidate passed: {run.problem}")
    return Measured(taken, 0.0, sum(taken), len(taken))


def measure_forks(sandbox: Sandbox, tried: Sequence[tuple[FileEdit, ...]], mode: str) -> Measured:
    """Screen them; the seconds are those of candidates that were judged in this mode."""
    first: list[float] = []
    started = time.perf_counter()
    found = Screen(sandbox, PYTHON, REPO, TARGETS).screen(
        tried, 600.0, lambda _: first.append(time.perf_counter() - started)
    )
    wall = time.perf_counter() - started
    taken = [each.seconds for each in found.verdicts if each.mode == mode and each.verdict == "failed"]
    if len(taken) < 0.9 * len(tried):
        raise SystemExit(
            f"only {len(taken)} of {len(tried)} candidates were judged {mode}: {found.unforkable}"
        )
    return Measured(taken, first[0], wall, len(tried))


def measure(sandbox: Sandbox, count: int) -> list[Row]:
    """The three rows."""
    sandbox.write(f"{REPO}/ledger.py", MODULE.encode())
    sandbox.write(f"{REPO}/test_ledger.py", TESTS.encode())
    hot = measure_forks(sandbox, candidates(count, at_import=False), "hot")
    disk = measure_forks(sandbox, candidates(count, at_import=True), "fork")
    cold = measure_cold(sandbox, candidates(max(5, count // 20), at_import=False))
    base = statistics.median(cold.each)
    return [row("cold pytest", cold, base), row("fork, from disk", disk, base), row("fork, hot", hot, base)]


def row(way: str, measured: Measured, cold: float) -> Row:
    """A row of the table. `cold`: the median of the seconds of a cold pytest."""
    median, wall = statistics.median(measured.each), measured.tried / measured.wall
    return Row(way, len(measured.each), 1000 * median, 1 / median, cold / median, measured.start, wall)


def screening(backend: Backend, count: int) -> list[Row]:
    """The rows, measured in a sandbox of a backend."""
    base = backend.base(SpecifierSet(), print)
    image = build_environment(backend, Declarations(), base=base, tree_tar=NOTHING, progress=print).image
    with backend.sandbox(image, python=PYTHON) as sandbox:
        return measure(sandbox, count)


def show(rows: Sequence[Row]) -> None:
    """Print the table, and whether the targets are met."""
    table = Table(title="screening candidate patches, one after the other (one core)", box=None)
    for heading in ("", "candidates", "median ms", "per second", "times cold", "start s", "per second, wall"):
        table.add_column(heading, justify="left" if not heading else "right")
    for each in rows:
        table.add_row(
            each.way,
            str(each.candidates),
            f"{each.median_ms:.1f}",
            f"{each.per_second:.1f}",
            f"{each.times_cold:.1f}",
            f"{each.start_seconds:.1f}",
            f"{each.wall_per_second:.1f}",
        )
    Console(width=110).print(table)
    forked, hot = rows[1], rows[2]
    print(f"  fork at least {TARGET_TIMES_COLD:g} times cold: {yes(forked.times_cold >= TARGET_TIMES_COLD)}")
    print(f"  hot at least {TARGET_PER_SECOND:g} per second: {yes(hot.per_second >= TARGET_PER_SECOND)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--candidates", type=at_least(FEWEST_FORKED), default=300, help="candidate patches [%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    try:
        rows = screening(DockerBackend(), arguments.candidates)
    except SandboxError as error:
        raise SystemExit(str(error)) from None
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")


def yes(holds: bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    main()
