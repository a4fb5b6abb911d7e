"""A run that is killed at any event boundary, or within any event, is resumed: nothing recorded is lost or
paid for again, what was unsettled is booked at its worst case, and the rest goes as it would have gone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from agent import fold
from agent.errors import TraceError, UsageError
from agent.events import (
    DeliveryIntended,
    Event,
    RequestDone,
    RequestIntended,
    RunResumed,
    RunStarted,
    StepDecided,
    StepDone,
    StepIntended,
    TierSeen,
)
from agent.loop import Performed, drive
from agent.observations import StepLost
from agent.policies import policy_named
from agent.purse import Purse
from agent.replay import first_difference, replay
from agent.run import Run, reopen
from agent.state import State
from agent.tiers.prompt import Signals
from agent.trace import EVENTS, Trace
from agent.words import resumed, said
from benchmarks._books import Books
from benchmarks._simulated_run import simulated
from benchmarks._simulated_task import NobodyWatches
from policies.vocabulary import Step

CRASHED, QUIET = (2, 5), (50, 111, 137)
"""Seeds of runs that were killed and resumed already; of runs that were not, whose endpoints were calm."""

CUTS = {"boundary": 0.0, "first byte": 0.001, "middle": 0.5, "all but the end": 1.0}


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """One user's for all tests here, who share traces."""
    monkeypatch.setenv("XDG_STATE_HOME", state_home())


@cache
def state_home() -> str:
    return mkdtemp()


@cache
def trace_of(seed: int) -> tuple[Path, tuple[bytes, ...], tuple[Event, ...]]:
    """A simulated run's trace: its folder, lines and events."""
    folder = Path(mkdtemp()) / "trace"
    simulated(seed, folder)
    lines = tuple((folder / EVENTS).read_bytes().splitlines(keepends=True))
    return folder, lines, tuple(Trace(folder).events())


def cut(lines: tuple[bytes, ...], whole: int, share: float, folder: Path, blobs: Path | None = None) -> Path:
    """A trace of the first `whole` lines, and that share of the next without its end; with those blobs."""
    shutil.copytree(blobs, folder / "blobs") if blobs else (folder / "blobs").mkdir(parents=True)
    torn = lines[whole][: max(1, int(share * len(lines[whole])) - 1)] if share and whole < len(lines) else b""
    (folder / EVENTS).write_bytes(b"".join(lines[:whole]) + torn)
    return folder


def booked(events: tuple[Event, ...]) -> float:
    """Dollars by an independent count: every answer's, and the worst case of a request without one."""
    books = Books()
    for event in events:
        books.add(event)
    return books.total


def fold_of(events: tuple[Event, ...]) -> State:
    """The state after these events."""
    assert isinstance(events[0], RunStarted)
    state = fold.start(events[0])
    for event in events[1:]:
        state = fold.apply(state, event)
    return state


def _lost(events: tuple[Event, ...]) -> tuple[int, int]:
    """Steps that were cut off, and steps that have a result."""
    lost = [isinstance(event.observation, StepLost) for event in events if isinstance(event, StepDone)]
    return sum(lost), len(lost) - sum(lost)


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize("seed", CRASHED)
def test_cut_anywhere_a_run_reopens_with_its_books_in_order(seed: int, where: str, tmp_path: Path) -> None:
    trace, lines, events = trace_of(seed)
    kinds = set[str]()
    for whole in range(1, len(lines)):
        folder = cut(lines, whole, CUTS[where], tmp_path / str(whole), trace / "blobs")
        run = reopen(folder)
        run.writer.close()
        kept = (folder / EVENTS).read_bytes()
        assert kept.startswith(b"".join(lines[:whole])), "what was recorded stays"
        added = tuple(Trace(folder).events())[whole:]
        assert [type(event) for event in added] in (
            [RunResumed],
            [RunResumed, StepDone],
            [RunResumed, RequestDone, StepDone],
        )
        if len(added) > 1:
            assert isinstance(added[-1], StepDone) and isinstance(added[-1].observation, StepLost)
            kinds.add("request" if len(added) == 3 else "step")
            before = fold_of(events[:whole])
            assert before.intent is not None
            passed = min(before.intent.reserved.seconds, before.asking)
            assert added[-1].bill.seconds >= passed, "its requests took that long"
            kinds |= {"seconds"} if passed > 0 else set()
        assert run.state.request is None
        assert run.state.intent is None or run.state.delivering, "what is delivered is gone on with"
        told = resumed(fold_of(events[:whole]))
        assert told == resumed(run.state), "who watches is told the same as who resumes"
        lost, results = _lost(tuple(Trace(folder).events()))
        have, were = "has" if results == 1 else "have", "was" if lost == 1 else "were"
        assert re.match(rf"{results} steps? {have} a recorded result and (is|are) not paid for again", told)
        assert (f"{lost} step{'' if lost == 1 else 's'} {were} cut off without one" in told) == (lost > 0)
        assert run.state.spent.dollars == pytest.approx(booked(events[:whole]))
        again = reopen(folder)
        again.writer.close()
        assert again.state.spent == run.state.spent, "nothing is booked twice"
        if whole == len(lines) - 1:
            assert replay(folder).difference == ""
        shutil.rmtree(folder)
    assert kinds == {"step", "request", "seconds"}


def test_what_is_booked_for_a_step_that_was_cut_off_is_said_as_it_is() -> None:
    (line,) = said(StepLost())
    assert "at the seconds that passed or were reserved, whichever is less" in line
    assert "requests, one without an answer at its worst case" in line


class Recorded:
    """Effects that give back what a run recorded after some line; the clock is that of the recorded run."""

    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events: Iterator[Event] = iter(events)
        self._seconds = 0.0

    def clock(self) -> float:
        """Seconds on the bills so far."""
        return self._seconds

    def look(self, state: State) -> tuple[TierSeen, ...]:
        """What was seen before the next decision."""
        seen = list[TierSeen]()
        for event in self._events:
            if not isinstance(event, TierSeen):
                break  # the decision: it is made anew
            seen.append(event)
        return tuple(seen)

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """The recorded requests and result of this step."""
        for event in self._events:
            match event:
                case StepIntended():
                    assert event.step == step, "another step was taken"
                case RequestIntended():
                    purse.open(event.tier, event.worst, event.prompt)
                case RequestDone():
                    purse.settle(event)
                case DeliveryIntended():
                    purse.record(event)
                case StepDone():
                    self._seconds += event.bill.seconds
                    return Performed(event.observation, event.bill.loss)
                case _:
                    pytest.fail(f"{event.type} within a step")
        pytest.fail("the recorded run had ended")


def carried_on(run: Run, events: tuple[Event, ...]) -> State:
    """The run driven to its end, with what was recorded of it."""
    effects = Recorded(events)
    policy = policy_named(run.policy, run.state.settings.schedule)
    ended = drive(run.state, policy, effects, run.append, effects.clock, NobodyWatches())
    run.writer.close()
    return ended


def states(events: tuple[Event, ...]) -> list[State]:
    """The state after each event."""
    assert isinstance(events[0], RunStarted)
    found = [fold.start(events[0])]
    for event in events[1:]:
        found.append(fold.apply(found[-1], event))
    return found


@pytest.mark.parametrize("seed", QUIET)
def test_resumed_where_nothing_was_unsettled_it_ends_as_without_the_kill(seed: int, tmp_path: Path) -> None:
    """But for what a new process may forget: that an endpoint was busy, or gone."""
    _, lines, events = trace_of(seed)
    assert not any(isinstance(event, RunResumed) for event in events)
    after, paid = states(events), 0
    for whole in range(1, len(lines) - 1):
        before = after[whole - 1]
        forgets = (
            before.gone
            or any(before.tries.values())
            or any(seen != Signals() for seen in before.seen.values())
        )
        seeing = any(isinstance(event, TierSeen) for event in events[whole - 1 : whole + 1])
        if before.intent or before.ended or forgets or seeing:
            continue
        run = reopen(cut(lines, whole, 0.0, tmp_path / str(whole)))
        decided_already = isinstance(events[whole - 1], StepDecided)
        rest = events[whole - 1 :] if decided_already else events[whole:]
        ended = carried_on(run, rest)
        assert (ended.ended, ended.explanation) == (after[-2].ended, after[-2].explanation)
        assert ended.spent.dollars == pytest.approx(after[-1].spent.dollars, abs=1e-12)
        assert ended.spent.seconds == pytest.approx(after[-1].spent.seconds)
        anew = [e.decision for e in Trace(tmp_path / str(whole)).events() if isinstance(e, StepDecided)]
        decided = [event.decision for event in events if isinstance(event, StepDecided)]
        if decided_already:
            once = sum(isinstance(event, StepDecided) for event in events[:whole])
            decided = [*decided[:once], *decided[once - 1 :]]
        assert first_difference(tuple(decided), tuple(anew)) == ""
        paid += bool(before.spent.dollars)
    assert paid, "some boundaries lie after a purchase"


def test_a_run_killed_before_its_start_was_on_disk_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    _, lines, _ = trace_of(0)
    for number, share in enumerate((0.0, 0.001, 0.5, 1.0)):
        with pytest.raises(UsageError, match=r"ends before the start of its run.*start the run anew"):
            reopen(cut(lines, 0, share, tmp_path / str(number)))


def test_half_a_blob_is_none_and_its_remains_are_in_nobodys_way(tmp_path: Path) -> None:
    _, lines, _ = trace_of(0)
    run = reopen(cut(lines, 4, 0.0, tmp_path / "t"))
    name = run.writer.blob(b"a body")
    whole = tmp_path / "t" / "blobs" / name
    whole.rename(whole.with_name(f"{name}.part"))
    whole.with_name(f"{name}.part").write_bytes(b"a b")
    with pytest.raises(TraceError, match="cannot be read"):
        Trace(tmp_path / "t").blob(name)
    assert Trace(tmp_path / "t").check_blobs() == 0
    assert run.writer.blob(b"a body") == name
    assert Trace(tmp_path / "t").blob(name) == b"a body"
    assert [path.name for path in (tmp_path / "t" / "blobs").iterdir()] == [name]
    run.writer.close()


def test_an_altered_trace_is_not_gone_on_with_and_stays_as_it_is(tmp_path: Path) -> None:
    _, lines, _ = trace_of(0)
    folder = cut(lines, 9, 0.5, tmp_path / "t")
    data = (folder / EVENTS).read_bytes().replace(b'"reserved"', b'"Reserved"', 1)
    (folder / EVENTS).write_bytes(data)
    with pytest.raises(TraceError, match="was altered"):
        reopen(folder)
    assert (folder / EVENTS).read_bytes() == data


def test_two_cannot_go_on_with_one_run(tmp_path: Path) -> None:
    _, lines, _ = trace_of(0)
    folder = cut(lines, 9, 0.0, tmp_path / "t")
    run = reopen(folder)
    with pytest.raises(UsageError, match="being written by another run"):
        reopen(folder)
    run.writer.close()
    other = reopen(folder)
    assert other.state.spent == run.state.spent
    other.writer.close()
