"""`agent trace watch`: a run under way, followed from another terminal by what it writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from agent.events import (
    ApprovalGiven,
    ApprovalRejected,
    ApprovalRequested,
    DeliveryApproved,
    Event,
    PersonAnswered,
    RequestDone,
    RequestIntended,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDecided,
    StepDone,
)
from agent.report import diff_of, report_of
from agent.state import State
from agent.trace import Trace, is_written
from agent.traces.lines import Follower
from agent.view import View
from agent.words import resumed

POLL_SECONDS = 0.2

GRACE_SECONDS = 5.0
"""For a run to write its first event in a folder that is there."""


def watch(folder: Path, view: View, sleep: Callable[[float], None] = time.sleep) -> None:
    """Show a run from its beginning until it has ended or nobody writes to it any more.

    A folder or file that is not there yet is waited for. Raises TraceError where the trace does not hold."""
    follower, waiting, shown_step = Follower(folder), 0.0, -1
    if not follower.path.exists():
        view.note(f"waiting for a run to begin in {folder}")
    try:
        while True:
            written = _written(folder)  # asked before reading: what a writer left at its end is read after it
            news = False
            for event, state in follower.news():
                news = True
                _show(event, state, view, follower, folder)
            if isinstance(follower.last, RunEnded):
                return
            state_now = follower.state
            if state_now is not None and state_now.intent is not None and shown_step != state_now.steps:
                shown_step = state_now.steps
                view.begun(state_now.intent.step)
            if written is False and not news and (follower.lines or waiting > GRACE_SECONDS):
                view.finish()
                view.note(_gone(follower, folder))
                return
            if written is False:
                waiting += POLL_SECONDS
            if not news:
                sleep(POLL_SECONDS)
    finally:
        view.finish()


def _written(folder: Path) -> bool | None:
    """Whether a run writes to the trace; None where there is no file yet."""
    try:
        return is_written(folder)
    except OSError:
        return None


def _gone(follower: Follower, folder: Path) -> str:
    if not follower.lines:
        return f"nobody writes to {folder}, and no event is recorded there"
    return (
        f"nobody writes to the trace any more, and no end is recorded after line {follower.lines}: the run "
        "was cut off (agent fix --resume goes on)"
    )


def _show(event: Event, state: State, view: View, follower: Follower, folder: Path) -> None:
    match event:
        case RunStarted():
            view.started(event.settings, str(folder), ())
        case RunResumed():
            view.finish()
            view.note(f"resumed: {resumed(state)}")
        case StepDecided(decision=decision):
            view.finish()
            view.decided(state, decision)
        case RequestIntended():
            view.again()
        case RequestDone():
            view.requested(event)
        case StepDone(observation=observation, bill=bill):
            view.observed(observation, bill)
        case PersonAnswered(question=question, yes=yes):
            view.note(f"asked: {question} {'yes' if yes else 'no'}")
        case ApprovalRequested(statement=asked):
            view.note(f"asked {asked.people} to approve a {asked.action_class} until {asked.expires}")
        case ApprovalGiven(principal=principal, key=key):
            view.note(f"approved by {principal} ({key})")
        case ApprovalRejected(principal=principal, reason=reason):
            view.note(f"rejected by {principal}: {reason}")
        case DeliveryApproved(principals=principals):
            view.note(f"delivered as {', '.join(principals)} approved")
        case RunEnded(exit_code=code):
            diff = diff_of(state, Trace(folder))
            view.ended(
                report_of(
                    state, diff=diff, candidate="", trace=str(folder), head_hash=follower.head, exit_code=code
                )
            )
        case _:
            pass
