"""The files that a job leaves in its folder, and its part of the CI system's summary."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from agent.ci import RESULT, TRACES
from agent.ci.report import SPLIT, JobReport
from agent.errors import unwritable
from agent.outputs import write_json, write_output
from agent.step_summary import add_to_summary
from policies.vocabulary import Prices
from tools.junit import dotted
from tools.plain import plain, plain_line
from tools.verdicts import SuiteRun, VerdictOutcome

JUNIT, SUMMARY, AUDIT = "junit.xml", "summary.md", "audit.html"
FLAKY, IGNORED = "flaky.txt", ".gitignore"
MOST_MESSAGE = 4000


def new_folder(out: Path) -> tuple[Path, ...]:
    """Make the job's folder, which git ignores, as it may lie in the repository. Returns what was made, the
    innermost first. Raises UsageError and AgentError where that cannot be done; nothing is left then."""
    made = tuple(each for each in (out, *out.parents) if not each.exists())
    try:
        out.mkdir(parents=True)
        (out / IGNORED).write_text("*\n")
    except OSError as error:
        take_away(made)
        raise unwritable(out, error) from error
    return made


def take_away(made: tuple[Path, ...]) -> None:
    """Undo `new_folder`, where nothing else was written."""
    with suppress(OSError):
        (made[0] / IGNORED).unlink(missing_ok=True)
        for each in made:
            each.rmdir()


def write_patch(path: Path, patch: bytes) -> None:
    """Raises UsageError and AgentError where that cannot be done."""
    try:
        path.write_bytes(patch)
    except OSError as error:
        raise unwritable(path, error) from error


def write_outputs(out: Path, report: JobReport, suite: SuiteRun | None, prices: Prices) -> str:
    """Everything but the patch and the traces, which are there already. `suite`: the final verification's.
    Returns why the CI system's summary could not be added to, or "".

    Raises UsageError and AgentError for what cannot be written.
    """
    text = summary(report)
    write_json(out / RESULT, report)
    write_output(out / SUMMARY, [text])
    if report.flaky:
        write_output(out / FLAKY, [f"{plain_line(each.line(), 1000)}\n" for each in report.flaky])
    if suite is not None:
        write_output(out / JUNIT, [junit(suite)])
    if report.tasks:
        write_output(out / AUDIT, [_audited(out / TRACES, prices)])
    return add_to_summary(text)


def junit(suite: SuiteRun) -> str:
    """The verdicts of a run as JUnit XML; messages of tests are text, without control characters."""
    cases = TestSuite("agent ci: final verification")
    for test in suite.collected:
        verdict = suite.verdicts.get(test)
        if verdict is None:
            continue
        classname, name = dotted(plain_line(test, 1000))
        case = TestCase(name, classname, verdict.seconds)
        said = plain(verdict.message, MOST_MESSAGE)
        if verdict.outcome in (VerdictOutcome.FAILED, VerdictOutcome.TIMEOUT):
            case.result = [Failure(said)]
        elif verdict.outcome is VerdictOutcome.ERROR:
            case.result = [Error(said)]
        elif not verdict.passed:
            case.result = [Skipped(said)]
        cases.add_testcase(case)
    xml: Any = JUnitXml()
    xml.add_testsuite(cases)
    written: bytes = xml.tostring()
    return written.decode()


def summary(report: JobReport) -> str:
    """The report as Markdown; what comes from the repository is text in it."""
    from agent.audit.markdown import escaped  # with what an audit says: only this waits for it

    lines = [f"## agent ci: {escaped(report.outcome)} (exit code {report.exit_code})", ""]
    lines += [f"- {escaped(plain_line(line, 500))}" for line in report.lines()[1:]]
    if report.tasks:
        lines += [
            "",
            "| task | tests | how it ended | P(right) | run | head hash |",
            "|---|---|---|---|---|---|",
        ]
    for number, task in enumerate(report.tasks, start=1):
        right = "" if task.posterior is None else f"{task.posterior:.2f}"
        ended = SPLIT if task.split else str(task.outcome)
        cells = (str(number), plain_line(", ".join((*task.tests, *task.also)), 300), ended, right)
        row = (*map(escaped, cells), escaped(task.run_id), f"`{task.head_hash}`")
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, ""])


def _audited(traces: Path, prices: Prices) -> str:
    from agent.audit.page import page_of
    from agent.audit.sources import audit_paths

    return page_of(audit_paths([traces], prices, nullcontext, ""), prices)
