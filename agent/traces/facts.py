"""What a list says of a trace, in bounded memory; what its run was worth is as an audit counts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from agent import fold
from agent.audit.ours import Reading
from agent.audit.realised import realised
from agent.audit.runs import Later
from agent.errors import AgentError, TraceError
from agent.events import Event, RunEnded, RunStarted
from agent.state import State
from agent.task import Record
from agent.trace import BLOBS, EVENTS, GENESIS, Trace, is_written, started
from policies.vocabulary import Outcome

RUNNING, CUT_OFF, UNREADABLE = "running", "cut off", "unreadable"
"""Words for a trace without an end, beside the outcomes: it is being written; nobody writes to it; it does
not hold, or this version does not know it."""

MOST_PRICED = 2**26
"""Bytes of events of a run whose net is worked out: an audit holds each decision, and a list may be long."""

STATES = (*(str(each) for each in Outcome), RUNNING, CUT_OFF, UNREADABLE)


class Facts(Record):
    """A trace in a list. Money in dollars; None: not known.

    started: seconds since the epoch, of the file where no event says it. outcome: one of STATES, "" where no
    end is recorded. resumable: `agent fix --resume` would go on with it. value: V. net: what it
    came to by what is known now, as `agent audit` counts it. later: the newest word on what became of its
    patch. bytes: on disk. problem: why it cannot be read to its end, or ""."""

    model_config = ConfigDict(allow_inf_nan=False)

    path: str
    run_id: str = ""
    started: float
    repository: str = ""
    targets: tuple[str, ...] = ()
    outcome: str = ""
    resumable: bool = False
    dollars: float | None = None
    seconds: float | None = None
    value: float | None = None
    net: float | None = None
    later: Later | None = None
    policy: str = ""
    tiers: tuple[str, ...] = ()
    steps: int = 0
    head_hash: str = ""
    schema_version: int = Field(default=0, ge=0, lt=2**31)
    bytes: int = 0
    problem: str = ""


def facts_of(folder: Path) -> Facts:
    """Read the trace in `folder`. One that does not hold is a fact, too (`problem`)."""
    gathered = Gathered(folder)
    try:
        for _ in gathered.states():
            pass
    except (AgentError, OSError) as error:
        return gathered.facts(str(error))
    return gathered.facts()


class Gathered:
    """What a list says of the trace in `folder`, gathered while it is read. first, head: start of the run and
    hash of the last event, as far as it was read."""

    def __init__(self, folder: Path) -> None:
        self.first: RunStarted | None = None
        self.head = GENESIS
        self._folder = folder
        self._plain: dict[str, object] = {"path": str(folder), "started": 0.0, "outcome": UNREADABLE}
        self._last: tuple[Event, State] | None = None
        self._reading: Reading | None = None
        self._unpriced: TraceError | None = None

    def states(self) -> Iterator[tuple[Event, State]]:
        """Each event, and the state after it; a torn end is passed over. Raises TraceError, UsageError where
        there is no trace, OSError."""
        self._plain |= {"started": (self._folder / EVENTS).stat().st_mtime, "bytes": _size(self._folder)}
        trace = Trace(self._folder)
        state: State | None = None
        for number, event in enumerate(trace.events(allow_torn_end=True), start=1):
            state = after(state, event, number, trace.path)
            self.head, self._last = trace.head, (event, state)
            self._take(trace, event, state)
            yield event, state

    def _take(self, trace: Trace, event: Event, state: State) -> None:
        """Read it as an audit does, too. What does not hold for that counts only where the run is priced."""
        try:
            if self.first is None:
                self.first = started(event, trace.path)
                if trace.path.stat().st_size <= MOST_PRICED:
                    self._reading = Reading(trace, self.first, beliefs=False)
            elif self._reading is not None:
                with self._reading.holding():
                    self._reading.take(event, state)
        except TraceError as error:
            self._reading, self._unpriced = None, error

    def facts(self, problem: str = "") -> Facts:
        """What was gathered. problem: why the rest could not be read."""
        known = self._plain | (_of_start(self.first) if self.first else {})
        if problem:
            return Facts.model_validate(known | {"problem": problem})
        if self._last is None:
            return Facts.model_validate(known | {"outcome": ""})  # its run has yet to begin, or never did
        try:
            found = known | _of_end(*self._last) | self._worth() | {"head_hash": self.head}
            return Facts.model_validate(found)
        except ValidationError:
            return Facts.model_validate(self._plain | {"problem": "its events hold figures that cannot be"})
        except (AgentError, OSError) as error:
            return Facts.model_validate(known | {"problem": str(error)})

    def _worth(self) -> dict[str, object]:
        """What a run that has ended came to. Raises TraceError, also for words that are not of this run."""
        if self._last is None or not isinstance(self._last[0], RunEnded):
            return {}
        if self._unpriced is not None:
            raise self._unpriced
        if self._reading is None:
            return {}
        with self._reading.holding():
            run = self._reading.run(hindsight=False)
        came_to, _ = realised(run)
        return {"net": came_to.net.exact, "later": run.later[-1] if run.later else None}


def after(state: State | None, event: Event, number: int, path: Path) -> State:
    """The state after the event on line `number` of a trace, whoever wrote it; None: before the first one.

    Raises TraceError when the event cannot follow."""
    if state is None:
        return fold.start(started(event, path))
    try:
        return fold.apply(state, event)
    except Exception as error:  # a run's own events always fold; who forged these may have written anything
        raise TraceError(
            f"line {number} of {path} cannot follow the lines before it: {error}", number
        ) from None


def now(facts: Facts) -> Facts:
    """With what its file cannot say: whether a run without an end is under way."""
    if facts.outcome:
        return facts
    try:
        running = is_written(Path(facts.path))
    except OSError:
        running = False
    return facts.model_copy(update={"outcome": RUNNING if running else CUT_OFF})


def _of_start(event: RunStarted) -> dict[str, object]:
    settings = event.settings
    return {
        "run_id": event.run_id,
        "started": event.time,
        "repository": settings.repository,
        "targets": settings.tests,
        "value": settings.prices.value,
        "policy": event.policy,
        "tiers": tuple(tier.name for tier in settings.tiers),
        "schema_version": event.schema_version,
    }


def _of_end(last: Event, state: State) -> dict[str, object]:
    closed = isinstance(last, RunEnded)
    return {
        "targets": state.targets,
        "outcome": str(last.outcome) if isinstance(last, RunEnded) else "",
        "resumable": not closed or state.cut_off,
        "dollars": state.booked,
        "seconds": state.spent.seconds,
        "steps": state.steps,
    }


def _size(folder: Path) -> int:
    """Bytes of the files of a trace, which has one folder below its own."""
    total = 0
    for place in (folder, folder / BLOBS):
        if place.is_dir():
            with os.scandir(place) as entries:
                total += sum(each.stat().st_size for each in entries if each.is_file(follow_symlinks=False))
    return total
