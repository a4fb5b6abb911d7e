"""Run tests by any command: its exit code, or the JUnit XML it writes, becomes verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sandboxes.interface import REPO, WORK, RunRequest, RunResult, Runtime
from tools.endings import output_tail
from tools.junit import MAX_BYTES, junit_cases
from tools.reading import Reading, checked, suite_run
from tools.testing import MAX_OUTPUT, Progress, RunLimits
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

JUNIT = f"{WORK}/junit.xml"
"""Where a command writes its JUnit XML: in the work area, since /tmp is emptied when a command ends."""


@dataclass(frozen=True)
class CommandRunner:
    """Any command that runs the whole suite: by its exit code, or by the JUnit XML it writes to $AGENT_JUNIT.

    Without JUnit there is one verdict, whose id is the command. With it, exit code and verdicts must agree.
    Unlike with pytest, the file is written by the process under test and cannot be checked further.
    """

    runtime: Runtime
    shell: str
    repo: str = REPO
    junit: str = JUNIT
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        return self.shell

    def collect(self, limits: RunLimits) -> SuiteRun:
        """Runs the command: there is no other way to learn the ids."""
        return replace(self.run(None, limits), verdicts={})

    def run(
        self, ids: Sequence[str] | None, limits: RunLimits, on_progress: Progress | None = None
    ) -> SuiteRun:
        """Runs everything; `ids` selects among the verdicts."""
        self.runtime.remove(self.junit)
        result = self.runtime.run(
            RunRequest(
                argv=("sh", "-c", self.shell),
                timeout=limits.seconds,
                cwd=self.repo,
                env={**self.env, "AGENT_JUNIT": self.junit},
                max_output=MAX_OUTPUT,
                memory_bytes=limits.memory_bytes,
            )
        )
        return suite_run(self._reading(result), result, ids, on_progress)

    def _reading(self, result: RunResult) -> Reading:
        if result.timed_out:
            return self._one(VerdictOutcome.TIMEOUT, result, "took longer than its time limit")
        try:
            data = self.runtime.read(self.junit, MAX_BYTES)
        except FileNotFoundError:
            if result.exit_code == 0:
                return self._one(VerdictOutcome.PASSED, result, "")
            return self._one(VerdictOutcome.FAILED, result, output_tail(result))
        except ValueError as error:
            return Reading(problem=f"the test report cannot be read: {error}")
        return checked(_reading_of(data), result)

    def _one(self, outcome: VerdictOutcome, result: RunResult, message: str) -> Reading:
        return Reading({self.shell: Verdict(self.shell, outcome, result.seconds, message)})


def _reading_of(data: bytes) -> Reading:
    verdicts: dict[str, Verdict] = {}
    try:
        cases = junit_cases(data)
    except ValueError as error:
        return Reading(problem=f"the test report cannot be read: {error}")
    for case in cases:
        if case.id in verdicts:
            return Reading(verdicts, problem=f"the test report names {case.id} twice")
        verdicts[case.id] = Verdict(case.id, case.outcome, case.seconds, case.message, case.file)
    return Reading(verdicts)
