"""Tokens as each vendor reports them, true or nonsense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tiers.prompt import Usage
from agent.tiers.usage import chat_usage, messages_usage, responses_usage

READERS: list[Callable[[object], Usage | None]] = [chat_usage, responses_usage, messages_usage]


def test_openai_counts_the_cache_within_its_input() -> None:
    details = {
        "cached_tokens": 60,
        "cache_write_tokens": 30,
        "cache_write_tokens_details": {"ttl_12h_tokens": 10},
    }
    usage = {
        "input_tokens": 100,
        "input_tokens_details": details,
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
    }
    assert responses_usage(usage) == Usage(10, 60, 20, 10, 20, 5)


def test_chat_counts_the_cache_within_its_prompt() -> None:
    usage = {
        "prompt_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "completion_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    assert chat_usage(usage) == Usage(10, 60, 30, 0, 20, 5)


def test_anthropic_counts_the_cache_apart_from_its_input() -> None:
    begun = {
        "input_tokens": 504,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 123,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 23},
        "output_tokens": 1,
    }
    ended = {"output_tokens": 97, "input_tokens": 0, "output_tokens_details": {"thinking_tokens": 40}}
    usage = messages_usage(begun, ended)
    assert usage == Usage(504, 1000, 100, 23, 97, 40)
    assert usage.input == 1627


def test_anthropic_without_the_total_of_writes() -> None:
    writes = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 23}
    usage = messages_usage({"input_tokens": 0, "output_tokens": 1, "cache_creation": writes})
    assert usage == Usage(written=100, written_long=23, decode=1)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, "none", [], 7])
def test_local_servers_leave_the_details_out(details: object) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": details}
    assert chat_usage(usage) == Usage(prefill=9, decode=4)
    usage = {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": details}
    assert responses_usage(usage) == Usage(prefill=9, decode=4)
    assert messages_usage({"input_tokens": 9, "output_tokens": 4, "cache_creation": details}) == Usage(
        9, decode=4
    )


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("total", [None, "12", -1, True, 1.5, 10**12, float("nan"), {}, 0])
def test_what_cannot_be_is_not_reported(reader: Callable[[object], Usage | None], total: object) -> None:
    assert (
        reader({"prompt_tokens": total, "input_tokens": total, "completion_tokens": 3, "output_tokens": 3})
        is None
    )


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("output", [None, "12", -1, False, 1.5, 10**12, float("inf")])
def test_without_output_nothing_is_reported(reader: Callable[[object], Usage | None], output: object) -> None:
    assert (
        reader({"prompt_tokens": 5, "input_tokens": 5, "completion_tokens": output, "output_tokens": output})
        is None
    )


def test_parts_beyond_the_total_are_cut() -> None:
    usage = {
        "prompt_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 70, "cache_write_tokens": 70},
        "completion_tokens": 4,
        "completion_tokens_details": {"reasoning_tokens": 9},
    }
    assert chat_usage(usage) == Usage(0, 70, 30, 0, 4, 4)


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 2 * 10**9) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens",
    "output_tokens",
    "input_tokens_details",
    "output_tokens_details",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_tokens_details",
    "ttl_12h_tokens",
    "reasoning_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "thinking_tokens",
    "ephemeral_1h_input_tokens",
    "ephemeral_5m_input_tokens",
]
ACCOUNTS = st.recursive(
    NONSENSE, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8), max_leaves=30
)


@settings(deadline=None)
@given(ACCOUNTS)
def test_no_account_makes_a_count_negative(account: Any) -> None:
    for reader in READERS:
        usage = reader(account)
        if usage is not None:
            counts = (
                usage.prefill,
                usage.cached,
                usage.written,
                usage.written_long,
                usage.decode,
                usage.reasoning,
            )
            assert all(isinstance(number, int) and number >= 0 for number in counts)
            assert usage.input > 0
            assert usage.reasoning <= usage.decode
