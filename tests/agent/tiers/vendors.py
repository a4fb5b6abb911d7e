"""What the tests of the clients share: each vendor's server and client, and requests to make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from servers import ChatServer, MessagesServer, ResponsesServer, Scripted, ScriptedServer

from agent.tiers.anthropic_messages import AnthropicMessages
from agent.tiers.openai_chat import OpenAIChat
from agent.tiers.openai_responses import OpenAIResponses
from agent.tiers.prompt import CallFailed, Client, Completion, Prompt, Schema

KEY = "sk-test-0123456789abcdef"
SCHEMA = Schema("reply", json.dumps({"type": "object", "properties": {}, "additionalProperties": False}))
PLAIN = Prompt("Be brief.", ("the test", "the function"), "what is new", 2_000)
FULL = Prompt("Be brief.", ("the test", "the function"), "new", 2_000, SCHEMA, "run-1", "low")

VENDORS: dict[str, tuple[type[ScriptedServer], type[Any]]] = {
    "chat": (ChatServer, OpenAIChat),
    "responses": (ResponsesServer, OpenAIResponses),
    "messages": (MessagesServer, AnthropicMessages),
}


def failed(server: ScriptedServer, client: Client, scripted: Scripted, timeout: float = 10) -> CallFailed:
    """The failure of a request that is answered as scripted."""
    server.play(scripted)
    with pytest.raises(CallFailed) as caught:
        client.complete(FULL, timeout)
    assert server.problems == []
    assert len(server.requests) == 1, "a request is sent once"
    return checked(caught.value)


def checked(failure: CallFailed) -> CallFailed:
    """A failure that may be shown to anyone."""
    assert failure.message == str(failure)
    assert 0 < len(failure.message) <= 200
    assert failure.message.isprintable()
    assert KEY not in failure.message
    assert failure.__cause__ is None
    assert failure.__context__ is None
    return failure


def ask(server: ScriptedServer, client: Client, scripted: Scripted, prompt: Prompt = PLAIN) -> Completion:
    """The answer, as scripted, to a request that the server finds in order."""
    server.play(scripted)
    completion = client.complete(prompt, 10)
    assert server.problems == []
    return completion
