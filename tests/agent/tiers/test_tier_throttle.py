"""Load as endpoints tell it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import ChatServer

from agent.tiers.prompt import RateLimit, Signals
from agent.tiers.throttle import metrics, read_metrics, retry_after, signals

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

VLLM = """\
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a model, with } in it"} 3.0
vllm:num_requests_waiting{engine="1",model_name="m"} 2.0
vllm:num_requests_running{engine="0",model_name="m"} 8.0 1395066363000
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:num_requests_waiting_total{engine="0"} 99.0
process_cpu_seconds_total 17
"""
LLAMA = "llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\nllamacpp:kv_cache_usage_ratio 0.5\n"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "7", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "99999-99-99"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("12ms", 0.012),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("1d", 86_400.0),
        ("20", 20.0),
        ("", None),
        ("x", None),
    ],
)
def test_openai_headers(reset: str, seconds: float | None) -> None:
    headers = {
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "100",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-reset-tokens": reset,
    }
    assert signals(headers, NOW) == Signals(
        (RateLimit("requests", 59, 1.0), RateLimit("tokens", 100, seconds))
    )


def test_anthropic_headers() -> None:
    headers = {
        "anthropic-ratelimit-requests-remaining": "1",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-reset": "2026-11-21T12:00:30Z",
        "anthropic-ratelimit-input-tokens-remaining": "30000",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-21T12:00:10Z",
        "anthropic-ratelimit-output-tokens-remaining": "7000",
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-21T12:00:05Z",
    }
    assert signals(headers, NOW) == Signals(
        (RateLimit("requests", 1, 30.0), RateLimit("input", 30_000, 10.0), RateLimit("output", 7_000, 5.0))
    )


def test_headers_that_say_nothing() -> None:
    assert signals({}) == Signals()
    assert (
        signals({"x-ratelimit-remaining-tokens": "many", "x-ratelimit-remaining-requests": "-1"}) == Signals()
    )


def test_metrics_of_vllm() -> None:
    assert metrics(VLLM) == Signals(waiting=5.0, running=8.0, cache_use=0.75)


def test_a_share_is_at_most_one() -> None:
    assert metrics("vllm:kv_cache_usage_perc 97.5\n").cache_use == 1.0


def test_metrics_of_llama_cpp() -> None:
    assert metrics(LLAMA) == Signals(waiting=1.0, running=2.0, cache_use=0.5)


@pytest.mark.parametrize(
    "page",
    ["", "vllm:num_requests_waiting", "vllm:num_requests_waiting NaN", "vllm:num_requests_waiting -1", "\0"],
)
def test_a_page_that_says_nothing(page: str) -> None:
    assert metrics(page) == Signals()


@settings(deadline=None)
@given(st.text(max_size=300), st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3))
def test_nonsense_never_raises(text: str, headers: dict[str, str]) -> None:
    metrics("vllm:num_requests_waiting" + text)
    retry_after({"retry-after": text})
    signals(headers | {"x-ratelimit-remaining-tokens": "1", "x-ratelimit-reset-tokens": text})


@pytest.mark.parametrize(
    "line", ["vllm:num_requests_waiting" + "{}" * 500_000, "vllm:a{" * 150_000, "vllm:a 1\n" * 110_000]
)
def test_a_megabyte_takes_no_time(line: str) -> None:
    begun = time.process_time()
    metrics(line)
    assert time.process_time() - begun < 2


def test_metrics_are_read_beside_the_endpoint() -> None:
    with ChatServer() as server:
        server.serve("/metrics", VLLM)
        assert read_metrics(server.base_url, 2).waiting == 5.0


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:9/v1", "nowhere", "", "http://[", "ftp://127.0.0.1/v1"]
)
def test_no_page_no_signals(base_url: str) -> None:
    assert read_metrics(base_url, 0.5) == Signals()


def test_a_missing_page_gives_no_signals() -> None:
    with ChatServer() as server:
        assert read_metrics(server.base_url, 2) == Signals()


def test_a_reset_that_has_passed_is_now() -> None:
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": (NOW - timedelta(hours=1)).isoformat(),
    }
    assert signals(headers, NOW).limits == (RateLimit("requests", 0, 0.0),)
