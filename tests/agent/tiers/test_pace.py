"""How long an endpoint takes, learnt from its answers, and how long it will make one wait."""

from __future__ import annotations

import pytest

from agent.events import RequestDone
from agent.tiers.pace import BYTES_PER_TOKEN, DECODED, FIRST_TOKEN, pace_of
from agent.tiers.prompt import Prompt, RateLimit, Signals, Usage


def answered(seconds: float = 11.0, first: float = 2.0, decode: int = 900) -> RequestDone:
    usage = Usage(prefill=2_000, decode=decode)
    return RequestDone(
        tier="t", dollars=0.01, usage=usage, bytes=6_000, first_token_seconds=first, seconds=seconds
    )


def test_before_the_first_answer_everything_is_as_usual() -> None:
    pace = pace_of((), Signals())
    assert (pace.decoded, pace.bytes_per_token, pace.wait(LONG)) == (DECODED, BYTES_PER_TOKEN, (0.0, ""))
    assert pace.seconds(0, 0) == FIRST_TOKEN


def test_after_many_answers_the_rates_are_those_seen() -> None:
    pace = pace_of([answered()] * 200, Signals())
    assert pace.decoded == pytest.approx(900, rel=0.01)
    assert pace.bytes_per_token == pytest.approx(3.0, rel=0.01)
    assert pace.prefill_rate == pytest.approx(2_000, rel=0.02)
    assert pace.decode_rate == pytest.approx(100, rel=0.02)
    assert pace.seconds(2_000, 900) == pytest.approx(11.0, rel=0.02)


def test_failures_teach_nothing_of_the_rates() -> None:
    failed = RequestDone(tier="t", dollars=0.5, failure="broken", bytes=10**6, seconds=100.0)
    assert pace_of([failed], Signals()) == pace_of((), Signals())


LONG = Prompt("", (), "x" * 18_000, 4_000)
"""5,000 tokens, and an answer of 1,500 is expected."""


@pytest.mark.parametrize(
    ("seen", "seconds", "why"),
    [
        (Signals((RateLimit("requests", 0, 40.0),)), 40.0, "rate limit is used up for 40s"),
        (Signals((RateLimit("tokens", 0, 7.0),)), 7.0, "rate limit is used up for 7.0s"),
        (Signals((RateLimit("requests", 3, 40.0), RateLimit("tokens", 7_000, 9.0))), 0.0, ""),
        (Signals((RateLimit("requests", 59, 1.0), RateLimit("tokens", 5, 50.0))), 50.0, "has 5 tokens left"),
        (Signals((RateLimit("tokens", 6_400, 50.0),)), 50.0, "of about 6500 needed"),
        (Signals((RateLimit("input", 5_100, 9.0), RateLimit("output", 1_600, 9.0))), 0.0, ""),
        (
            Signals((RateLimit("input", 9_000, 9.0), RateLimit("output", 1_400, 5.0))),
            5.0,
            "1400 output tokens",
        ),
        (Signals((RateLimit("tokens", 0, None),)), 0.0, ""),
        (Signals((RateLimit("tokens", 0, 60.0),), retry_after=2.0), 2.0, "not to be asked again for 2.0s"),
    ],
)
def test_a_request_is_held_until_it_may_be_sent(seen: Signals, seconds: float, why: str) -> None:
    pace = pace_of((), seen)
    assert pace.hold(LONG) == pace.wait(LONG)
    assert pace.hold(LONG).seconds == pytest.approx(seconds)
    assert why in pace.hold(LONG).why and bool(pace.hold(LONG).why) == bool(seconds)


@pytest.mark.parametrize(
    ("seen", "seconds", "why"),
    [
        (Signals(waiting=6.0, running=2.0), 3 * 26.0, "6 requests wait"),
        (Signals(waiting=0.0, running=2.0, cache_use=0.95), 26.0, "95 % full"),
        (Signals(waiting=0.0, running=2.0, cache_use=0.5), 0.0, ""),
    ],
)
def test_a_queue_is_foreseen_and_not_waited_for_here(seen: Signals, seconds: float, why: str) -> None:
    pace = pace_of((), seen)
    assert pace.wait(LONG).seconds == pytest.approx(seconds)
    assert why in pace.wait(LONG).why and bool(pace.wait(LONG).why) == bool(seconds)
    assert pace.hold(LONG).seconds == 0


def test_what_was_said_grows_old() -> None:
    seen = Signals((RateLimit("requests", 0, 40.0),), retry_after=10.0)
    assert seen.later(15.0) == Signals((RateLimit("requests", 0, 25.0),), retry_after=0.0)


def test_what_says_nothing_of_the_queue_does_not_end_it() -> None:
    limits, queue = Signals((RateLimit("requests", 0, 40.0),), 3.0), Signals(waiting=40.0, running=4.0)
    both = Signals(limits.limits, 3.0, 40.0, 4.0)
    assert limits.over(queue) == queue.over(limits) == both
    assert Signals((RateLimit("requests", 9),)).over(limits) == Signals((RateLimit("requests", 9),))


def test_a_request_that_was_put_off_raises_the_next_quote() -> None:
    put_off = answered().model_copy(update={"waited": 0.5})
    wait = pace_of([put_off], Signals()).wait(LONG)
    assert wait == (0.5, "its last request was put off for 0.5s")


def test_a_wait_that_the_endpoint_named_is_over_once_it_has_answered() -> None:
    failed = RequestDone(tier="t", dollars=0.0, failure="rate", signals=Signals(retry_after=12.0))
    put_off = answered().model_copy(update={"waited": 12.0})
    assert pace_of([failed, put_off], Signals()).wait(LONG).seconds == 0
