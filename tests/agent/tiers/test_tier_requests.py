"""What the three clients send, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from servers import ChatServer, MessagesServer, ResponsesServer, Scripted, ScriptedServer
from vendors import FULL, KEY, SCHEMA, VENDORS, ask

from agent.tiers.anthropic_messages import AnthropicMessages
from agent.tiers.openai_chat import OpenAIChat
from agent.tiers.openai_responses import OpenAIResponses
from agent.tiers.prompt import Client, Prompt


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


def test_what_messages_sends(servers: dict[str, ScriptedServer]) -> None:
    server = servers["messages"]
    ask(server, AnthropicMessages("m-1", KEY, server.base_url), Scripted("{}"), FULL)
    held = {"type": "ephemeral"}
    assert server.requests[0].body == {
        "model": "m-1",
        "max_tokens": 2_000,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": held}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "the test"},
                    {"type": "text", "text": "the function", "cache_control": held},
                    {"type": "text", "text": "new"},
                ],
            }
        ],
        "output_config": {
            "effort": "low",
            "format": {"type": "json_schema", "schema": json.loads(SCHEMA.text)},
        },
    }
    assert "X-Stainless-Retry-Count" not in server.requests[0].headers or (
        server.requests[0].headers["X-Stainless-Retry-Count"] == "0"
    )


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_a_proxy_finds_the_key_where_it_looks_for_it(servers: dict[str, ScriptedServer], header: str) -> None:
    server = servers["messages"]
    ask(server, AnthropicMessages("m-1", KEY, server.base_url), Scripted("{}"), FULL)
    assert server.requests[0].headers[header].removeprefix("Bearer ") == KEY
    ask(server, AnthropicMessages("m-1", "", server.base_url), Scripted("{}"), FULL)
    assert server.requests[0].headers.get(header, "Bearer none") == "Bearer none", "there is no key"


def test_what_responses_sends(servers: dict[str, ScriptedServer]) -> None:
    server = servers["responses"]
    ask(server, OpenAIResponses("m-1", KEY, server.base_url), Scripted("{}"), FULL)
    assert server.requests[0].body == {
        "model": "m-1",
        "max_output_tokens": 2_000,
        "stream": True,
        "store": False,
        "service_tier": "default",
        "instructions": "Be brief.",
        "prompt_cache_key": "run-1",
        "reasoning": {"effort": "low"},
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": text} for text in ("the test", "the function", "new")
                ],
            }
        ],
        "text": {
            "format": {
                "type": "json_schema",
                "name": "reply",
                "schema": json.loads(SCHEMA.text),
                "strict": True,
            }
        },
    }


def test_breakpoints_mark_what_is_stable(servers: dict[str, ScriptedServer]) -> None:
    server = servers["responses"]
    client = OpenAIResponses("m-1", KEY, server.base_url, breakpoints=True)
    ask(server, client, Scripted("x"))
    body = server.requests[0].body
    assert body["prompt_cache_options"] == {"mode": "explicit"}
    marked = ["prompt_cache_breakpoint" in block for block in body["input"][0]["content"]]
    assert marked == [True, True, False]


def test_what_chat_sends(servers: dict[str, ScriptedServer]) -> None:
    server = servers["chat"]
    ask(server, OpenAIChat("m-1", "", server.base_url), Scripted("{}"), FULL)
    assert server.requests[0].body == {
        "model": "m-1",
        "max_tokens": 2_000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_effort": "low",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "the test\n\nthe function\n\nnew"},
        ],
    }


def test_chat_with_what_openai_knows(servers: dict[str, ScriptedServer]) -> None:
    server = servers["chat"]
    client = OpenAIChat("m-1", KEY, server.base_url, structured=True, completion_tokens=True)
    ask(server, client, Scripted("{}"), FULL)
    body = server.requests[0].body
    assert body["max_completion_tokens"] == 2_000
    assert body["response_format"]["json_schema"]["schema"] == json.loads(SCHEMA.text)


def test_nothing_optional_is_sent_unasked(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    ask(server, client, Scripted("x"), Prompt("", (), "only this", 100))
    optional = {
        "system", "instructions", "output_config", "text", "response_format", "reasoning", "reasoning_effort",
        "prompt_cache_key", "prompt_cache_options", "temperature",
    }  # fmt: skip
    assert not optional & set(server.requests[0].body)
