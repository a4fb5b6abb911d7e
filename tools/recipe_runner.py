"""Runs the tests by a recipe: shell text in the sandbox, then its report read as one of the known formats."""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sandboxes.interface import REPO, RunRequest, RunResult, Runtime
from tools.command_tests import JUNIT
from tools.endings import exit_words
from tools.go_tests import read_go_report
from tools.junit import MAX_BYTES, JUnitCase, junit_cases
from tools.reading import Reading, checked, numbered, suite_run
from tools.recipes import Recipe, ReportFormat
from tools.testing import MAX_OUTPUT, Progress, RunLimits, TestRunner
from tools.unittest_tests import UnittestRunner
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

PART_OF_SUITE = 10
"""How many times the limit of one test a part of the suite (a package, in go) may take."""


def runner_of(recipe: Recipe, runtime: Runtime, python: str, repo: str = REPO) -> TestRunner:
    """What runs the tests by this recipe. `python` is the interpreter inside, for runners that are Python."""
    if recipe.report == "signed":
        return UnittestRunner(runtime, python, repo)
    return RecipeRunner(runtime, recipe, repo)


@dataclass(frozen=True)
class RecipeRunner:
    """Tests by shell text and a report that the tool itself writes.

    A run is not complete when the report is missing, cut off, or contradicts the exit code. Raises
    SandboxError when the sandbox is gone.
    """

    runtime: Runtime
    recipe: Recipe
    repo: str = REPO
    junit: str = JUNIT
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        digest = hashlib.sha256(self.recipe.shell(None).encode()).hexdigest()[:12]
        return f"{self.recipe.name} ({digest})"

    def collect(self, limits: RunLimits) -> SuiteRun:
        """Runs everything: most of these tools cannot list their tests."""
        return replace(self.run(None, limits), verdicts={})

    def run(
        self, ids: Sequence[str] | None, limits: RunLimits, on_progress: Progress | None = None
    ) -> SuiteRun:
        """Runs what holds `ids` (their files, packages or classes), or everything."""
        self.runtime.remove(self.junit)
        part = max(1, int(min(PART_OF_SUITE * limits.per_test_seconds, 0.9 * limits.seconds)))
        result = self.runtime.run(
            RunRequest(
                argv=("sh", "-c", self.recipe.shell(ids)),
                timeout=limits.seconds,
                cwd=self.repo,
                env={**self.env, "AGENT_JUNIT": self.junit, "AGENT_TEST_SECONDS": str(part)},
                report=self.recipe.piped,
                max_output=MAX_OUTPUT,
                max_report=MAX_BYTES,
                memory_bytes=limits.memory_bytes,
            )
        )
        return suite_run(self._reading(result), result, ids, on_progress)

    def _reading(self, result: RunResult) -> Reading:
        if result.timed_out:
            return Reading(problem="the run took longer than its time limit")
        try:
            data = result.report if self.recipe.piped else self.runtime.read(self.junit, MAX_BYTES)
        except FileNotFoundError:
            data = b""
        except ValueError as error:
            return Reading(problem=f"the test report cannot be read: {error}")
        if not data.strip():
            return Reading(
                problem=f"no test report was written ({exit_words(result)}): {_last_words(result)}"
            )
        if self.recipe.report == "go":
            return checked(read_go_report(data, result.stderr.decode("utf-8", "replace")), result)
        return checked(read_junit(data, self.recipe.report, self.repo), result)


def read_junit(data: bytes, report: ReportFormat, repo: str) -> Reading:
    """JUnit XML as one of the tools writes it; ids are `file::name`, in the order of the files' names.

    A failure that is a whole file's (it does not load, its set-up fails) is among the errors.
    """
    try:
        cases = junit_cases(data)
    except ValueError as error:
        return Reading(problem=f"the test report cannot be read: {error}")
    if report == "node" and any(not case.file for case in cases):
        return Reading(problem="the test report leaves out files: node 18.19 or newer is needed")
    errors: dict[str, str] = {}
    named: list[tuple[str, JUnitCase]] = []
    for case in sorted(cases, key=lambda case: _place(case, report, repo)[0]):
        path, name = _place(case, report, repo)
        outcome = _outcome(case, report)
        if not name and outcome is not VerdictOutcome.PASSED:
            errors.setdefault(path, case.message)
        else:
            named.append((f"{path}::{name}" if name else path, case))
    ids = numbered(name for name, _ in named)
    verdicts = {
        test: Verdict(test, _outcome(case, report), case.seconds, case.message)
        for test, (_, case) in zip(ids, named, strict=True)
    }
    return Reading(verdicts, errors)


def _place(case: JUnitCase, report: ReportFormat, repo: str) -> tuple[str, str]:
    """The file of a test, relative to the repository, and its name there, "" for the file as a whole."""
    if report == "vitest":  # the class is the file
        return case.classname, "" if case.name == case.classname else case.name
    if report == "phpunit":
        path = os.path.relpath(case.file, repo) if case.file else ""
        return path, f"{case.classname.replace('.', chr(92))}::{case.name}"
    if not case.classname and case.name == case.file:
        return case.file, ""
    return case.file, f"{case.classname} > {case.name}" if case.classname else case.name


def _outcome(case: JUnitCase, report: ReportFormat) -> VerdictOutcome:
    if case.kind == "testTimeoutFailure" or case.message.startswith("Test timed out in "):
        return VerdictOutcome.TIMEOUT
    if case.kind.endswith("RiskyTestError"):  # PHPUnit: it proves nothing, and the run does not fail for it
        return VerdictOutcome.SKIPPED
    if report == "vitest" and case.outcome is VerdictOutcome.PASSED and case.seconds == 0:
        return VerdictOutcome.ERROR  # vitest counts as passed what was not run because its worker died
    return case.outcome


def _last_words(result: RunResult) -> str:
    said = (
        result.stderr.decode("utf-8", "replace").strip() or result.stdout.decode("utf-8", "replace").strip()
    )
    return said.splitlines()[-1][:500] if said else ""
