"""A run as a trace on disk: begun, reopened after an interruption, appended to."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent import fold
from agent.errors import UsageError
from agent.events import (
    DeliveryIntended,
    Event,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDone,
    StepIntended,
)
from agent.observations import StepLost
from agent.policies import MARGINAL
from agent.redact import Redactor
from agent.state import State
from agent.task import Settings
from agent.trace import Trace, TraceWriter, start_of, started
from agent.versions import versions
from agent.vouched import is_vouched_for, vouched_for
from agent.words import lost
from policies.vocabulary import Bill


@dataclass
class Run:
    """A run under way: its trace, its state as of the last event, and the name of its policy. `lost`: what
    was booked for what an interruption cut off, in words. `over`: its end, where that was on record when it
    was reopened."""

    writer: TraceWriter
    state: State
    folder: Path
    policy: str = MARGINAL
    lost: str = ""
    over: RunEnded | None = None

    def append(self, event: Event) -> Event:
        """Write an event and fold it in. A signal that arrives meanwhile waits until both are done."""
        if isinstance(event, DeliveryIntended):
            event = vouched_for(self.writer.head, event)
        with signals_held():
            written = self.writer.append(event)
            self.state = fold.apply(self.state, written)
        return written


def begin(settings: Settings, folder: Path, policy: str = MARGINAL) -> Run:
    """A new trace in `folder`. Raises UsageError when it cannot be made there."""
    writer = TraceWriter(folder, redactor_for(settings))
    start = RunStarted(
        run_id=secrets.token_hex(8),
        time=time.time(),
        versions=versions(),
        policy=policy,
        settings=settings,
    )
    written = writer.append(start)
    assert isinstance(written, RunStarted)
    return Run(writer, fold.start(written), folder, policy)


def reopen(folder: Path, now: Callable[[], float] = time.time) -> Run:
    """A run from its trace; nothing recorded is paid for again. `now`: seconds of the clock by which files
    have their times.

    An intent without a result is booked at what its requests were billed, and the worst case of one without
    an answer; the seconds reserved or those that passed (in its requests, and since the trace was last
    written to), whichever is less. One that was delivering is not lost, and goes on delivering, if this user
    verified it here; anybody else's is verified again. A run that had come to its end, with only the end not
    written, is reopened as ended; one whose end is written has its `over`, and nothing is appended.
    Raises UsageError where there is nothing to go on with, TraceError for a trace that was altered.
    """
    taken = take_up(folder)
    run, state, ours = taken.run, taken.run.state, taken.ours
    try:
        if isinstance(taken.last, RunEnded) and not state.cut_off:
            run.over, run.lost = taken.last, "this run had ended already; nothing was left to do"
            return run
        if state.submission is not None and state.submission.verified and not ours:
            raise UsageError(
                f"{folder} says that its patch was verified, which was not done here by you: nothing is "
                "ended or applied on its word; start the run anew"
            )
        run.append(RunResumed(time=now(), versions=versions()))
        if run.state.intent is not None and not (run.state.delivering and ours):
            _book_lost(run, run.state.intent, now() - run.writer.written_at)
    except BaseException:
        run.writer.close()
        raise
    return run


@dataclass(frozen=True)
class TakenUp:
    """A trace that nobody else writes to meanwhile. last: its last event; ours: this user verified here what
    it says was verified."""

    run: Run
    last: Event | None
    ours: bool


def take_up(folder: Path) -> TakenUp:
    """Read a trace to be appended to; nothing is yet. Raises UsageError for one of another user, or without
    a start; TraceError for one that was altered."""
    trace = Trace(folder)
    if (owner := folder.stat().st_uid) != os.geteuid():
        raise UsageError(
            f"{folder} is not yours (its owner is user {owner}): a run goes on with the recorded settings, "
            "so only your own are resumed"
        )
    first = next(trace.events(allow_torn_end=True), None)
    if first is None:
        raise UsageError(
            f"{trace.path} ends before the start of its run: nothing was done yet; start the run anew"
        )
    start = started(first, trace.path)
    # From here on no other process writes to it, so what is read is what is gone on with.
    writer = TraceWriter(folder, redactor_for(start.settings), resume=True)
    try:
        start, events = start_of(trace)
        state, last, head, ours = fold.start(start), None, trace.head, False
        for last in events:
            ours = is_vouched_for(head, last) if isinstance(last, DeliveryIntended) else ours
            state, head = fold.apply(state, last), trace.head
        return TakenUp(Run(writer, state, folder, start.policy), last, ours)
    except BaseException:
        writer.close()
        raise


def _book_lost(run: Run, intent: StepIntended, since: float) -> None:
    """Book a step that was cut off. since: seconds from when the trace was last written to."""
    request = run.state.lost_request
    if request is not None:
        run.append(request)
    seconds = min(intent.reserved.seconds, run.state.asking + max(0.0, since))
    bill = Bill(run.state.requested, seconds, intent.reserved.loss)
    step = StepDone(step=intent.step, observation=StepLost(), bill=bill)
    run.append(step)
    run.lost = lost(step, request)


def redactor_for(settings: Settings) -> Redactor:
    """What takes out the keys of this run's tiers, whatever their variables are called, and other secrets."""
    return Redactor(also=[model.key_variable for model in settings.models])


def trace_folder(parent: Path) -> Path:
    """A fresh folder name for a trace: time and process, so that runs at the same moment do not mix."""
    return parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{secrets.token_hex(2)}"


@contextmanager
def signals_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait: half an append would be a trace that does not hold together.

    Not by a mask: a signal goes to any thread that has none (numpy starts some), and its handler runs here.
    """
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
