"""What the trace of a run says of its money, read event by event without the runtime's own sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from agent.events import Event, RequestDone, RequestIntended, RunStarted, StepDone, StepIntended
from agent.trace import Trace
from benchmarks._provider import Call

ROUNDING = 1e-9
"""Dollars by which sums of the same bills may differ."""


@dataclass
class Books:
    """Money in dollars. limit: the budget. booked: for every request intent in order, its bill, or its worst
    case while it has no answer. steps: the sum of the bills of steps. highest: the most that was booked and
    reserved for a request at any moment. failures: how requests ended, "" if well. problems: what does not
    hold, in words."""

    limit: float = 0.0
    booked: list[float] = field(default_factory=list)
    steps: float = 0.0
    highest: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _step: list[float] | None = None
    _request: RequestIntended | None = None

    @property
    def total(self) -> float:
        """Everything that is booked, and the worst case of what has no answer."""
        return sum(self.booked)

    @property
    def settled(self) -> bool:
        """Whether every step that was begun has its bill."""
        return self._step is None

    def add(self, event: Event) -> None:
        """One more event."""
        match event:
            case RunStarted(settings=settings):
                self.limit = settings.limits.dollars
            case StepIntended():
                self._hold(self._step is None, "a step was begun within another")
                self._step = []
            case RequestIntended(worst=worst):
                self._hold(self._step is not None and self._request is None, "a request out of place")
                self._request = event
                self.booked.append(worst)
                self.highest = max(self.highest, self.total)
                self._hold(self.total <= self.limit + ROUNDING, f"{self.total} reserved of {self.limit}")
            case RequestDone(tier=tier, dollars=dollars, failure=failure):
                self.failures[failure] += 1
                asked, self._request = self._request, None
                if asked is None or asked.tier != tier or self._step is None:
                    self.problems.append("an answer without its intent")
                    return
                self._hold(dollars <= asked.worst, f"{dollars} billed, at most {asked.worst} quoted")
                self.booked[-1] = dollars
                self._step.append(dollars)
            case StepDone(bill=bill):
                paid = sum(self._step or ())
                self._hold(self._step is not None and self._request is None, "a result out of place")
                self._hold(abs(bill.dollars - paid) <= ROUNDING, f"{bill.dollars} billed, {paid} requested")
                self.steps += bill.dollars
                self._step = None
            case _:
                pass

    def _hold(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.problems.append(otherwise)


def read_books(folder: Path) -> Books:
    """The books of the trace in `folder`; TraceError where it was altered."""
    books = Books()
    for event in Trace(folder).events():
        books.add(event)
    return books


def found_wrong(books: Books, calls: list[Call], reported: float) -> tuple[str, ...]:
    """What does not hold of a run's books beside its providers' bills and the dollars of its report."""
    billed = sum(call.dollars for call in calls)
    checks = {
        f"{books.total} booked of {books.limit}": books.total <= books.limit + ROUNDING,
        f"{billed} billed, {books.total} booked": billed <= books.total + ROUNDING,
        f"{reported} reported, {books.total} booked": abs(reported - books.total) <= ROUNDING,
        f"{books.steps} billed for steps, {books.total} for requests": (
            not books.settled or abs(books.steps - books.total) <= ROUNDING
        ),
    }
    before = Counter(call.intents for call in calls)
    for number, requests in before.items():
        checks[f"{requests} requests by intent {number} of {len(books.booked)}"] = (
            requests == 1 and 0 < number <= len(books.booked)
        )
    for call in calls:
        if 0 < call.intents <= len(books.booked):
            booked = books.booked[call.intents - 1]
            checks[f"{call.dollars} billed for a request, {booked} booked"] = (
                call.dollars <= booked + ROUNDING
            )
    return tuple(what for what, holds in checks.items() if not holds)
