"""Screens candidate patches: which of them are worth a verification.

A fork server inside the sandbox tries each candidate in a fork of a warmed process, many times faster than
a cold pytest. What it cannot tell it says, and a cold run tells instead. Screening only: no verdict from
here, in whatever mode it was reached, stands in for the cold verification in a fresh tree (hard rule 5).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sandboxes.interface import INSIDE, RunRequest, RunResult, Runtime
from tools.files import FileEdit, apply, inside_path
from tools.inside_files import inside_files
from tools.repair.reports import Event, EventReader
from tools.testing import PytestRunner, RunLimits
from tools.verdicts import SuiteRun, VerdictOutcome

ScreenVerdict = Literal["passed", "failed", "timeout", "died", "unsafe"]
ScreenMode = Literal["hot", "fork", "cold"]
COLLECT_SECONDS = 60.0
CLOSING_SECONDS = 2.0
MAX_SERVERS = 3
FEWEST_FORKED = 4  # starting a server costs about as much as this many cold runs


@dataclass(frozen=True)
class Screened:
    """What the tests say about one candidate (`index` into the list that was given).

    `verdict`: passed (every target, then every affected test); failed; timeout; died (the process under test
    ended); unsafe (only a cold run can tell, and there was no time for it). `mode`: hot (code replaced in
    a fork that had imported everything), fork (imported from disk in a fork), cold. `why`: the deciding
    test, or the reason (untrusted text). `seconds` of wall time that it took.
    """

    index: int
    verdict: ScreenVerdict
    mode: ScreenMode
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class ScreenResult:
    """`verdicts` in the order they were reached; candidates for which there was no time are not among them.

    `unforkable`: why candidates were not forked ("": they were). `seconds` of wall time in all.
    """

    verdicts: tuple[Screened, ...]
    unforkable: str
    seconds: float

    @property
    def passed(self) -> tuple[int, ...]:
        """Indices of the candidates that passed, in order."""
        return tuple(sorted(each.index for each in self.verdicts if each.verdict == "passed"))


OnVerdict = Callable[[Screened], None]
Candidate = Sequence[FileEdit]


class Screen:
    """Screens candidates against `targets`, which must all pass, and then `affected`, which must as well.

    The verdict is that of a cold run of the targets on a tree with the candidate, followed by one of the
    affected tests: a candidate that a fork cannot judge so is run cold. `timeout`: seconds per test.
    `memory_bytes` bounds each process. `pristine`: a checkpoint of `repo` to go back to. `env`: more
    environment variables for the tests.
    """

    def __init__(
        self,
        runtime: Runtime,
        python: str,
        repo: str,
        targets: Sequence[str],
        *,
        affected: Sequence[str] = (),
        timeout: float = 10.0,
        memory_bytes: int = 2**30,
        pristine: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Raises ValueError without targets, SandboxError."""
        if not targets:
            raise ValueError("no target tests")
        self._runtime, self._python, self._repo = runtime, python, repo
        self._targets, self._affected = tuple(targets), tuple(affected)
        self._timeout, self._memory_bytes = timeout, memory_bytes
        self._env = {**(env or {}), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        runtime.install_inside(inside_files())
        self._pristine = pristine or runtime.checkpoint(repo)
        self._cold = PytestRunner(runtime, python, repo, INSIDE, self._env)
        self._reference: dict[str, tuple[str, str, int]] | None = None

    def screen(
        self, candidates: Sequence[Candidate], seconds: float, on_verdict: OnVerdict | None = None
    ) -> ScreenResult:
        """Verdicts on the candidates, within `seconds` of wall time; `on_verdict` is told each as it comes.

        The tree is afterwards as it was. Raises ValueError for a path outside the tree, SandboxError.
        """
        for edit in (edit for candidate in candidates for edit in candidate):
            inside_path(self._repo, edit.path)
        screening = _Screening(time.monotonic(), seconds, on_verdict)
        if len(candidates) >= FEWEST_FORKED:
            self._forked(candidates, screening)
        else:
            screening.unforkable = "too few candidates to be worth a server"
        self._run_cold(candidates, screening)
        verdicts = tuple(screening.verdicts.values())
        return ScreenResult(verdicts, screening.unforkable, screening.elapsed)

    def _forked(self, candidates: Sequence[Candidate], screening: _Screening) -> None:
        """Judge what can be judged in forks; a server whose tree was spoiled is followed by another."""
        reference = self._cold_reference(screening)
        for _ in range(MAX_SERVERS):
            rest = [n for n in range(len(candidates)) if n not in screening.verdicts]
            left = screening.left - CLOSING_SECONDS
            if not rest or left <= 0:
                return
            heard = _Heard(rest, screening)
            result = self._serve([candidates[n] for n in rest], reference, left, heard)
            if result.exit_code != 0:
                self._runtime.restore(self._pristine)
            if heard.count == 0 or (heard.ended is not None and not heard.ended.text("why")):
                screening.unforkable = _reason(heard, result)
                return

    def _serve(
        self,
        candidates: Sequence[Candidate],
        reference: Mapping[str, tuple[str, str, int]],
        seconds: float,
        heard: _Heard,
    ) -> RunResult:
        settings = {
            "root": self._repo,
            "candidates": [[[edit.path, _encoded(edit.content)] for edit in each] for each in candidates],
            "targets": self._targets,
            "affected": self._affected,
            "reference": reference,
            "seconds": seconds,
            "test_seconds": self._timeout,
            "collect_seconds": COLLECT_SECONDS,
            "memory_bytes": self._memory_bytes,
        }
        request = RunRequest(
            argv=(self._python, f"{INSIDE}/repair/start.py", "screen"),
            timeout=seconds + CLOSING_SECONDS / 2,
            cwd=self._repo,
            env=self._env,
            stdin=json.dumps(settings).encode(),
            report=True,
        )
        return self._runtime.run(request, on_report=EventReader(heard).feed)

    def _cold_reference(self, screening: _Screening) -> Mapping[str, tuple[str, str, int]]:
        """How the targets end on the tree as it is, in a cold run: what forks must show as well."""
        if self._reference is None:
            run = self._cold.run(self._targets, self._limits(screening.left))
            self._runtime.restore(self._pristine)
            self._reference = {test: _row(run, test) for test in run.verdicts}
        return self._reference

    def _run_cold(self, candidates: Sequence[Candidate], screening: _Screening) -> None:
        """Judge the rest, each in a fresh process on a restored tree."""
        for index in [n for n in range(len(candidates)) if n not in screening.settled]:
            if screening.left <= CLOSING_SECONDS:
                return
            started = time.monotonic()
            apply(self._runtime, self._repo, candidates[index])
            try:
                verdict, why = self._judge(screening)
            finally:
                self._runtime.restore(self._pristine)
            if verdict is not None:
                screening.add(Screened(index, verdict, "cold", time.monotonic() - started, why))

    def _judge(self, screening: _Screening) -> tuple[ScreenVerdict | None, str]:
        """The cold verdict on the tree as it is now; None when time was up first."""
        for ids in (self._targets, self._affected):
            run = self._cold.run(ids, self._limits(screening.left)) if ids else None
            if run is not None and (verdict := _cold_verdict(run, ids)) != "passed":
                bad = next((i for i in ids if not run.passed(i)), "")
                return (None if screening.left <= 0 else verdict), run.problem or bad
        return "passed", ""

    def _limits(self, seconds: float) -> RunLimits:
        return RunLimits(
            seconds=max(seconds, 0.1),
            per_test_seconds=self._timeout,
            memory_bytes=self._memory_bytes,
            collect_seconds=COLLECT_SECONDS,
        )


class _Screening:
    """One call of `screen`: its clock and its verdicts so far."""

    def __init__(self, started: float, seconds: float, on_verdict: OnVerdict | None) -> None:
        self._started, self._seconds, self._on_verdict = started, seconds, on_verdict
        self.verdicts: dict[int, Screened] = {}
        self.unforkable = ""

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        return self._seconds - self.elapsed

    @property
    def settled(self) -> set[int]:
        return {index for index, each in self.verdicts.items() if each.verdict != "unsafe"}

    def add(self, screened: Screened) -> None:
        self.verdicts.pop(screened.index, None)
        self.verdicts[screened.index] = screened
        if self._on_verdict is not None and screened.verdict != "unsafe":
            self._on_verdict(screened)


class _Heard:
    """What a server reports; `numbers` are its candidates' indices in the caller's list."""

    def __init__(self, numbers: Sequence[int], screening: _Screening) -> None:
        self._numbers, self._screening = numbers, screening
        self.count = 0
        self.ended: Event | None = None

    def __call__(self, event: Event) -> None:
        if event.kind == "end":
            self.ended = event
        if event.kind != "verdict" or event.integer("index") >= len(self._numbers):
            return
        verdict, mode = event.text("verdict"), event.text("mode")
        index = self._numbers[event.integer("index")]
        if verdict in get_args(ScreenVerdict) and mode in get_args(ScreenMode):
            self.count += 1
            self._screening.add(
                Screened(index, verdict, mode, event.number("seconds"), event.text("why"))  # type: ignore[arg-type]
            )


def _reason(heard: _Heard, result: RunResult) -> str:
    if heard.ended is not None:
        return heard.ended.text("why")
    tail = result.stderr[-300:].decode("utf-8", "replace")
    return "" if result.timed_out else f"the fork server ended (exit {result.exit_code}): {tail}"


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _row(run: SuiteRun, test: str) -> tuple[str, str, int]:
    verdict = run.verdicts[test]
    if verdict.outcome is VerdictOutcome.TIMEOUT or not verdict.frames:
        return (str(verdict.outcome), "", 0)
    return (str(verdict.outcome), verdict.frames[-1].path, verdict.frames[-1].line)


def _cold_verdict(run: SuiteRun, ids: Sequence[str]) -> ScreenVerdict:
    if run.complete and all(run.passed(test) for test in ids):
        return "passed"
    outcomes = {verdict.outcome for verdict in run.verdicts.values()}
    return "timeout" if VerdictOutcome.TIMEOUT in outcomes else "failed"
