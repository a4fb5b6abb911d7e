"""A trace of ours, told step by step with its times, for exports. One step at a time is held.

Events have no times of their own: the run's start has one, and every bill says how long its step took.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.errors import TraceError
from agent.events import (
    Event,
    RequestDone,
    RequestIntended,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDecided,
    StepDone,
    StepIntended,
)
from agent.foreign.fields import LAST_TIME
from agent.observations import Observation, StepLost
from agent.trace import Trace, start_of
from policies.vocabulary import Bill, Decision, Step


@dataclass(frozen=True)
class ToldRequest:
    """A request with its times (seconds since the epoch, without the wait before it). prompt: the blob of
    what was sent, "" for none."""

    done: RequestDone
    prompt: str
    began: float
    ended: float


@dataclass(frozen=True)
class ToldStep:
    """A step with its times. number: from 1. decision: what it was chosen by."""

    number: int
    step: Step
    decision: Decision | None
    requests: tuple[ToldRequest, ...]
    observation: Observation
    bill: Bill
    began: float
    ended: float


@dataclass(frozen=True)
class ToldStart:
    """How the run began. name: names this trace and no other, the same whenever it is told."""

    run: RunStarted
    name: str


@dataclass(frozen=True)
class ToldEnd:
    """How the run ended (`run` None: its end is not written), when, and by what decision it stopped."""

    run: RunEnded | None
    decision: Decision | None
    time: float
    head_hash: str


def told(trace: Trace) -> Iterator[ToldStart | ToldStep | ToldEnd]:
    """The start, the steps and the end of a run, whether or not it has ended. A step without a result, which
    a crash leaves, comes last, as lost, at what the run would book for it if it were resumed then.

    Raises TraceError for a trace that was altered, does not begin with the start of a run, or has times that
    no calendar has.
    """
    first, events = start_of(trace, allow_torn_end=True)
    teller = _Teller(_seconds(first.time))
    yield ToldStart(first, trace.head)
    for event in events:
        step = teller.take(event)
        if step is not None:
            yield step
    lost = teller.lost()
    if lost is not None:
        yield lost
    yield ToldEnd(teller.ended, teller.stopped_by, teller.now, trace.head)


def _seconds(time: float) -> float:
    """A time, or a span of it. Raises TraceError for one that no calendar has: a trace may be anybody's."""
    if not 0 <= time < LAST_TIME:
        raise TraceError(f"the trace has a time that is none: {time:.4g} seconds")
    return time


class _Teller:
    """Where the run is. now: its time; ended: its end, if that is written."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.ended: RunEnded | None = None
        self._number = 0
        self._decision: Decision | None = None
        self._intent: StepIntended | None = None
        self._began = now
        self._asked = now
        self._request: RequestIntended | None = None
        self._requests: list[ToldRequest] = []

    @property
    def stopped_by(self) -> Decision | None:
        """The decision to stop, if that was the last one."""
        return self._decision if self._decision is not None and self._decision.chosen is None else None

    def take(self, event: Event) -> ToldStep | None:
        """One more event; the step that ends with it."""
        match event:
            case RunResumed(time=time):
                self.now, self.ended = max(self.now, _seconds(time)), None
            case StepDecided(decision=decision):
                self._decision = decision
            case StepIntended():
                self._intent, self._request, self._requests = event, None, []
                self._began = self._asked = self.now
            case RequestIntended():
                self._request = event
            case RequestDone(waited=waited, seconds=seconds):
                prompt = self._request.prompt if self._request else ""
                began = self._asked + _seconds(waited)
                self._asked = _seconds(began + _seconds(seconds))
                self._requests.append(ToldRequest(event, prompt, began, self._asked))
                self._request = None
            case StepDone(step=step, observation=observation, bill=bill):
                return self._done(step, observation, bill)
            case RunEnded():
                self.ended = event
            case _:
                pass
        return None

    def lost(self) -> ToldStep | None:
        """The step that has no result, with the worst case of a request that has no answer. Its seconds are
        those of its requests, as nothing tells the others."""
        if self._intent is None:
            return None
        if self._request is not None:
            self.take(RequestDone(tier=self._request.tier, dollars=self._request.worst, failure="lost"))
        done = [request.done for request in self._requests]
        bill = Bill(
            sum(request.dollars for request in done),
            sum(request.waited + request.seconds for request in done),
            self._intent.reserved.loss,
        )
        return self._done(self._intent.step, StepLost(), bill)

    def _done(self, step: Step, observation: Observation, bill: Bill) -> ToldStep:
        self._number += 1
        ended = _seconds(self._began + _seconds(bill.seconds))
        requests = tuple(self._requests)
        told_step = ToldStep(
            self._number, step, self._decision, requests, observation, bill, self._began, ended
        )
        self.now = max(self.now, ended)  # a run that was cut off within the step may go on long after it
        self._intent, self._decision, self._requests = None, None, []
        self._began = self._asked = self.now
        return told_step
