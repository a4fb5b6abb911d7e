"""From what a report of a test command says to a SuiteRun: shared by every runner that is not pytest.

The report is written by the process under test, or by its parent. It is only checked against itself and
against the exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sandboxes.interface import RunResult
from tools.endings import exit_words, output_tail, shortage
from tools.testing import Progress
from tools.verdicts import SuiteRun, Verdict


@dataclass(frozen=True)
class Reading:
    """What a report says (all of it untrusted).

    `verdicts` by id, in the order of the report. `errors` maps a file or package to why its tests could not
    be collected or did not all run. `problem` says why the report cannot be used, "" when it can.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def bad(self) -> bool:
        """Whether it holds anything for which a test command ends with another exit code than 0."""
        return bool(self.errors) or any(verdict.bad for verdict in self.verdicts.values())


def checked(reading: Reading, result: RunResult) -> Reading:
    """The reading, with a problem if it is empty or the exit code contradicts it."""
    if reading.problem:
        return reading
    problem = ""
    if not reading.verdicts and not reading.errors:
        problem = "the test report holds no tests"
    elif (result.exit_code == 0) == reading.bad:
        problem = f"the command ended with {exit_words(result)}, which its report does not explain"
    return Reading(reading.verdicts, reading.errors, problem)


def suite_run(
    reading: Reading, result: RunResult, ids: Sequence[str] | None, on_progress: Progress | None
) -> SuiteRun:
    """The run that the reading tells of, restricted to `ids` unless they are None."""
    verdicts, problem = reading.verdicts, reading.problem
    if ids is not None:
        problem = problem or next((f"{i} was not reported" for i in ids if i not in verdicts), "")
        verdicts = {i: verdicts[i] for i in ids if i in verdicts}
    if on_progress is not None:
        for done, verdict in enumerate(verdicts.values(), 1):
            on_progress(verdict, done, len(verdicts))
    short = shortage(result) if problem and not verdicts else None
    return SuiteRun(
        collected=tuple(verdicts),
        verdicts=dict(verdicts),
        complete=not problem,
        problem=problem,
        collection_errors=dict(reading.errors),
        short={"": short} if short is not None else {},
        seconds=result.seconds,
        exit_code=result.exit_code,
        output=output_tail(result),
    )


def numbered(names: Iterable[str]) -> list[str]:
    """The names with the second and later of equal ones told apart: `a`, `a #2`."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found
