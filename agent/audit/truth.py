"""What became of a patch, told to its trace and to memory."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

from agent.audit.later import append_later
from agent.audit.ours import TORN, our_run
from agent.audit.runs import Later, Run
from agent.errors import TraceError, UsageError
from agent.lessons import lesson
from agent.memory import amend
from agent.settings import memory_file
from agent.trace import Trace, start_of

Word: TypeAlias = Literal["merged", "reverted", "reworked"]

TRUTH: dict[Word, bool | None] = {"merged": True, "reverted": False, "reworked": None}
"""What a word says of the candidate. One that was reworked was neither right nor wrong: what the run itself
saw of it counts."""


def told(folder: Path, said: Later) -> Run:
    """Write beside the trace in `folder` what became of its patch; returns the run as it was before.

    Raises UsageError for a run that has not ended, can still go on, or made no patch; TraceError for a trace
    that does not hold.
    """
    run = our_run(folder, beliefs=False)
    if not run.closed:
        raise UsageError(f"{folder}: this run has not ended; what became of its patch is said afterwards")
    if TORN in run.notes:
        raise TraceError(f"{folder}: the last line of its events is cut off (a crash, or a truncated file)")
    if run.resumable:
        raise UsageError(f"{folder}: this run ended as '{run.outcome}' and can be resumed; let it end first")
    if run.belief is None or run.belief.hand is None:
        raise UsageError(f"{folder}: this run ended as '{run.outcome}', with no patch in hand")
    append_later(folder, run.head_hash, said)
    return run


def relearn(folder: Path, said: Later) -> str:
    """Replace what memory keeps of the run, if it is one to learn from; says in words what was done."""
    first, events = start_of(Trace(folder))
    if not first.settings.memory:
        return "memory stays as it is: this run was not to be learnt from"
    # When it finished is for memory to say, which keeps the age of what it was taught then.
    new = lesson(chain([first], events), first.time, truth=TRUTH[said.word])
    try:
        changed = amend(memory_file(), new)
    except OSError as error:
        return f"memory was not changed ({error.strerror or error}: {memory_file()})"
    if not changed:
        return (
            "memory stays as it is: nothing of this run is kept (it knows of a newer run of this task, or "
            "never learnt from this one)"
        )
    return "memory learns from it"
