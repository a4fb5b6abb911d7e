"""`agent ci` on a repository with 200 tests, 12 failures of 5 seeded causes and 2 flaky tests.

    python -m benchmarks.ci [--seeds N] [--json FILE]

Per seed: whether it found the five causes, how many it fixed, whether another test fails with the patch,
whether it named the flaky tests, and how long it took beside a run of the suite and the search. Then the same
under half of the time that it took, and the start-up where nothing fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from agent.ci.report import JobReport
from benchmarks._ci_repository import Made, make

AGENT = Path(sys.executable).with_name("agent")


@dataclass(frozen=True)
class Row:
    """One job. groups: as found; causes: of them that are exactly one seeded cause; fixed: causes whose tests
    all pass; regressed: tests that failed only with the patch; flaky: flaky tests that were named. seconds:
    wall time of the job; search: of its tasks; suite: of one run of the suite in the sandbox; ratio: of the
    wall time to suite and search. stolen: the share of the machine's time that its host gave to others."""

    seed: int
    deadline: float
    groups: int
    causes: int
    fixed: int
    regressed: int
    flaky: int
    seconds: float
    search: float
    suite: float
    ratio: float
    stolen: float
    exit_code: int


def job(made: Made, out: Path, *words: str) -> tuple[JobReport, float]:
    """Run `agent ci`; returns its result and its wall time."""
    began = time.monotonic()
    done = subprocess.run(
        [AGENT, "ci", made.folder, "--out", out, *words], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    result = out / "result.json"
    if not result.is_file():
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return JobReport.model_validate_json(result.read_bytes()), seconds


def measured(made: Made, seed: int, out: Path, deadline: float) -> Row:
    """A job and what it came to."""
    words = ("--deadline", f"{deadline:.0f}s") if deadline else ()
    before = _processor_time()
    result, seconds = job(made, out, *words)
    stolen, all_of_it = (now - then for now, then in zip(_processor_time(), before, strict=True))
    search = sum(task.seconds for task in result.tasks)
    found = [frozenset((*task.tests, *task.also)) for task in result.tasks if task.counts]
    fixed, named = set(result.fixed), {each.test for each in result.flaky}
    return Row(
        seed=seed,
        deadline=deadline,
        groups=len(found),
        causes=sum(cause in found for cause in made.causes),
        fixed=sum(cause <= fixed for cause in made.causes),
        regressed=len(_regressed(made, out)),
        flaky=len(named & set(made.flaky)),
        seconds=seconds,
        search=search,
        suite=result.suite_seconds,
        ratio=seconds / (search + result.suite_seconds),
        stolen=stolen / all_of_it if all_of_it else 0.0,
        exit_code=result.exit_code,
    )


def _processor_time() -> tuple[int, int]:
    """Ticks that the host of a virtual machine took, and all ticks, since it started (`man proc`)."""
    stat = Path("/proc/stat")
    if not stat.is_file():
        return 0, 0
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    return ticks[7], sum(ticks)


def _regressed(made: Made, out: Path) -> set[str]:
    """Tests outside of all causes that fail with the patch, in a copy, by this interpreter."""
    patch = out / "fix.patch"
    if not patch.is_file():
        return set()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy")
        shutil.copytree(made.folder, copy, ignore=shutil.ignore_patterns(".git"))
        subprocess.run(["git", "apply", "--unsafe-paths", patch], cwd=copy, check=True)
        command = [sys.executable, "-B", "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300, check=False)
    failing = {line.split()[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))}
    return failing - set(made.flaky) - {test for cause in made.causes for test in cause}


def start_up(folder: Path, out: Path) -> tuple[float, float]:
    """Where nothing fails: seconds of the job, and of the suite in it."""
    began = time.monotonic()
    done = subprocess.run([AGENT, "ci", folder, "--out", out], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return seconds, float(json.loads((out / "result.json").read_bytes())["suite_seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = list[Row]()
    print("".join(f"{field.name:>10}" for field in fields(Row)))
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(1, given.seeds + 1):
            made = make(Path(scratch, str(seed)), seed)
            whole = measured(made, seed, Path(scratch, f"{seed}-out"), 0)
            half = measured(made, seed, Path(scratch, f"{seed}-half"), whole.seconds / 2)
            for row in (whole, half):
                rows.append(row)
                print("".join(f"{value:10.4g}" for value in asdict(row).values()), flush=True)
        green = Path(scratch, "green")
        (green / "tests").mkdir(parents=True)
        (green / "tests" / "test_green.py").write_text("def test_green():\n    pass\n")
        start_up(green, Path(scratch, "green-first"))  # its environment is built once
        seconds, suite = start_up(green, Path(scratch, "green-out"))
        print(f"nothing failing: {seconds - suite:.2f} s beyond the suite's {suite:.2f} s (aim 1.5)")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
