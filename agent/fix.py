"""`agent fix` from settings to exit code: a run is set up, driven, ended and reported."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from agent import state as fold
from agent.deliver import apply_fix
from agent.errors import AgentError, TraceError
from agent.events import Event, RunEnded, RunResumed, RunStarted, Settings, StepDone, StepLost
from agent.live import LiveEffects
from agent.loop import drive
from agent.policies import MARGINAL, policy_named
from agent.redact import Redactor
from agent.report import Report, report_of
from agent.state import State
from agent.tiers.interface import Tier
from agent.trace import Trace, TraceWriter
from agent.view import View
from agent.world import World
from policies.vocabulary import EXIT_CODES, Bill, Outcome
from sandboxes.interface import ImageError, SandboxError

SIGTERM_CODE = 143
TAIL = 1500
"""Characters of a failed build that are shown: its end is where the reason stands."""

RESUMABLE = (Outcome.INTERRUPTED, Outcome.INFRASTRUCTURE)


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C does."""


@dataclass
class Run:
    """A run under way: its trace, its state as of the last event, and how many seconds earlier processes
    took that no event has booked."""

    writer: TraceWriter
    state: State
    folder: Path

    def append(self, event: Event) -> Event:
        """Write an event and fold it in."""
        written = self.writer.append(event)
        self.state = fold.apply(self.state, written)
        return written


def begin(settings: Settings, folder: Path) -> Run:
    """A new trace in `folder`. Raises TraceError."""
    writer = TraceWriter(folder, Redactor())
    started = RunStarted(
        run_id=secrets.token_hex(8),
        time=time.time(),
        versions={name: version(name) for name in ("marginal-agent", "numpy", "pydantic", "docker")},
        policy=MARGINAL,
        settings=settings,
    )
    written = writer.append(started)
    assert isinstance(written, RunStarted)
    return Run(writer, fold.start(written), folder)


def reopen(folder: Path) -> Run:
    """An interrupted run from its trace; nothing recorded is paid for again.

    An intent without a result is booked at its worst case: the money reserved for it, and the seconds
    reserved or those since the intent was written, whichever is less. Raises TraceError.
    """
    trace = Trace(folder)
    events = trace.events(allow_torn_end=True)
    first = next(events, None)
    if not isinstance(first, RunStarted):
        raise TraceError(f"{trace.path} does not begin with the start of a run", 1)
    state = fold.start(first)
    for event in events:
        state = fold.apply(state, event)
    if state.ended is not None and state.ended not in RESUMABLE:
        raise TraceError(f"this run has ended ({state.ended}); there is nothing to resume")
    written_at = trace.path.stat().st_mtime
    writer = TraceWriter(folder, Redactor(), resume=True)
    run = Run(writer, state, folder)
    run.append(RunResumed(time=time.time()))
    if state.intent is not None:
        reserved = state.intent.reserved
        seconds = min(reserved.seconds, max(0.0, time.time() - written_at))
        bill = Bill(reserved.dollars, seconds, reserved.loss)
        run.append(StepDone(step=state.intent.step, observation=StepLost(), bill=bill))
    return run


def carry_out(run: Run, tiers: dict[str, Tier], view: View, confirm: Callable[[str], bool] | None) -> Report:
    """Drive the run to its end and report. `confirm` asks the person (None: nobody is there)."""
    redactor = Redactor()
    world = World(
        settings=run.state.settings,
        tiers=tiers,
        say=view.progress,
        store=run.writer.blob,
        load=Trace(run.folder).blob,
        trace_folder=run.folder,
        holds_secret=redactor.holds_secret,
    )
    effects = LiveEffects(world)
    exit_code: int | None = None
    try:
        with _termination():
            drive(run.state, policy_named(MARGINAL), effects, run.append, time.monotonic, view)
            ended = _ended(run.state)
            if ended.outcome is Outcome.FIXED and confirm is not None:
                view.finish()
                view.diff(_diff(run.state, Trace(run.folder)))
                ended = ended.model_copy(update={"explanation": _offer(world, run.state, confirm)})
    except (KeyboardInterrupt, Terminated) as signalled:
        exit_code = SIGTERM_CODE if isinstance(signalled, Terminated) else EXIT_CODES[Outcome.INTERRUPTED]
        ended = _end(Outcome.INTERRUPTED, "stopped from outside; the trace can be resumed", exit_code)
    except ImageError as error:
        tail = f"\n{error.tail[-TAIL:]}" if error.tail else ""
        ended = _end(Outcome.INFRASTRUCTURE, f"{error}{tail}")
    except SandboxError as error:
        ended = _end(Outcome.INFRASTRUCTURE, str(error))
    except TraceError:
        raise
    except AgentError as error:
        ended = _end(
            Outcome.USAGE if error.exit_code == EXIT_CODES[Outcome.USAGE] else Outcome.INFRASTRUCTURE,
            str(error),
        )
    finally:
        view.finish()
        effects.close()
    run.append(ended)
    diff = _diff(run.state, Trace(run.folder))
    run.writer.close()
    return report_of(
        run.state, diff=diff, trace=str(run.folder), head_hash=run.writer.head, exit_code=exit_code
    )


def _ended(state: State) -> RunEnded:
    return _end(state.ended or Outcome.INFRASTRUCTURE, state.explanation)


def _end(outcome: Outcome, explanation: str, exit_code: int | None = None) -> RunEnded:
    code = EXIT_CODES[outcome] if exit_code is None else exit_code
    return RunEnded(outcome=outcome, exit_code=code, explanation=explanation)


def _offer(world: World, state: State, confirm: Callable[[str], bool]) -> str:
    """Ask whether the fix should be applied; a "no" still leaves the patch file."""
    if not confirm("apply the patch to your tree?"):
        return f"{state.explanation} (fixed, not applied)"
    problem = apply_fix(world, state)
    return f"{state.explanation} (fixed, {f'not applied: {problem}' if problem else 'applied to your tree'})"


def _diff(state: State, trace: Trace) -> str:
    """The diff that goes with the outcome: the verified patch, or the best candidate's."""
    name = ""
    if state.submission is not None and state.submission.verified:
        name = state.submission.diff
    elif state.deferral is not None:
        name = state.deferral.diff
    return trace.blob(name).decode("utf-8", "replace") if name else ""


@contextmanager
def _termination() -> Iterator[None]:
    """SIGTERM unwinds the run like Ctrl-C, so that the sandbox goes and the trace is ended."""

    def terminate(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def trace_folder(parent: Path) -> Path:
    """A fresh folder name for a trace: time and process, so that runs at the same moment do not mix."""
    return parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{secrets.token_hex(2)}"
