"""Run tests by any command: its exit code, or the JUnit XML it writes, becomes verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sandboxes.interface import REPO, WORK, RunRequest, RunResult, Runtime
from tools.junit import JUnitCase, junit_cases
from tools.testing import MAX_OUTPUT, Progress, RunLimits, exit_words, output_tail
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome


@dataclass(frozen=True)
class CommandRunner:
    """Any command that runs the whole suite: by its exit code, or by the JUnit XML it writes to $AGENT_JUNIT.

    Without JUnit there is one verdict, whose id is the command. With it, exit code and verdicts must agree.
    Unlike with pytest, the file is written by the process under test and cannot be checked further.
    """

    runtime: Runtime
    shell: str
    repo: str = REPO
    junit: str = f"{WORK}/junit.xml"
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
        verdicts, problem = self._verdicts(result)
        if ids is not None:
            problem = problem or next((f"{i} was not reported" for i in ids if i not in verdicts), "")
            verdicts = {i: verdicts[i] for i in ids if i in verdicts}
        for done, verdict in enumerate(verdicts.values(), 1):
            if on_progress is not None:
                on_progress(verdict, done, len(verdicts))
        return SuiteRun(
            collected=tuple(verdicts),
            verdicts=verdicts,
            complete=not problem,
            problem=problem,
            seconds=result.seconds,
            exit_code=result.exit_code,
            output=output_tail(result),
        )

    def _verdicts(self, result: RunResult) -> tuple[dict[str, Verdict], str]:
        if result.timed_out:
            verdict = Verdict(
                self.shell, VerdictOutcome.TIMEOUT, result.seconds, "took longer than its time limit"
            )
            return {self.shell: verdict}, ""
        try:
            cases = junit_cases(self.runtime.read(self.junit, 50_000_000))
        except FileNotFoundError:
            outcome = VerdictOutcome.PASSED if result.exit_code == 0 else VerdictOutcome.FAILED
            message = "" if outcome is VerdictOutcome.PASSED else output_tail(result)
            return {self.shell: Verdict(self.shell, outcome, result.seconds, message)}, ""
        except ValueError as error:
            return {}, f"the test report cannot be read: {error}"
        return _case_verdicts(cases, result)


def _case_verdicts(cases: Sequence[JUnitCase], result: RunResult) -> tuple[dict[str, Verdict], str]:
    verdicts: dict[str, Verdict] = {}
    for case in cases:
        if case.id in verdicts:
            return verdicts, f"the test report names {case.id} twice"
        verdicts[case.id] = Verdict(case.id, case.outcome, case.seconds, case.message, case.file)
    if not verdicts:
        return verdicts, "the test report holds no tests"
    if (result.exit_code == 0) == any(verdict.bad for verdict in verdicts.values()):
        return verdicts, f"the command ended with {exit_words(result)}, which its report does not explain"
    return verdicts, ""
