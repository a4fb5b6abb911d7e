"""What a person sees of requests to a model: failures, waits and worst cases as they happen, and the bill by
tier."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from servers import ChatServer, Scripted
from test_tier_runs import RIGHT, WRONG, Task, refused

from agent.report import Report, report_of
from agent.run import reopen
from agent.trace import Trace
from agent.units import show_seconds
from agent.view import View
from policies.amounts import show_money


@pytest.fixture
def task(started: ChatServer, tmp_path: Path) -> Task:
    started.play()
    return Task(tmp_path / "t", started.base_url)


def watched(task: Task) -> list[str]:
    """The lines that are shown of a run."""
    stream = io.StringIO()
    view = View(Console(file=stream, width=500, force_terminal=False))
    task.play(view)
    view.finish()
    return [line.strip() for line in stream.getvalue().splitlines()]


def worst(task: Task) -> float:
    """Dollars that were reserved for the last request."""
    events = Trace(task.folder).events(allow_torn_end=True)
    return [event.worst for event in events if event.type == "request-intent"][-1]


def report(task: Task) -> Report:
    return report_of(task.run.state, diff="", candidate="", trace="t", head_hash="h", exit_code=0)


def test_each_failed_request_is_a_line_with_its_booking_and_its_wait(task: Task, started: ChatServer) -> None:
    started.play(
        refused(502, "bad gateway"), Scripted(status=429, headers={"retry-after": "12"}), Scripted(RIGHT)
    )
    shown = watched(task)
    of_model = [line for line in shown if line.startswith("model: ")]
    assert of_model == [
        "model: the endpoint failed (HTTP 502): bad gateway; booked at its worst case, "
        f"{show_money(worst(task))}, as the endpoint did not say its cost; asked again in 0.5s",
        "model: too many requests or tokens (HTTP 429): scripted failure; nothing booked; asked again in 12s",
    ]
    (bill,) = report(task).tiers
    answered = (120 * 3 + 30 * 15) / 1e6
    assert bill.model_dump() == {
        "tier": "model",
        "requests": 3,
        "failed": 2,
        "lost": 0,
        "attempts": 1,
        "prefill": 120,
        "cached": 0,
        "written": 0,
        "decode": 30,
        "dollars": pytest.approx(worst(task) + answered),
        "guessed": pytest.approx(worst(task)),
        "seconds": pytest.approx(bill.seconds),
    }
    assert bill.seconds >= 12.5, "waits are in it"
    assert bill.dollars == pytest.approx(report(task).dollars)
    assert bill.line().endswith(
        f"30 out, {show_money(bill.dollars)} ({show_money(worst(task))} of it worst cases)"
    )


def test_the_last_failure_says_what_was_booked_and_a_free_one_is_not_said_twice(
    task: Task, started: ChatServer
) -> None:
    started.play(*[Scripted("half an answer", drop=3)] * 9)
    failed = [line for line in watched(task) if line.startswith("model: ")]
    assert len(failed) == 4
    assert all(f"worst case, {show_money(worst(task))}, as" in line for line in failed)
    assert ["asked again" in line for line in failed] == [True, True, True, False]


def test_a_refusal_is_said_once(task: Task, started: ChatServer) -> None:
    started.play(refused(401, "Incorrect API key provided"))
    shown = watched(task)
    first = next(line for line in shown if "Incorrect API key" in line)
    assert first.startswith("→ model cannot be asked: compatible scripted-1 at localhost:")
    assert not [line for line in shown if line.startswith("model: ")]


def test_an_answer_that_does_not_say_its_usage(task: Task, started: ChatServer) -> None:
    started.play(Scripted(RIGHT, usage={}))
    shown = watched(task)
    booked = show_money(worst(task))
    said = f"model: it answered; booked at its worst case, {booked}, as the endpoint did not say its cost"
    assert shown.count(said) == 1
    assert report(task).tiers[0].line() == f"model       1 request, {booked} (all of it worst cases)"


def test_the_bill_by_tier_in_words(task: Task, started: ChatServer) -> None:
    cached = {
        "prompt_tokens": 2060,
        "completion_tokens": 225,
        "prompt_tokens_details": {"cached_tokens": 1000},
    }
    started.play(Scripted(WRONG, usage=cached), Scripted(RIGHT, usage=cached))
    task.play()
    found = report(task)
    dollars = show_money(2 * (2060 * 3 + 225 * 15) / 1e6)
    line = f"model       2 requests, 4,120 tokens in (2,000 cached), 450 out, {dollars}"
    assert [shown for shown in found.lines() if shown.startswith("model")] == [line]
    assert (found.tried, found.tiers[0].attempts) == (2, 2)


def test_what_an_interruption_cut_off_is_said_before_and_after_the_run_is_resumed(
    task: Task, started: ChatServer
) -> None:
    started.play(Scripted(RIGHT))
    task.play()
    events = task.folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    sent = next(n for n, line in enumerate(lines) if '"type":"request-intent"' in line)
    events.write_text("".join(lines[: sent + 1]))
    booked = show_money(worst(task))
    run = reopen(task.folder)
    (lost,) = (
        event
        for event in Trace(task.folder).events()
        if event.type == "result" and event.observation.type == "lost"
    )
    assert run.lost == (
        f"{lost.step.name} was cut off, and is booked at {booked}, {show_seconds(lost.bill.seconds)}: "
        f"a request to model without an answer was booked at its worst case, {booked}"
    )
    (bill,) = report_of(run.state, diff="", candidate="", trace="", head_hash="", exit_code=0).tiers
    assert bill.line() == f"model       1 request (1 cut off), {booked} (all of it worst cases)"
    run.writer.close()
