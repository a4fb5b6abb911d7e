"""How long an endpoint takes, learnt from its answers, and how long it will make one wait."""

from __future__ import annotations

import pytest

from agent.events import RequestDone
from agent.tiers.pace import BYTES_PER_TOKEN, DECODED, FIRST_TOKEN, pace_of
from agent.tiers.prompt import Signals, Usage


def answered(seconds: float = 11.0, first: float = 2.0, decode: int = 900) -> RequestDone:
    usage = Usage(prefill=2_000, decode=decode)
    return RequestDone(
        tier="t", dollars=0.01, usage=usage, bytes=6_000, first_token_seconds=first, seconds=seconds
    )


def test_before_the_first_answer_everything_is_as_usual() -> None:
    pace = pace_of((), Signals())
    assert (pace.decoded, pace.bytes_per_token, pace.wait, pace.why) == (DECODED, BYTES_PER_TOKEN, 0.0, "")
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


@pytest.mark.parametrize(
    ("seen", "seconds", "why"),
    [
        (Signals(requests_left=0, reset_seconds=40.0), 40.0, "rate limit"),
        (Signals(tokens_left=0, reset_seconds=7.0), 7.0, "rate limit"),
        (Signals(requests_left=3, reset_seconds=40.0), 0.0, ""),
        (Signals(waiting=6.0, running=2.0), 3 * 26.0, "6 requests wait"),
        (Signals(waiting=0.0, running=2.0, cache_use=0.95), 26.0, "95 % full"),
        (Signals(waiting=0.0, running=2.0, cache_use=0.5), 0.0, ""),
    ],
)
def test_load_is_foreseen_as_waiting(seen: Signals, seconds: float, why: str) -> None:
    pace = pace_of((), seen)
    assert pace.wait == pytest.approx(seconds)
    assert why in pace.why and bool(pace.why) == bool(seconds)
    assert pace.seconds(0, 0) == pytest.approx(seconds + FIRST_TOKEN)


def test_a_request_that_was_put_off_raises_the_next_quote() -> None:
    pace = pace_of([answered().model_copy(update={"waited": 12.0})], Signals())
    assert pace.wait == 12.0
