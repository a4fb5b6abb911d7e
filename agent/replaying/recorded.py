"""The steps of a trace, one after another: the state each was decided in, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent import fold
from agent.errors import AgentError, TraceError, UsageError
from agent.events import Event, RunResumed, StepDecided, StepDone
from agent.state import State
from agent.trace import Trace, start_of
from policies.vocabulary import Decision
from sandboxes.interface import SandboxError


@dataclass(frozen=True)
class Recorded:
    """A decision and what followed it. number: of the step, from 1, as it was printed live; line: of the
    decision in `events.jsonl`.

    before: the state it was decided in; events: from the decision on, up to the next, without resumptions, of
    which there may be any number. done: None where the run stopped there, or was cut off before the result.
    again: it was decided again, after an interruption. after: the state before the next decision, or at the
    end."""

    number: int
    line: int
    before: State
    decision: Decision
    events: tuple[Event, ...]
    done: StepDone | None
    after: State
    again: bool = False

    @property
    def name(self) -> str:
        """Of the step, as in tables; "stop" for none."""
        return self.decision.chosen.name if self.decision.chosen else "stop"


def recorded_steps(trace: Trace) -> Iterator[Recorded]:
    """Every decision of a trace in order; the trace is read and checked to its end. Raises TraceError."""
    started, events = start_of(trace)
    state, before = fold.start(started), fold.start(started)
    decided: StepDecided | None = None
    line, since = 0, list[Event]()
    for number, event in enumerate(events, start=2):
        if isinstance(event, StepDecided):
            if decided is not None:
                yield _recorded(before, line, decided, since, state, last=False)
            decided, before, line, since = event, state, number, []
        state = folded(state, event, number)
        if not isinstance(event, RunResumed):
            since.append(event)
    if decided is not None:
        yield _recorded(before, line, decided, since, state)


@contextmanager
def holding(trace: Trace) -> Iterator[None]:
    """What cannot be computed from a trace that was put together is one clear TraceError."""
    try:
        yield
    except (TraceError, UsageError, SandboxError):
        raise
    except (AgentError, ArithmeticError, AssertionError, LookupError, ValueError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TraceError(f"{trace.path} does not hold together: {what}") from None


def folded(state: State, event: Event, line: int) -> State:
    """The state after one more event of a trace. Raises TraceError where it cannot follow this state, as in
    a trace that was put together."""
    try:
        return fold.apply(state, event)
    except (AssertionError, KeyError, ValueError) as error:
        raise TraceError(
            f"line {line} does not follow what the lines before it say ({error})", line
        ) from None


def _recorded(
    before: State, line: int, decided: StepDecided, since: list[Event], after: State, last: bool = True
) -> Recorded:
    done = next((event for event in since if isinstance(event, StepDone)), None)
    again = done is None and not last
    return Recorded(before.steps + 1, line, before, decided.decision, tuple(since), done, after, again)
