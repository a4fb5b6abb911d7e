"""The trace by which people approve the patch of a job: that of its first part, which says what all are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from agent.approvals.request import probability_right
from agent.ci import RESULT
from agent.ci.report import JobReport
from agent.ci.tasks import Task
from agent.errors import AgentError, UsageError
from agent.events import PatchesMerged
from agent.observations import Counts
from agent.trace import EVENTS
from policies.vocabulary import Outcome

MOST_RESULT = 64 * 2**20


def record_merged(
    parts: Sequence[Task],
    patch: bytes,
    paths: tuple[str, ...],
    counts: Counts,
    seconds: float,
    dollars: float,
) -> None:
    """Put the patch of a job, verified with these counts, on record in the trace of the first of its parts,
    which has not ended yet. A patch of one part is that of its run. seconds, dollars: of the job."""
    if len(parts) < 2:
        return
    lead, states = parts[0].run, [task.run.state for task in parts]
    lead.append(
        PatchesMerged(
            diff=lead.writer.blob(patch),
            paths=paths,
            tests=tuple(dict.fromkeys(test for task in parts for test in task.tests)),
            runs=tuple(state.run_id for state in states),
            right=math.prod(map(probability_right, states)),
            value=sum(state.prices.value for state in states),
            counts=counts,
            dollars=dollars,
            seconds=seconds,
        )
    )


def read_report(folder: Path) -> JobReport:
    """What is said of a job in its folder. Raises UsageError, AgentError."""
    path = folder / RESULT
    try:
        return JobReport.model_validate_json(read_bounded(path, MOST_RESULT))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise UsageError(f"{path} is not what `agent ci` writes: {where}: {problem['msg']}") from None


def read_bounded(path: Path, most: int) -> bytes:
    """A file of a job's folder, not through a link: it may have come from another machine."""
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"{path} is not there; name the folder that `agent ci --out` wrote")
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise AgentError(f"cannot read {path}: {error.strerror or error}") from None
    if len(data) > most:
        raise UsageError(f"{path} is larger than {most // 2**20} MB")
    return data


def lead_trace(folder: Path, report: JobReport) -> Path | None:
    """The trace by which the patch of the job in this folder is approved; None for no patch, and where it
    was handed on without that trace, or with a link in its place."""
    parts = (task for task in report.tasks if task.outcome is Outcome.FIXED)
    within = Path(next((task.trace for task in parts), ".."))
    if within.is_absolute() or ".." in within.parts:
        return None
    events = folder / within / EVENTS
    here = events.is_file() and events.resolve() == folder.resolve() / within / EVENTS
    return folder / within if here else None
