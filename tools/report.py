"""Reads the report of `inside/pytest_run.py`: signed lines from a process that runs hostile code.

Everything is checked: signature, numbering, types, sizes, and that the story makes sense (a test is
started before it finishes, once, and was collected). The first thing wrong makes the report unusable from
there on; what was said before it stands.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.verdicts import Frame, Verdict, VerdictOutcome

MAX_LINE = 32_000_000
Id = Annotated[str, Field(max_length=65_536)]
Text = Annotated[str, Field(max_length=100_000)]
Path = Annotated[str, Field(max_length=4_096)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    n: int


class CollectionError(_Event):
    n: int = 0
    id: Id
    message: Text
    sources: Annotated[list[Path], Field(max_length=100)] = []


class Collected(_Event):
    event: Literal["collected"]
    ids: list[Id]
    deselected: list[Id]
    errors: list[CollectionError]
    plugins: list[Path]


class Started(_Event):
    event: Literal["start"]
    id: Id


class Alarm(_Event):
    event: Literal["alarm"]


class Finished(_Event):
    event: Literal["finish"]
    id: Id
    outcome: Literal["passed", "failed", "error", "timeout", "skipped", "xfailed", "xpassed"]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    message: Text
    path: Path
    line: int
    frames: Annotated[list[tuple[Path, int, Path]], Field(max_length=100)]

    @property
    def verdict(self) -> Verdict:
        return Verdict(
            id=self.id,
            outcome=VerdictOutcome(self.outcome),
            seconds=self.seconds,
            message=self.message,
            path=self.path,
            line=self.line,
            frames=tuple(Frame(*frame) for frame in self.frames),
        )


class Ended(_Event):
    event: Literal["end"]
    status: int
    altered: list[Text]
    plugins: list[Text]
    canaries: list[Text]


Event = Collected | Started | Alarm | Finished | Ended
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


class _Unbelievable(Exception):
    """The report cannot be believed from here on."""


@dataclass
class ProcessReport:
    """What one process said. `problem` says what is wrong with it.

    `started` is a test without a finish: it ended the process, or the session (then there is no `ended`).
    `rang`: its alarm went off; `hung`: the watchdog ended the process.
    """

    collected: Collected | None = None
    finished: dict[str, Verdict] = field(default_factory=dict)
    started: str | None = None
    rang: bool = False
    hung: bool = False
    ended: Ended | None = None
    problem: str = ""


class ReportReader:
    """Fed with bytes as they arrive; `report` is what has been understood so far.

    `on_verdict` is called for every finished test.
    """

    def __init__(self, key: bytes, on_verdict: Callable[[Verdict], None] | None = None) -> None:
        self.report = ProcessReport()
        self._key = key
        self._on_verdict = on_verdict
        self._rest = b""
        self._count = 0
        self._closed = False
        self._ids: set[str] = set()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        try:
            for line in lines:
                self._take(line)
            if len(self._rest) > MAX_LINE:
                raise _Unbelievable("a line is too long")
        except _Unbelievable as error:
            self.report.problem = f"the test report cannot be believed: {error}"

    def close(self) -> ProcessReport:
        """No more bytes will come."""
        self.feed(b"\n" if self._rest else b"")
        return self.report

    def _take(self, line: bytes) -> None:
        if self.report.problem or self.report.hung:
            return
        if line.startswith(b"Timeout ("):
            # The watchdog's last words; it does not know the key, and no verdict comes from them.
            self.report.hung = True
            return
        signature, _, body = line.partition(b" ")
        expected = hashlib.blake2b(body, key=self._key, digest_size=16).hexdigest().encode()
        if not hmac.compare_digest(signature, expected):
            raise _Unbelievable("a line is not signed with this run's key")
        try:
            event = _EVENT.validate_json(body)
        except ValidationError as error:
            raise _Unbelievable(f"a line is not a valid event ({error.error_count()} errors)") from error
        if event.n != self._count:
            raise _Unbelievable("lines are missing or repeated")
        if self._closed:
            raise _Unbelievable("it goes on after its end")
        self._count += 1
        self._apply(event)

    def _apply(self, event: Event) -> None:
        if isinstance(event, Collected):
            self._collect(event)
        elif isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Alarm):
            self.report.rang = True
        elif isinstance(event, Finished):
            self._finish(event)
        else:
            self._closed = True
            self.report.ended = event if self.report.started is None else None

    def _collect(self, event: Collected) -> None:
        if self.report.collected is not None:
            raise _Unbelievable("the tests are collected twice")
        self._ids = set(event.ids)
        if len(self._ids) != len(event.ids):
            raise _Unbelievable("two tests have the same id")
        self.report.collected, self.report.rang = event, False

    def _start(self, event: Started) -> None:
        if event.id not in self._ids:
            raise _Unbelievable(f"{event.id} is started and was not collected")
        if self.report.started is not None or event.id in self.report.finished:
            raise _Unbelievable(f"{event.id} is started out of order")
        self.report.started, self.report.rang = event.id, False

    def _finish(self, event: Finished) -> None:
        if self.report.started != event.id:
            raise _Unbelievable(f"{event.id} finishes without having been started")
        self.report.started = None
        self.report.finished[event.id] = event.verdict
        if self._on_verdict is not None:
            self._on_verdict(event.verdict)
