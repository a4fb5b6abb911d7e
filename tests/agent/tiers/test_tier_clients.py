"""The three clients against scripted servers, over the real SDKs: what they send and what they read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import ChatServer, MessagesServer, ResponsesServer, Scripted, ScriptedServer
from vendors import FULL, KEY, PLAIN, VENDORS, ask

from agent.tiers.openai_responses import OpenAIResponses
from agent.tiers.prompt import CallFailed, Client, RateLimit, Usage

TEXT = 'Grüße, 世界 🎉: {"diagnosis": "off by one"}\n' * 3


@pytest.fixture(scope="module", params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Iterator[tuple[ScriptedServer, Client]]:
    """A server and a client of it."""
    serving, asking = VENDORS[request.param]
    with serving() as server:
        client = asking("scripted-1", KEY, server.base_url)
        yield server, client
        client.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, ScriptedServer]]:
    """One server of each vendor."""
    with ChatServer() as chat, ResponsesServer() as responses, MessagesServer() as messages:
        yield {"chat": chat, "responses": responses, "messages": messages}


def test_text_and_usage(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    completion = ask(server, client, Scripted(TEXT, piece=5))
    assert completion.text == TEXT
    assert completion.usage == Usage(prefill=120, decode=30)
    assert completion.stop == "end"
    assert completion.model == "scripted-1"
    assert completion.request_id
    assert len(server.requests) == 1
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


def test_first_token_is_timed(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    completion = ask(server, client, Scripted("x" * 80, piece=20, first_delay=0.3, delay=0.2))
    assert 0.3 <= completion.first_token_seconds < completion.seconds - 0.2


def test_reasoning_is_the_first_token(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    completion = ask(server, client, Scripted("x", reasoning=True, delay=0.2))
    assert completion.text == "x"
    assert completion.first_token_seconds < completion.seconds - 0.1


def test_rate_limits_are_read(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    headers = {
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "1m1s",
        "x-request-id": "r-7",
    }
    completion = ask(server, client, Scripted("x", headers=headers))
    assert completion.signals.limits == (RateLimit("requests", 3, 61.0),)
    assert completion.request_id == "r-7"


def test_a_refusal_is_no_failure(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    completion = ask(server, client, Scripted("I would rather not.", refusal=True))
    assert completion.stop == "refusal"
    assert completion.text == "I would rather not."


def test_without_usage_none_is_made_up(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    assert ask(server, client, Scripted("x", usage={})).usage is None


def test_a_megabyte_of_nonsense_is_a_completion(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    nonsense = "\u202enonsense\x1b[31m " * 70_000
    assert ask(server, client, Scripted(nonsense, piece=4_000)).text == nonsense


def test_an_empty_answer_is_a_completion(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    completion = ask(server, client, Scripted(""))
    assert completion.text == ""
    assert completion.stop == "end"


def test_a_client_can_be_used_again_and_closed_twice(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    server.play(*[Scripted("x")] * 3)
    client.complete(PLAIN, 10)
    client.close()
    client.close()
    client.complete(PLAIN, 10)
    client.complete(FULL, 10)
    assert server.problems == []


@pytest.mark.parametrize(
    ("name", "stop"),
    [("chat", "length"), ("responses", "max_output_tokens"), ("messages", "max_tokens")],
)
def test_length(servers: dict[str, ScriptedServer], name: str, stop: str) -> None:
    client = VENDORS[name][1]("scripted-1", KEY, servers[name].base_url)
    assert ask(servers[name], client, Scripted("half a", stop=stop)).stop == "length"


@pytest.mark.parametrize(
    ("name", "stop"), [("chat", "content_filter"), ("responses", "content_filter"), ("messages", "refusal")]
)
def test_filtered(servers: dict[str, ScriptedServer], name: str, stop: str) -> None:
    client = VENDORS[name][1]("scripted-1", KEY, servers[name].base_url)
    assert ask(servers[name], client, Scripted("half a", stop=stop)).stop == "refusal"


def test_cached_tokens_are_told_apart(servers: dict[str, ScriptedServer]) -> None:
    expected = Usage(prefill=20, cached=70, written=10, decode=30, reasoning=12)
    chat = {
        "prompt_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 70, "cache_write_tokens": 10},
        "completion_tokens": 30,
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    responses = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 70, "cache_write_tokens": 10},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 12},
        "total_tokens": 130,
    }
    messages = {
        "input_tokens": 20,
        "cache_read_input_tokens": 70,
        "cache_creation_input_tokens": 10,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 12},
    }
    for name, usage in (("chat", chat), ("responses", responses), ("messages", messages)):
        client = VENDORS[name][1]("scripted-1", KEY, servers[name].base_url)
        assert ask(servers[name], client, Scripted("x", usage=usage)).usage == expected, name


def test_commentary_is_no_reply(servers: dict[str, ScriptedServer]) -> None:
    def message(text: str, phase: str) -> dict[str, object]:
        return {"type": "message", "phase": phase, "content": [{"type": "output_text", "text": text}]}

    output = [message("Let me see.", "commentary"), message('{"a": 1}', "final_answer")]
    events = [
        {"type": "response.output_text.delta", "delta": "Let me see."},
        {"type": "response.output_text.delta", "delta": '{"a": 1}'},
        {"type": "response.completed", "response": {"id": "r", "model": "m", "output": output}},
    ]
    body = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    server = servers["responses"]
    client = OpenAIResponses("m-1", KEY, server.base_url)
    assert ask(server, client, Scripted(body=body)).text == '{"a": 1}'


LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from vendors import VENDORS
from agent.tiers.prompt import CallFailed, Prompt
key, *addresses = sys.stdin.read().split()
for name, base_url in zip(VENDORS, addresses):
    client = VENDORS[name][1]("m-1", key, base_url)
    for number in range(2):
        try:
            print(client.complete(Prompt("", (), "hello", 50), 10).text)
        except CallFailed as failed:
            print(failed.message)
"""


def test_the_key_is_never_logged(servers: dict[str, ScriptedServer]) -> None:
    for server in servers.values():
        # The endpoint itself repeats the key in its error.
        error = {"error": {"message": f"bad key {KEY}, sorry"}}
        server.play(Scripted("fine"), Scripted(status=401, error=error))
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", LOUD],
        input="\n".join([KEY, *(servers[name].base_url for name in VENDORS)]),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENAI_LOG": "debug", "ANTHROPIC_LOG": "debug", "PYTHONPATH": path},
    )
    assert "DEBUG:openai" in done.stderr
    assert "DEBUG:anthropic" in done.stderr
    refused = "the endpoint refuses the key or the account (HTTP 401): bad key [redacted], sorry"
    assert done.stdout.splitlines() == ["fine", refused] * 3
    assert KEY not in done.stdout + done.stderr


def test_a_key_that_is_none_is_not_sent(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    server.play()
    for key in ("sk-a\r\nX-Evil: 1", "schlüssel", "sk-\x00"):
        with pytest.raises(CallFailed) as caught:
            type(client)("m-1", key, server.base_url).complete(PLAIN, 5)  # type: ignore[call-arg]
        assert caught.value.kind == "key"
        assert key not in caught.value.message
    assert server.requests == []
