"""What is to be published: the patch of a job's folder or of a trace, as it was verified, or an error."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from agent.ci import RESULT
from agent.ci.lead import lead_trace, read_bounded, read_report
from agent.ci.report import PATCH
from agent.deliver import FIXED_PATCH
from agent.errors import TraceError, UsageError
from agent.observations import Counts
from agent.state import State
from policies.autonomy import Schedule
from policies.vocabulary import ActionClass, Outcome, Prices
from tools.patch import MAX_PATCH_BYTES

MOST_PATCH = 4 * MAX_PATCH_BYTES
"""A patch holds what it takes away, too, and context."""


@dataclass(frozen=True)
class Verified:
    """A verified patch. file: where it lies; commit: the full id of the one it was made against, with `dirty`
    uncommitted files; tests: that it makes pass, of `failing` that failed; right: P(all of it is right);
    counts: of the final verification, None where the record does not say; runs: (run id, head hash of its
    trace); dollars and seconds: of all of it; prices, schedule: of the run; record: where it is written down
    what was published, None for nowhere; asked: the trace by which people were asked to approve its
    publishing, None where they were not; name: of the folder, as `agent approvals` takes it, "" for a patch
    without a trace by which it could be approved; run: the id of the run of that trace."""

    file: Path
    patch: bytes
    commit: str
    dirty: int
    tests: tuple[str, ...]
    failing: int
    right: float
    counts: Counts | None
    runs: tuple[tuple[str, str], ...]
    dollars: float
    seconds: float
    prices: Prices
    schedule: Schedule
    record: Path | None
    asked: Path | None
    name: str
    run: str

    @property
    def digest(self) -> str:
        """SHA-256 of the patch."""
        return hashlib.sha256(self.patch).hexdigest()


def find_verified(word: str) -> Verified:
    """The verified patch in the folder of a job, or of the trace that `word` names.

    Raises UsageError where none was verified, TraceError where the patch is not the one that was."""
    folder = Path(word)
    found = _of_job(folder) if _is_file(folder / RESULT) else _of_trace(word)
    if len(found.commit) not in (40, 64) or not set(found.commit) <= set("0123456789abcdef"):
        raise UsageError(f"{found.file} was not made against a commit, so there is nothing to put it on")
    return found


def _of_job(folder: Path) -> Verified:
    from agent.approvals.page import state_of

    report = read_report(folder)
    fixed = [task for task in report.tasks if task.outcome is Outcome.FIXED]
    if not fixed or not report.patch_sha256:
        raise UsageError(f"{folder / RESULT} says of no patch that it was verified; nothing is published")
    patch = read_bounded(folder / PATCH, MOST_PATCH)
    trace = lead_trace(folder, report)
    state = None if trace is None else state_of(trace)
    tests, right = report.fixed, math.prod(task.posterior or 0.0 for task in fixed)
    if state is not None and state.merged is not None:  # what is signed counts, not what is written beside it
        tests, right = state.merged.tests, min(right, state.merged.right)
    if hashlib.sha256(patch).hexdigest() != report.patch_sha256:
        raise TraceError(f"{folder / PATCH} is not the patch that was verified, as {RESULT} has it")
    return Verified(
        file=folder / PATCH,
        patch=patch,
        commit=report.head,
        dirty=report.dirty,
        tests=tests,
        failing=len(report.failing),
        right=right,
        counts=report.verified,
        runs=tuple((task.run_id, task.head_hash) for task in fixed),
        dollars=report.dollars,
        seconds=report.seconds,
        prices=report.prices,
        schedule=report.schedule,
        record=folder / "published.json",
        asked=trace if state is not None and _for_publishing(state) else None,
        name="" if trace is None else str(folder),
        run=fixed[0].run_id if state is None else state.run_id,
    )


def _for_publishing(state: State) -> bool:
    """Whether people were asked to approve it. Raises UsageError where one said no."""
    request, rejected = state.approvals.request, state.approvals.rejected
    if rejected is not None:
        raise UsageError(f"{rejected.principal} rejected the patch: {rejected.reason}")
    return request is not None and request.statement.action_class is ActionClass.PUBLISH


def _of_trace(word: str) -> Verified:
    """Of a run by itself."""
    from agent.approvals.request import approvable
    from agent.report import report_of
    from agent.trace import BLOBS, EVENTS, Trace
    from agent.traces.checking import check
    from agent.traces.facts import Gathered
    from agent.traces.finding import find_trace

    if "/" in word and not _is_file(Path(word) / EVENTS) and not _is_file(Path(word)):
        raise UsageError(f"{word} holds neither the {RESULT} of `agent ci` nor a trace; nothing is published")
    folder = find_trace(word)
    checked = check(folder)
    if not checked.good:
        raise TraceError((*checked.problems, checked.unfinished)[0])
    gathered = Gathered(folder)
    for _, each in gathered.states():
        state = each
    if state.submission is None or not state.submission.verified or state.intake is None:
        raise UsageError(f"the run of {folder} verified no patch; nothing is published")
    if not approvable(state) or state.merged is not None:
        raise UsageError(
            f"the patch of {folder} was verified only together with others: name the folder of the job"
        )
    report = report_of(state, diff="", candidate="", trace=str(folder), head_hash=gathered.head, exit_code=0)
    file, blob = folder / FIXED_PATCH, folder / BLOBS / state.submission.diff
    return Verified(
        file=file if file.is_file() else blob,
        patch=Trace(folder).blob(state.submission.diff),
        commit=state.intake.head,
        dirty=state.intake.dirty,
        tests=state.targets,
        failing=len(state.targets),
        right=report.posterior or 0.0,
        counts=report.verified,
        runs=((state.run_id, gathered.head),),
        dollars=report.dollars,
        seconds=report.seconds,
        prices=state.settings.prices,
        schedule=state.settings.schedule,
        record=None,
        asked=folder if _for_publishing(state) else None,
        name=str(folder),
        run=state.run_id,
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name for a file
        return False
