"""What came of a job, as data (`result.json`), in words, and as Markdown."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

from agent.ci.flaky import FlakyTest
from agent.ci.survey import Survey
from agent.ci.tasks import Task
from agent.handover import Handover
from agent.handover_page import in_short
from agent.observations import Counts
from agent.report import Report
from agent.schema import schema_of
from agent.task import Record
from agent.units import counted, show_seconds
from policies.amounts import show_money
from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.vocabulary import EXIT_CODES, Outcome, Prices

RESULT_VERSION = 1
FIRST = (Outcome.INFRASTRUCTURE, Outcome.LIMIT, Outcome.DEFERRED, Outcome.FLAKY, Outcome.NOT_FIXED)
"""Of several tasks that were not all fixed, the first of these that occurred says how the job ended."""


SCHEMA_FILE = "result.schema.json"
MOST_NAMED = 20
"""Tests of a kind that the summary names."""

ALL = "all of it, as far as what was checked can tell"
SPLIT = "split in smaller tasks"
PATCH, CANDIDATE = "fix.patch", "candidate.patch"
"""Of a job, in its folder."""


class TaskReport(Record):
    """A task of the job: the tests that its patch is for (`also`: of other groups, which it fixes as well),
    how its run ended, and where its trace is. split: it found nothing, and its tests became other tasks that
    count in its place; joined: the run id of the task whose patch makes its tests pass, too, and which counts
    in its place. notify: who is to be told, by the schedule. value: V; dollars; seconds: of its own
    steps. handover: what a person is handed who takes over, null where nobody has to; page: the file that
    says it, "" for none. trace and page are paths within the folder of the job."""

    tests: tuple[str, ...]
    also: tuple[str, ...]
    split: bool = False
    joined: str = ""
    outcome: Outcome
    exit_code: int
    explanation: str
    value: float
    dollars: float
    seconds: float
    posterior: float | None
    diff: str
    run_id: str
    trace: str
    head_hash: str
    notify: tuple[str, ...] = ()
    handover: Handover | None = None
    page: str = ""

    @property
    def counts(self) -> bool:
        """Whether no other task counts in its place."""
        return not self.split and not self.joined


class JobReport(Record):
    """What came of a job. not_begun: tests for which there was no time or money left; passing: reported, and
    they pass here; unknown: reported, and not among this repository's tests; still_failing: that fail here
    (with the patch, if there is one) and that the job was not about. right: P(every part of the patch is
    right), as if the parts were independent; null without a patch. patch: all verified patches in
    one diff, and patch_sha256: of its file, "" without one; candidate: whether one that was not verified is
    left, as the job was cut off. head: the commit that it was made against, with
    `dirty` uncommitted files. verified: counts of the final verification. prices, schedule: of the job, by
    which it is published. seconds: of the job; suite_seconds: of a run of the suite in it; dollars: of all
    tasks."""

    version: int = RESULT_VERSION
    outcome: Outcome
    exit_code: int
    repository: str
    head: str
    dirty: int = 0
    tree: str
    failing: tuple[str, ...]
    fixed: tuple[str, ...]
    tasks: tuple[TaskReport, ...]
    not_begun: tuple[str, ...]
    flaky: tuple[FlakyTest, ...]
    passing: tuple[str, ...]
    unknown: tuple[str, ...]
    still_failing: tuple[str, ...] = ()
    right: float | None = None
    patch: str
    patch_sha256: str = ""
    candidate: bool = False
    verified: Counts | None = None
    prices: Prices = Prices()
    schedule: Schedule = DEFAULT_SCHEDULE
    dollars: float
    seconds: float
    suite_seconds: float

    def lines(self) -> list[str]:
        """The summary a person reads."""
        causes = sum(task.counts for task in self.tasks)
        runs = f", in {len(self.tasks)} runs" if len(self.tasks) > causes else ""
        shown = [
            f"outcome     {self.outcome} (exit code {self.exit_code})",
            f"failing     {counted(len(self.failing), 'test')}, {len(self.fixed)} of them fixed",
            f"tasks       {counted(causes, 'likely cause')} worked on{runs}",
            *([f"patch       {PATCH}"] if self.patch else []),
            *([f"right       with probability {self.right:.2f}, {ALL}"] if self.right is not None else []),
            *([f"candidate   {CANDIDATE}: not verified"] if self.candidate else []),
        ]
        for number, task in enumerate(self.tasks, start=1):
            more = len(task.tests) + len(task.also) - 1
            others = f" and {more} more" if more else ""
            ended = SPLIT if task.split else str(task.outcome)
            if task.outcome is Outcome.FIXED and task.posterior is not None:
                ended += f" (right with probability {task.posterior:.2f})"
            if task.joined:
                ended = f"joined task {[each.run_id for each in self.tasks].index(task.joined) + 1}"
            shown.append(f"task {number:<6} {ended}: {task.tests[0]}{others}")
            if task.handover is not None and task.counts:
                shown += [f"  {line}" for line in in_short(task.handover)]
                shown += [f"  one page    {task.page}"] if task.page else []
        told = dict.fromkeys(name for task in self.tasks for name in task.notify)
        shown += (
            [f"notify      {', '.join(told)} (by the autonomy schedule; nothing was sent)"] if told else []
        )
        shown += [f"flaky       {each.line()}" for each in self.flaky]
        shown += _named("not begun  ", self.not_begun)
        shown += _named("passes here", self.passing)
        shown += _named("not here   ", self.unknown)
        shown += _named("fails still", self.still_failing)
        shown.append(f"bill        {show_money(self.dollars)} · {show_seconds(self.seconds)}")
        return shown


def _named(what: str, tests: Sequence[str]) -> list[str]:
    """A line for each of the first tests, and how many more there are."""
    more = [f"{what} and {len(tests) - MOST_NAMED:,} more"] if len(tests) > MOST_NAMED else []
    return [*(f"{what} {test}" for test in tests[:MOST_NAMED]), *more]


def generated_schema() -> str:
    """The JSON Schema of `result.json`, from its types."""
    return schema_of(JobReport, f"The result.json of agent ci, version {RESULT_VERSION}")


def _cut_off(code: int) -> Outcome:
    return Outcome.INFRASTRUCTURE if code == EXIT_CODES[Outcome.INFRASTRUCTURE] else Outcome.INTERRUPTED


def outcome_of(fixed: bool, ended: Sequence[Outcome]) -> Outcome:
    """How the job ended: fixed only if every failure was."""
    if fixed:
        return Outcome.FIXED
    others = [each for each in ended if each is not Outcome.FIXED]
    return next((each for each in (*FIRST, *others) if each in ended), Outcome.NOT_FIXED)


def task_report(task: Task, report: Report, out: Path) -> TaskReport:
    """A task's part of the job's report, from its own. `out`: the folder of the job."""
    return TaskReport(
        tests=task.prospect.tests,
        also=task.also,
        split=task.split,
        joined=task.fixed_by.run.state.run_id if task.fixed_by else "",
        outcome=report.outcome,
        exit_code=report.exit_code,
        explanation=report.explanation,
        value=task.run.state.prices.value,
        dollars=report.dollars,
        seconds=report.seconds,
        posterior=report.posterior,
        diff=report.diff,
        run_id=report.run_id,
        trace=os.path.relpath(report.trace, out),
        head_hash=report.head_hash,
        notify=report.notify,
        handover=report.handover,
        page=os.path.relpath(report.page, out) if report.page else "",
    )


def job_report(
    survey: Survey,
    tasks: Sequence[TaskReport],
    not_begun: tuple[str, ...],
    patch: bytes,
    verified: Counts | None,
    seconds: float,
    noticed: tuple[FlakyTest, ...] = (),
    stopped: int = 0,
    candidate: bool = False,
    red: Sequence[str] = (),
) -> JobReport:
    """The report of a job that was surveyed. patch: what was verified, with these counts; noticed: flaky
    tests that nobody had asked about; stopped: the exit code of what cut it off; candidate: whether a
    patch that was not verified is left; red: all tests that fail, with the patch if there is one."""
    failing = tuple(test for group in survey.groups for test in group)
    fixed = tuple(
        test for task in tasks if task.outcome is Outcome.FIXED for test in (*task.tests, *task.also)
    )
    ended = [
        *(task.outcome for task in tasks if task.counts),
        *([Outcome.LIMIT] if not_begun else []),
        *([Outcome.FLAKY] if survey.flaky else []),
        *([Outcome.NOT_REPRODUCED] if survey.passing or survey.unknown else []),
    ]
    about = {*failing, *survey.passing, *(each.test for each in (*survey.flaky, *noticed))}
    still = tuple(test for test in red if test not in about)
    if not failing and not ended:  # what fails here without a word of it in the reports is not what was meant
        outcome = Outcome.NOT_REPRODUCED if still else Outcome.NOTHING_TO_FIX
    else:
        whole = set(fixed) >= set(failing) and not (survey.flaky or survey.passing or survey.unknown)
        outcome = outcome_of(whole, ended)
    intake = survey.state.intake
    assert intake is not None
    return JobReport(
        outcome=_cut_off(stopped) if stopped else outcome,
        exit_code=stopped or EXIT_CODES[outcome],
        repository=survey.state.settings.repository,
        head=intake.head,
        dirty=intake.dirty,
        tree=intake.tree_hash,
        failing=failing,
        fixed=fixed,
        tasks=tuple(tasks),
        not_begun=not_begun,
        flaky=(*survey.flaky, *noticed),
        passing=survey.passing,
        unknown=survey.unknown,
        still_failing=still,
        right=_all_right(tasks) if patch else None,
        patch=patch.decode("utf-8", "replace"),
        patch_sha256=hashlib.sha256(patch).hexdigest() if patch else "",
        candidate=candidate,
        verified=verified,
        prices=survey.state.settings.prices,
        schedule=survey.state.settings.schedule,
        dollars=sum(task.dollars for task in tasks),
        seconds=seconds,
        suite_seconds=survey.state.baseline.suite_seconds if survey.state.baseline else 0.0,
    )


def _all_right(tasks: Sequence[TaskReport]) -> float:
    parts = [task for task in tasks if task.outcome is Outcome.FIXED and task.counts]
    return math.prod(1.0 if task.posterior is None else task.posterior for task in parts)
