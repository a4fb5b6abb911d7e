"""What a sandbox costs: a command, a start, a repository in, a checkpoint; beside the usual ways.

    python -m benchmarks.sandbox [--rounds N] [--json FILE]

All ways are timed in turn within every round, so that what else the machine does falls on all of them.
Printed are medians in milliseconds. `docker exec` starts the engine's client for each command, as agents do
that keep a container and exec into it; the bare subprocess has no isolation at all. Last come candidate
patches per second (`benchmarks.screening`).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.table import Table

from benchmarks import screening
from benchmarks.options import at_least
from sandboxes.backend import Backend
from sandboxes.choose import choose_backend
from sandboxes.docker import DockerSandbox
from sandboxes.interface import REPO, BackendName, RunRequest, Sandbox, SandboxError, SandboxLimits

TRUE = ("true",)
PYTHON = ("python3", "-I", "-S", "-c", "pass")
LARGE = SandboxLimits(memory_bytes=4 * 2**30, disk_bytes=2**30)
FILES, FILE_BYTES = 2000, 100_000
SMALL_FILES, SMALL_BYTES = 500, 12_000
EXEC = "docker exec per command"
BARE = "bare subprocess"
BACKENDS: tuple[BackendName, ...] = ("docker", "bubblewrap")


@dataclass(frozen=True)
class Figure:
    """Median, least and largest milliseconds of `what` done in the way `way`."""

    what: str
    way: str
    median_ms: float
    least_ms: float
    largest_ms: float
    rounds: int


Timed = dict[tuple[str, str], Callable[[], float | None]]
"""By what and way: work to time, or that gives back the seconds of the part of it that counts."""


def archive(files: int, size: int) -> bytes:
    """A tar of that many files of random bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(files):
            member = tarfile.TarInfo(f"folder{number % 50}/file{number}")
            member.size = size
            tar.addfile(member, io.BytesIO(os.urandom(size)))
    return out.getvalue()


def measure(timed: Timed, rounds: int) -> list[Figure]:
    """Time everything in turn, `rounds` times, after one round that counts for nothing."""
    milliseconds: dict[tuple[str, str], list[float]] = {key: [] for key in timed}
    for round_number in range(rounds + 1):
        for key, work in timed.items():
            started = time.perf_counter()
            part = work()
            took = time.perf_counter() - started if part is None else part
            if round_number:
                milliseconds[key].append(1000 * took)
    return [
        Figure(what, way, statistics.median(each), min(each), max(each), rounds)
        for (what, way), each in milliseconds.items()
    ]


def run(sandbox: Sandbox, argv: tuple[str, ...]) -> None:
    result = sandbox.run(RunRequest(argv, timeout=60))
    if result.exit_code != 0:
        raise SystemExit(f"{argv} ended with {result.exit_code}: {result.stderr.decode(errors='replace')}")


def run_bare(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True)


def start_to_first_command(backend: Backend, image: str) -> float:
    """Seconds from nothing to the end of the first command."""
    started = time.perf_counter()
    with backend.sandbox(image) as sandbox:
        run(sandbox, TRUE)
        return time.perf_counter() - started


def commands(sandboxes: dict[str, Sandbox]) -> Timed:
    """One command, in every way there is."""
    timed: Timed = {}
    for what, argv in (("true", TRUE), ("python3 -I -S -c pass", PYTHON)):
        timed[what, BARE] = partial(run_bare, argv)
        for name, sandbox in sandboxes.items():
            timed[what, name] = partial(run, sandbox, argv)
            if isinstance(sandbox, DockerSandbox) and shutil.which("docker"):
                container = str(sandbox.container.id)
                call = ["docker", "exec", "-u", "1000", container, *argv]
                timed[what, EXEC] = partial(run_bare, call)
    return timed


def files(sandboxes: dict[str, Sandbox]) -> Timed:
    """200 MB in; a checkpoint of 6 MB in 500 files, and going back to it after one file was written."""
    large, small = archive(FILES, FILE_BYTES), archive(SMALL_FILES, SMALL_BYTES)
    timed: Timed = {}
    for name, sandbox in sandboxes.items():
        sandbox.put_tar(f"{REPO}/small", small)
        kept = sandbox.checkpoint(f"{REPO}/small")

        def put(sandbox: Sandbox = sandbox) -> None:
            sandbox.put_tar(f"{REPO}/large", large)

        def back(sandbox: Sandbox = sandbox, kept: str = kept) -> None:
            sandbox.write(f"{REPO}/small/folder1/file1", b"changed")
            sandbox.restore(kept)

        timed["200 MB in 2000 files into the sandbox", name] = put
        timed["write one of 500 files, then restore", name] = back
    return timed


def backends() -> dict[str, tuple[Backend, str]]:
    """The backends that can be used here, each with its base image."""
    found: dict[str, tuple[Backend, str]] = {}
    for name in BACKENDS:
        try:
            backend = choose_backend(name)
            found[name] = backend, backend.base(SpecifierSet(), print)
        except SandboxError as error:
            print(f"left out: {name}: {error}")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--rounds", type=at_least(1), default=30, help="how often each is measured [%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    here = backends()
    if not here:
        raise SystemExit("no backend can be used; `agent doctor` says why")
    starts: Timed = {
        ("start to first command", name): partial(start_to_first_command, *pair)
        for name, pair in here.items()
    }
    few = max(3, arguments.rounds // 6)
    with ExitStack() as started:
        sandboxes: dict[str, Sandbox] = {
            name: started.enter_context(backend.sandbox(image, LARGE))
            for name, (backend, image) in here.items()
        }
        figures = [
            *measure(commands(sandboxes), arguments.rounds),
            *measure(files(sandboxes), few),
            *measure(starts, few),
        ]
    show(figures)
    rows = screening.screening(next(iter(here.values()))[0], 10 * arguments.rounds)
    screening.show(rows)
    if arguments.json:
        found = {"sandbox": [asdict(each) for each in figures], "screening": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def show(figures: list[Figure]) -> None:
    """Print the table, and what follows for the targets."""
    table = Table("what", "way", "median ms", "least", "largest", "rounds", box=None)
    for figure in figures:
        cells = (f"{value:.1f}" for value in (figure.median_ms, figure.least_ms, figure.largest_ms))
        table.add_row(figure.what, figure.way, *cells, str(figure.rounds))
    Console(width=110).print(table)
    medians = {(figure.what, figure.way): figure.median_ms for figure in figures}
    bare = medians["true", BARE]
    for name in BACKENDS:
        if ("true", name) not in medians:
            continue
        took = medians["true", name]
        line = f"{name}: `true` takes {took - bare:+.1f} ms more than a bare subprocess (target: at most 3)"
        if name == "docker" and ("true", EXEC) in medians:
            line += f", {medians['true', EXEC] / took:.0f}x faster than docker exec (target: 15)"
        print(line)


if __name__ == "__main__":
    main()
