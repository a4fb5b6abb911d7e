"""Fault localisation: which statements are suspect, from what failing and passing tests execute."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandboxes.interface import INSIDE, WORK, RunRequest, Runtime
from tools.inside_files import inside_files
from tools.repair.reports import Event, events
from tools.verdicts import Frame

MAX_OTHERS = 60
MAX_LINES = 3_000
MOST_HANGING = 4
HANGING_SECONDS = 1.5
MAX_FRAMES = 60
MOST_SUSPECT = 20
FRAME_DECAY = 0.75
NEIGHBOURS = 5
IMPORT_SHARE = 0.5
ORIGIN = 0.6
Statement = tuple[str, int]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SuspiciousLine:
    """A statement (by its first line) and its suspiciousness in (0, 1]; 1 is the most suspect."""

    path: str
    line: int
    score: float


@dataclass(frozen=True)
class TestTrace:
    """What one test executed (statements of source files) and how it ended. `origins`: of a test file that
    does not collect, what bound the names that are read where it raises."""

    __test__ = False

    id: str
    outcome: str
    seconds: float
    error: str
    frames: tuple[Frame, ...]
    statements: frozenset[Statement]
    origins: frozenset[Statement] = frozenset()


@dataclass(frozen=True)
class Localisation:
    """Suspicious statements, most suspect first, ties in order of path and line.

    `method`: "ochiai+traceback" where some test passed, "reachability+traceback" where none did,
    "traceback" where no coverage came back, "none" where nothing is known. `frames`: those of the failures,
    innermost first. `hangs`: a failing test ran into its time limit or froze. `seconds`: wall time spent.
    """

    lines: tuple[SuspiciousLine, ...]
    method: str
    seconds: float
    failed: int
    passed: int
    frames: tuple[Frame, ...]
    errors: tuple[str, ...]
    hangs: bool
    affected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traced:
    """What tests executed. `imported`: statements that run at import, in every test; `seconds`: wall time."""

    traces: tuple[TestTrace, ...]
    imported: frozenset[Statement]
    seconds: float

    def reaches(self, test: str, paths: Collection[str]) -> bool:
        """Whether the test executes a statement of these files, import apart; True where nobody knows."""
        trace = next((trace for trace in self.traces if trace.id == test), None)
        return trace is None or any(path in paths for path, _ in trace.statements)


def localise(traced: Traced, failing: Collection[str]) -> Localisation:
    """The suspicious statements of these failing tests, as the passing ones among those traced tell."""
    return fuse(traced.traces, traced.imported, frozenset(failing), traced.seconds)


def trace_tests(
    runtime: Runtime,
    python: str,
    failing: Sequence[str],
    others: Sequence[str],
    timeout: float,
    on_progress: Progress | None = None,
    *,
    repo: str = f"{WORK}/repo",
    editable: Callable[[str], bool] = lambda path: path.endswith(".py"),
    budget: float = 30.0,
    seconds: float = math.inf,
    memory_bytes: int = 2**30,
    env: Mapping[str, str] | None = None,
    hanging: Sequence[str] = (),
) -> Traced:
    """Run the failing tests and the nearest of the others under coverage in the sandbox.

    `timeout`: seconds per test phase. `hanging`: tests known to hang; a few of them are enough, and each is
    cut after HANGING_SECONDS. `budget`: seconds after which no further passing test is started.
    `seconds`: time limit of it all.
    `editable` tells which paths (relative to `repo`) may be suspected at all. `env`: more environment
    variables for the tests. Raises SandboxError.
    """
    runtime.install_inside(inside_files())
    chosen = nearest(failing, others)
    hangs = [test for test in failing if test in set(hanging)]
    traced = [test for test in failing if test not in hangs[MOST_HANGING:]]
    settings = {
        "root": repo,
        "failing": traced,
        "others": chosen,
        "timeout": timeout,
        "limits": {test: min(timeout, HANGING_SECONDS) for test in hangs[:MOST_HANGING]},
        "budget": budget,
        "memory_bytes": memory_bytes,
    }
    total, seen = len(traced) + len(chosen), 0

    def count(chunk: bytes) -> None:
        nonlocal seen
        seen += chunk.count(b'{"event":"test"')
        if on_progress is not None:
            on_progress(min(seen, total), total)

    request = RunRequest(
        argv=(python, f"{INSIDE}/repair/start.py", "localise"),
        timeout=min(seconds, budget + 3 * timeout * len(traced) + 120.0),
        cwd=repo,
        stdin=json.dumps(settings).encode(),
        report=True,
        env={**(env or {}), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
    )
    result = runtime.run(request, on_report=count)
    traces, imported = _read(result.report, editable)
    return Traced(tuple(traces), imported, result.seconds)


def nearest(failing: Sequence[str], others: Sequence[str]) -> list[str]:
    """At most MAX_OTHERS of the others: tests of the same file first, then of the same folder."""
    files = {name.split("::")[0] for name in failing}
    folders = {PurePosixPath(file).parent for file in files}

    def distance(name: str) -> int:
        file = name.split("::")[0]
        return 0 if file in files else 1 if PurePosixPath(file).parent in folders else 2

    wanted = [name for name in others if name not in set(failing)]
    return sorted(wanted, key=distance)[:MAX_OTHERS]


def _read(report: bytes, editable: Callable[[str], bool]) -> tuple[list[TestTrace], frozenset[Statement]]:
    traces: list[TestTrace] = []
    imported: frozenset[Statement] = frozenset()
    for event in events(report):
        if event.kind == "import":
            imported |= _statements(event, editable)
        elif event.kind == "test":
            frames = tuple(frame for frame in _frames(event) if editable(frame.path))
            traces.append(
                TestTrace(
                    id=event.text("id"),
                    outcome=event.text("outcome"),
                    seconds=event.number("seconds"),
                    error=event.text("error", 300),
                    frames=frames,
                    statements=_statements(event, editable),
                    origins=_origins(event, editable),
                )
            )
    return traces, imported


def _statements(event: Event, editable: Callable[[str], bool]) -> frozenset[Statement]:
    table = event.fields.get("lines")
    found: set[Statement] = set()
    for path, lines in table.items() if isinstance(table, dict) else ():
        if isinstance(lines, list) and editable(path):
            found.update((path, line) for line in lines if type(line) is int and line > 0)
    return frozenset(found)


def _origins(event: Event, editable: Callable[[str], bool]) -> frozenset[Statement]:
    rows = event.fields.get("origins")
    found: set[Statement] = set()
    for row in rows if isinstance(rows, list) else ():
        match row:
            case [str(path), int(line)] if editable(path):
                found.add((path, line))
    return frozenset(found)


def _frames(event: Event) -> list[Frame]:
    rows = event.fields.get("frames")
    found: list[Frame] = []
    for row in rows[:MAX_FRAMES] if isinstance(rows, list) else ():
        match row:
            case [str(path), int(line), str(function)]:
                found.append(Frame(path, line, function))
    return found


def ochiai(failed_here: int, passed_here: int, failed: int) -> float:
    """ef / sqrt(F · (ef + ep)) (Ochiai 1957; Abreu et al. 2006), in [0, 1]."""
    return failed_here / math.sqrt(failed * (failed_here + passed_here)) if failed_here else 0.0


def fuse(
    traces: Sequence[TestTrace], imported: frozenset[Statement], failing: frozenset[str], seconds: float
) -> Localisation:
    """Combine coverage and tracebacks: score = coverage part x (1 + frame weight), the largest being 1.

    Statements that run at import are executed by every test; an edit there is suspected IMPORT_SHARE as
    much, since most of them only define. Where no test passes, the coverage part is the share of failing
    tests that reach the statement.
    """
    failures = [t for t in traces if t.outcome == "failed" and (t.id in failing or not t.statements)]
    passes = [t for t in traces if t.outcome == "passed" and t.id not in failing]
    frames = list(dict.fromkeys(frame for trace in failures for frame in trace.frames))
    failed_here = Counter(statement for trace in failures for statement in trace.statements)
    passed_here = Counter(statement for trace in passes for statement in trace.statements)
    count = max(1, len(failures))
    scores = {s: ochiai(n, passed_here[s], count) for s, n in failed_here.items()}
    reached = {path for path, _ in scores} | {frame.path for frame in frames}
    for statement in imported:
        if statement[0] in reached or not reached:
            at_import = IMPORT_SHARE * ochiai(count, len(passes), count)
            scores[statement] = max(scores.get(statement, 0.0), at_import)
    weights = _frame_weights(failures, scores)
    for statement, weight in weights.items():
        scores[statement] = scores.get(statement, 0.5) * (1.0 + weight)
    top = max(scores.values(), default=1.0)
    ordered = sorted(scores.items(), key=lambda item: (-round(item[1], 9), item[0]))[:MAX_LINES]
    most_suspect = {statement for statement, _ in ordered[:MOST_SUSPECT]}
    method = "reachability+traceback" if failed_here or imported else "traceback" if frames else "none"
    return Localisation(
        lines=tuple(SuspiciousLine(path, line, score / top) for (path, line), score in ordered if score > 0),
        method="ochiai+traceback" if passes and failed_here else method,
        seconds=seconds,
        failed=len(failures),
        passed=len(passes),
        frames=tuple(frames),
        errors=tuple(dict.fromkeys(trace.error for trace in failures if trace.error)),
        hangs=any(_hung(trace) for trace in failures),
        affected=tuple(trace.id for trace in passes if trace.statements & most_suspect),
    )


def _hung(trace: TestTrace) -> bool:
    return trace.error.startswith("TooSlow") or "froze" in trace.error


def _frame_weights(failures: Sequence[TestTrace], known: dict[Statement, float]) -> dict[Statement, float]:
    """Weight of statements named by tracebacks: FRAME_DECAY to the power of the distance from the failure
    at the frame itself, a part of it for its neighbours, since the cause often stands just before; ORIGIN for
    what bound the names that are read where a file raises while it is imported."""
    by_path: dict[str, list[int]] = {}
    for path, line in known:
        by_path.setdefault(path, []).append(line)
    weights: dict[Statement, float] = {}
    for trace in failures:
        weights.update(dict.fromkeys(trace.origins, ORIGIN))
    for trace in failures:
        for depth, frame in enumerate(trace.frames):
            weight = FRAME_DECAY**depth
            lines = by_path.get(frame.path, [])
            near = {line: 0.3 * weight for line in lines if abs(line - frame.line) <= NEIGHBOURS}
            for line, value in {**near, frame.line: weight}.items():
                statement = (frame.path, line)
                weights[statement] = max(weights.get(statement, 0.0), value)
    return weights
