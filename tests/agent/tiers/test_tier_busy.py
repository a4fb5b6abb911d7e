"""An endpoint that is busy, end to end: waits are quoted, and waited for as quoted; a wait that a step has no
time for puts the tier off, and only one beyond the deadline gives it up."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from scripted_task import KEY, RIGHT, WRONG, Task
from servers import ChatServer, Scripted

from agent.events import RequestDone, RequestIntended, RunResumed, StepDecided, StepDone, StepIntended
from agent.fold import apply
from agent.ledger import Ledger
from agent.loop import chosen_candidate
from agent.observations import TierBusy
from agent.purse import Purse
from agent.redact import Redactor
from agent.replay import replay
from agent.tiers.calling import MOST_TRIES, Caller
from agent.tiers.interface import Standing, TierUnavailable
from agent.tiers.openai_chat import OpenAIChat
from agent.tiers.pace import Pace
from agent.tiers.pricing import PriceVector, Rates
from agent.tiers.prompt import Prompt, RateLimit, Signals
from agent.trace import Trace
from agent.view import View
from benchmarks._provider import Clock
from policies.vocabulary import ActionClass, Bill, Limits, Prices, Step, StepKind


def refused(**headers: str) -> Scripted:
    return Scripted(status=429, headers={name.replace("_", "-"): text for name, text in headers.items()})


def answered(text: str, **headers: str) -> Scripted:
    return Scripted(text, headers={name.replace("_", "-"): value for name, value in headers.items()})


def quotes(task: Task) -> list[float]:
    """Seconds that the chosen attempts were quoted at."""
    decided = [event.decision for event in Trace(task.folder).events() if isinstance(event, StepDecided)]
    chosen = [chosen_candidate(decision) for decision in decided if decision.chosen]
    return [row.quote.seconds for row in chosen if row.step.tier]


def put_off(task: Task) -> list[TierBusy]:
    done = [event for event in Trace(task.folder).events() if isinstance(event, StepDone)]
    busy = [event for event in done if isinstance(event.observation, TierBusy)]
    assert all(event.bill.dollars == 0 for event in busy)
    return [event.observation for event in busy if isinstance(event.observation, TierBusy)]


def waits(task: Task) -> list[float]:
    return [event.waited for event in Trace(task.folder).events() if isinstance(event, RequestDone)]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_reset_requests": "12s"},
        {"x_ratelimit_reset_requests": "12s", "x_ratelimit_remaining_requests": "0"},
        {
            "x_ratelimit_remaining_requests": "59",
            "x_ratelimit_reset_requests": "1s",
            "x_ratelimit_remaining_tokens": "5",
            "x_ratelimit_reset_tokens": "12s",
        },
    ],
)
def test_a_limit_that_is_used_up_says_how_long_to_wait(
    headers: dict[str, str], server: ChatServer, tmp_path: Path
) -> None:
    server.play(*[refused(**headers)] * (MOST_TRIES - 1), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url)
    assert task.play()[0] == 0
    assert waits(task) == [0.0, *[12.0] * (MOST_TRIES - 1)]


def test_a_wait_that_fits_the_deadline_and_not_the_step_is_quoted_and_waited(
    server: ChatServer, tmp_path: Path
) -> None:
    server.play(refused(retry_after="190"), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url, deadline=900.0)
    assert task.play()[0] == 0
    assert [busy.seconds for busy in put_off(task)] == [190.0]
    assert "1 try; the next could be in 3m 10s, and of this step" in put_off(task)[0].message
    first, second = quotes(task)[:2]
    assert second == pytest.approx(first + 190.0, abs=0.5)
    assert waits(task) == [0.0, pytest.approx(190.0, abs=0.5)]
    assert replay(task.folder).difference == ""


def test_a_wait_that_is_not_worth_its_time_ends_the_run_by_price(server: ChatServer, tmp_path: Path) -> None:
    server.play(refused(retry_after="190"), Scripted(RIGHT))
    prices = Prices(value=50.0, latency=0.25)
    task = Task(tmp_path / "t", server.base_url, deadline=900.0, prices=prices)
    assert task.play()[0] == 10
    assert len(server.requests) == 1


def test_a_wait_after_which_too_little_time_is_left_ends_it_by_the_limit(
    server: ChatServer, tmp_path: Path
) -> None:
    server.play(refused(retry_after="190"), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url, deadline=230.0)
    code, explanation = task.play()
    assert (code, len(server.requests)) == (12, 1), explanation


def test_a_wait_beyond_the_deadline_gives_the_tier_up_and_says_so(server: ChatServer, tmp_path: Path) -> None:
    server.play(refused(retry_after="190"), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url, deadline=150.0)
    code, explanation = task.play()
    assert (code, put_off(task)) == (20, [])
    left = 150.0 - task.run.state.spent.seconds
    said = f"(1 try; the next could be in 3m 10s, and of the deadline {left // 60:.0f}m "
    assert said in explanation
    assert 60 < left < 150


def test_an_endpoint_that_is_never_ready_is_given_up(server: ChatServer, tmp_path: Path) -> None:
    server.play(*[refused(retry_after="190")] * 20)
    task = Task(tmp_path / "t", server.base_url, deadline=9_000.0)
    code, explanation = task.play()
    assert (code, len(server.requests)) == (20, MOST_TRIES)
    assert f"({MOST_TRIES} tries)" in explanation
    server.play(Scripted(RIGHT))
    assert task.resumed()[0] == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "22s"}, 22.0),
        (
            {
                "x_ratelimit_remaining_tokens": "5",
                "x_ratelimit_limit_tokens": "100000",
                "x_ratelimit_reset_tokens": "50s",
            },
            50.0,
        ),
    ],
)
def test_a_limit_that_is_too_low_is_quoted_and_waited_for(
    headers: dict[str, str], seconds: float, server: ChatServer, tmp_path: Path
) -> None:
    server.play(answered(WRONG, **headers), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url)
    assert task.play()[0] == 0
    first, second = waits(task)
    assert first == 0
    assert seconds - 4 < second <= seconds, "what the tests took has passed"
    assert quotes(task)[1] > second
    assert replay(task.folder).difference == ""


def test_a_queue_that_was_seen_stays_until_the_next_look(server: ChatServer, tmp_path: Path) -> None:
    state = Task(tmp_path / "t", server.base_url).run.state
    queue = Signals(waiting=40.0, running=4.0)
    state = replace(state, seen={"model": queue}, seen_at={"model": 0.0})
    state = apply(
        state, StepIntended(step=Step(StepKind.ACT, ActionClass.DRAFT, tier="model"), reserved=Bill())
    )
    state = apply(state, RequestDone(tier="model", dollars=0.0, signals=Signals()))
    assert state.seen["model"] == queue
    limits = Signals((RateLimit("requests", 3, 9.0),))
    state = apply(state, RequestDone(tier="model", dollars=0.0, signals=limits))
    assert state.seen["model"] == replace(queue, limits=limits.limits)
    assert apply(state, RunResumed(time=0.0)).seen == {}, "it is old by then"


PROMPT = Prompt("", (), "hello", 100)
FREE = PriceVector(Rates(prefill=0, cached=0, written=0, written_long=0, decode=0))


@pytest.mark.parametrize(("wait", "put_off"), [(150.0, False), (170.0, True)])
def test_a_wait_that_leaves_too_little_time_for_an_answer_puts_the_request_off(
    wait: float, put_off: bool, server: ChatServer
) -> None:
    """Of 180 s: an answer is expected to take some 27, and one that is cut off is paid for in vain."""
    server.play(refused(retry_after=str(wait)), Scripted(RIGHT))
    clock = Clock()
    client = OpenAIChat("m", KEY, server.base_url)
    caller = Caller("model", client, FREE, 180.0, Redactor({}), clock, clock.sleep)
    purse = Purse(Ledger(Limits(), Bill()), Bill(), lambda _: None)
    prompt, standing = replace(PROMPT, max_output=4_000), Standing(seconds=900.0)
    if not put_off:
        assert caller.ask(prompt, purse, 180.0, lambda _: "", standing).text == RIGHT
        return
    with pytest.raises(TierUnavailable) as caught:
        caller.ask(prompt, purse, 180.0, lambda _: "", standing)
    assert caught.value.wait == wait


def test_a_wait_can_be_interrupted(server: ChatServer) -> None:
    caller = Caller("model", OpenAIChat("m", KEY, server.base_url), FREE, 60.0, Redactor({}))
    purse = Purse(Ledger(Limits(), Bill()), Bill(), pytest.fail)
    standing = Standing(Pace(seen=Signals(retry_after=60.0)))
    begun = time.monotonic()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        caller.ask(PROMPT, purse, 200.0, lambda _: "", standing)
    assert time.monotonic() - begun < 20
    assert server.requests == [], "nothing is asked, and nothing is on the books"


def test_a_bill_beyond_every_bound_is_said_in_plain_words(server: ChatServer, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 30, "total_tokens": 1_000_030}
    server.play(Scripted(WRONG, usage), Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url, budget=2.0, max_output=4_000)
    out = io.StringIO()
    task.play(View(Console(file=out, width=1_000)), honest=False)
    billed = (3.0 * 1_000_000 + 15.0 * 30) / 1e6
    worst = next(event.worst for event in Trace(task.folder).events() if isinstance(event, RequestIntended))
    assert task.run.state.spent.dollars == pytest.approx(billed), "what is reported is booked"
    assert task.report is not None
    said = task.report.beyond[0]
    assert f"model billed ${billed - worst:.2f} beyond the worst case of its requests" in said
    assert f"the budget is exceeded by ${billed - 2.0:.2f}" in said
    assert "cannot be bounded" in said
    assert f"beyond      {said}" in task.report.lines()
    assert out.getvalue().count(said) == 1


def test_a_bill_within_bounds_says_nothing(server: ChatServer, tmp_path: Path) -> None:
    server.play(Scripted(RIGHT))
    task = Task(tmp_path / "t", server.base_url)
    assert task.play()[0] == 0
    assert task.report is not None and task.report.beyond == ()
