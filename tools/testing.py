"""Run tests in a sandbox and get typed verdicts: pytest through our own plugin, anything else by command.

The report comes from a process that runs the code under repair, so it is never taken at its word: see
`tools.report` for the reading and `tools.verdicts.judge` for what a run must show to count.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sandboxes.interface import INSIDE, REPO, RunRequest, RunResult, Runtime
from tools.endings import exit_words, last_line, last_words, output_tail, shortage, shortage_said
from tools.report import ProcessReport, ReportReader
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome, ids_of

MAX_OUTPUT = 200_000
Progress = Callable[[Verdict, int, int], None]
"""Called with each verdict, how many tests are done, and how many there are (0: not known yet)."""


@dataclass(frozen=True)
class RunLimits:
    """Bounds of a run: seconds in all, seconds per test, bytes of memory per process (None: the sandbox's).

    `computing_seconds`: CPU time of one test's own process in user mode (0: without limit). `hanging`:
    tests known to hang, with the seconds each gets in place of `per_test_seconds`. Both are heeded by pytest
    only. `restarts`: how often the run goes on in a new process after a test has ended the old one.
    """

    seconds: float = 600.0
    per_test_seconds: float = 30.0
    memory_bytes: int | None = 1 * 2**30
    collect_seconds: float = 60.0
    computing_seconds: float = 0.0
    hanging: tuple[tuple[str, float], ...] = ()
    restarts: int = 20

    @property
    def key(self) -> tuple[tuple[str, float], ...]:
        """What belongs into a verdict key (`seconds` in all cuts a run short, it changes no verdict)."""
        return (
            ("collect_seconds", self.collect_seconds),
            ("computing_seconds", self.computing_seconds),
            ("memory_bytes", float(self.memory_bytes or 0)),
            ("per_test_seconds", self.per_test_seconds),
            *((f"per_test_seconds {test}", seconds) for test, seconds in sorted(self.hanging)),
        )


class TestRunner(Protocol):
    """A way to run the tests of a repository. `command` names it in verdict keys and reports."""

    @property
    def command(self) -> str: ...

    def collect(self, limits: RunLimits) -> SuiteRun:
        """The ids of all tests, without running them (no verdicts)."""
        ...

    def run(
        self, ids: Sequence[str] | None, limits: RunLimits, on_progress: Progress | None = None
    ) -> SuiteRun:
        """Run the tests with these ids, or all. An id that no test has stands for all that are in it (a file,
        a class, a parametrised test)."""
        ...


@dataclass(frozen=True)
class PytestRunner:
    """pytest in the repository's own interpreter, one cold process (more when a test ends it).

    Raises SandboxError when the sandbox is gone; everything else is in the SuiteRun.
    """

    runtime: Runtime
    python: str
    repo: str = REPO
    inside: str = INSIDE
    env: Mapping[str, str] = field(default_factory=dict)
    script: str = "pytest_run.py"

    @property
    def command(self) -> str:
        return f"{self.python} -m pytest"

    def collect(self, limits: RunLimits) -> SuiteRun:
        report, result = self._process(None, limits, limits.seconds, collect_only=True)
        run = _Assembly(None, limits)
        run.add(report, result)
        return run.result(result)

    def run(
        self, ids: Sequence[str] | None, limits: RunLimits, on_progress: Progress | None = None
    ) -> SuiteRun:
        run = _Assembly(ids, limits)
        finish_by = time.monotonic() + limits.seconds
        remaining = ids

        def progress(verdict: Verdict) -> None:
            if on_progress is not None:
                run.heard += 1
                on_progress(verdict, run.heard, len(run.collected) or len(ids or ()))

        for _ in range(limits.restarts + 1):
            seconds_left = finish_by - time.monotonic()
            if seconds_left <= 0:
                run.problem = f"the run took longer than {limits.seconds:g} s"
                break
            report, result = self._process(remaining, limits, seconds_left, on_verdict=progress)
            run.add(report, result)
            remaining = run.remaining
            if run.problem or not remaining:
                break
        else:
            run.problem = f"tests ended the process more than {limits.restarts} times"
        return run.result(result)

    def _process(
        self,
        ids: Sequence[str] | None,
        limits: RunLimits,
        seconds: float,
        collect_only: bool = False,
        on_verdict: Callable[[Verdict], None] | None = None,
    ) -> tuple[ProcessReport, RunResult]:
        key = secrets.token_bytes(32)
        parameters = {
            "ids": None if ids is None else list(ids),
            "collect_only": collect_only,
            "key": key.hex(),
            "per_test_seconds": limits.per_test_seconds,
            "hanging": dict(limits.hanging),
            "computing_seconds": limits.computing_seconds,
            "collect_seconds": limits.collect_seconds,
        }
        request = RunRequest(
            argv=(self.python, f"{self.inside}/{self.script}"),
            timeout=seconds,
            cwd=self.repo,
            env=self.env,
            stdin=json.dumps(parameters).encode(),
            report=True,
            max_output=MAX_OUTPUT,
            memory_bytes=limits.memory_bytes,
        )
        reader = ReportReader(key, on_verdict)
        result = self.runtime.run(request, on_report=reader.feed)
        return reader.close(), result


class _Assembly:
    """Puts the reports of one or more processes together."""

    def __init__(self, wanted: Sequence[str] | None, limits: RunLimits) -> None:
        self._wanted = wanted
        self._limits = limits
        self.collected: tuple[str, ...] = ()
        self.remaining: tuple[str, ...] = ()
        self.problem = ""
        self.heard = 0
        self._run = SuiteRun((), {}, complete=False)
        self._verdicts: dict[str, Verdict] = {}
        self._seconds = 0.0

    def add(self, report: ProcessReport, result: RunResult) -> None:
        """Take in what a process said and how it ended."""
        self._seconds += result.seconds
        if report.collected is None:
            self._not_collected(report, result)
            return
        if not self.collected:
            self._first(report)
        elif list(report.collected.ids) != list(self.remaining):
            self.problem = "the rest of the tests was collected otherwise in a new process"
            return
        self._verdicts.update(report.finished)
        self.problem = report.problem or self._ending(report, result)
        done = self._verdicts
        self.remaining = tuple(i for i in self.collected if i not in done)
        if report.ended is not None and not self.problem:
            self._close(report)

    def result(self, last: RunResult) -> SuiteRun:
        """The run as a whole."""
        return replace(
            self._run,
            verdicts={i: self._verdicts[i] for i in self.collected if i in self._verdicts},
            complete=not self.problem,
            problem=self.problem,
            seconds=self._seconds,
            exit_code=last.exit_code,
            output=output_tail(last),
        )

    def _not_collected(self, report: ProcessReport, result: RunResult) -> None:
        short = None if report.problem else shortage(result, report.hung)
        if short is not None:
            self._run = replace(self._run, short={**self._run.short, "": short})
            self.problem = f"collecting the tests {short.words}"
        else:
            self.problem = report.problem or _why_not_collected(result)

    def _first(self, report: ProcessReport) -> None:
        assert report.collected is not None
        self.collected = tuple(report.collected.ids)
        seconds = self._limits.collect_seconds
        short = {error.id: shortage_said(error.message, seconds) for error in report.collected.errors}
        self._run = SuiteRun(
            collected=self.collected,
            verdicts={},
            complete=False,
            deselected=tuple(report.collected.deselected),
            collection_errors={error.id: error.message for error in report.collected.errors},
            short={file: what for file, what in short.items() if what is not None},
            implicated={error.id: tuple(error.sources) for error in report.collected.errors},
            plugin_files=tuple(report.collected.plugins),
        )

    def _ending(self, report: ProcessReport, result: RunResult) -> str:
        """How the process ended: a verdict for the test that was running, or what is wrong."""
        if result.timed_out:
            if report.started is not None:
                self._verdicts[report.started] = Verdict(report.started, VerdictOutcome.TIMEOUT)
            return "the run took longer than its time limit"
        if report.ended is not None:
            return _contradiction(report, result)
        if report.started is None:
            return f"the process ended before its report did ({exit_words(result)})"
        slow = report.rang or report.hung
        message = "took longer than its time limit" if slow else f"ended the process ({exit_words(result)})"
        outcome = VerdictOutcome.TIMEOUT if slow else VerdictOutcome.ERROR
        self._verdicts[report.started] = Verdict(report.started, outcome, message=message)
        return ""

    def _close(self, report: ProcessReport) -> None:
        assert report.ended is not None
        merged = {*self._run.altered, *report.ended.altered}
        plugins = {*self._run.plugins, *report.ended.plugins}
        self._run = replace(self._run, altered=tuple(sorted(merged)), plugins=tuple(sorted(plugins)))
        if report.ended.canaries:
            self.problem = f"the test machinery does not tell the truth: {report.ended.canaries[0]}"
        if self._wanted is None or self.problem:
            return
        asked = {name: ids_of(name, self._verdicts) for name in self._wanted}
        if missing := [name for name, tests in asked.items() if not tests]:
            self.problem = f"{missing[0]} was not collected"
        elif set(self._verdicts) - {test for tests in asked.values() for test in tests}:
            self.problem = "tests were run that were not asked for"


def _contradiction(report: ProcessReport, result: RunResult) -> str:
    """What is wrong with a report that has an end, or ""."""
    assert report.ended is not None
    assert report.collected is not None
    status = report.ended.status
    if result.exit_code != status:
        return f"the report ends with status {status}, the process with {exit_words(result)}"
    outcomes = {verdict.outcome for verdict in report.finished.values()}
    if status == 2:
        return "pytest was interrupted"
    failed = bool(outcomes & {VerdictOutcome.FAILED, VerdictOutcome.ERROR}) or bool(report.collected.errors)
    expected = {1} if failed else ({5} if not report.collected.ids else {0})
    if VerdictOutcome.TIMEOUT in outcomes:
        expected |= {0, 1}  # the code under test may have swallowed the alarm
    if status not in expected:
        return f"pytest ended with status {status}, which its verdicts do not explain"
    return ""


def _why_not_collected(result: RunResult) -> str:
    said = last_words(result)
    last = last_line(said)
    if result.exit_code == 4:
        errors = [line for line in said.splitlines() if "error:" in line.lower()]
        reason = (errors or [last])[-1].strip()
        return f"pytest refused its settings: {reason[:500]}"
    return f"the tests were not collected ({exit_words(result)}): {last[:500]}"
