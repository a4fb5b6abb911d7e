"""Successes that are no stream of events: whole answers, errors, pages; and calls of tools nobody offered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers import Scripted, ScriptedServer
from vendors import KEY, PLAIN, VENDORS, ask, checked, failed
from werkzeug import Response

from agent.tiers.bodies import MOST_TEXT
from agent.tiers.prompt import CallFailed, Client, Usage

Vendor = tuple[str, ScriptedServer, Any]


@pytest.fixture(scope="module", params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    """A vendor's name, a server and a client of it."""
    serving, asking = VENDORS[request.param]
    with serving() as server:
        client = asking("scripted-1", KEY, server.base_url)
        yield request.param, server, client
        client.close()


PROTOCOL = {"chat": "Chat Completions", "responses": "Responses", "messages": "Messages"}


def scripted(body: object) -> Scripted:
    """A body of JSON, indented, as some servers send it."""
    return Scripted(body=json.dumps(body, indent=1).encode(), content_type="application/json")


def whole(name: str, text: str, usage: dict[str, Any] | None = None) -> dict[str, Any]:
    """A completion that is not streamed."""
    match name:
        case "chat":
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            body: dict[str, Any] = {"id": "c", "object": "chat.completion", "choices": [choice]}
        case "responses":
            message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
            body = {
                "id": "r",
                "object": "response",
                "status": "completed",
                "output": [message],
                "error": None,
            }
        case _:
            content = [{"type": "text", "text": text}]
            body = {"id": "a", "type": "message", "content": content, "stop_reason": "end_turn"}
    return body | {"model": "m-whole"} | ({"usage": usage} if usage else {})


@pytest.mark.parametrize("text", ["fine", "", "x\n\ny" * 20_000])
def test_a_whole_answer_is_as_good_as_a_stream(vendor: Vendor, text: str) -> None:
    name, server, client = vendor
    completion = ask(server, client, scripted(whole(name, text, dict(server.usage))))
    assert completion.text == text
    assert completion.usage == Usage(prefill=120, decode=30)
    assert (completion.stop, completion.model) == ("end", "m-whole")
    assert ask(server, client, scripted(whole(name, text))).usage is None


def test_half_of_a_whole_answer_is_none(vendor: Vendor) -> None:
    name, server, client = vendor
    body = json.dumps(whole(name, "fine")).encode()[:-5]
    failure = failed(server, client, Scripted(body=body, content_type="application/json"))
    assert (failure.kind, failure.maybe_billed, failure.lasting) == ("malformed", True, False)
    assert "the answer is no stream of events: '{" in failure.message


def test_a_whole_answer_that_is_too_long(vendor: Vendor) -> None:
    name, server, client = vendor
    body = json.dumps(whole(name, "x" * MOST_TEXT)).encode()
    failure = failed(server, client, Scripted(body=body, content_type="application/json"), 30)
    assert (failure.kind, failure.maybe_billed) == ("malformed", True)


@pytest.mark.parametrize(
    ("problem", "kind", "lasting"),
    [
        ({"message": "no backend is configured"}, "server", True),
        ({"message": "no backend is configured", "code": "server_error"}, "server", True),
        ({"message": "no backend is configured", "type": "overloaded_error"}, "overloaded", False),
        ({"message": "no backend is configured", "type": "rate_limit_error"}, "rate", False),
        ({"message": "no backend is configured", "code": 429}, "rate", False),
        ({"message": "no backend is configured", "code": 502}, "server", True),
        ({"message": "no backend is configured", "code": "invalid_api_key"}, "key", True),
        ("no backend is configured", "server", True),
    ],
)
def test_an_error_with_the_status_of_success(
    vendor: Vendor, problem: object, kind: str, lasting: bool
) -> None:
    _, server, client = vendor
    failure = failed(server, client, scripted({"type": "error", "error": problem}))
    assert (failure.kind, failure.lasting, failure.maybe_billed) == (kind, lasting, False)
    assert "no backend is configured" in failure.message


@pytest.mark.parametrize(
    ("body", "said", "lasting"),
    [
        (b"\n <!doctype html><title>It \x1b[31mworks!", "a page for browsers, '<!doctype html>", True),
        (b'{"status": "ok"}', """JSON of another form, '{"status": "ok"}'""", True),
        (b'{"choices": [], "content": [], "output": []}', "JSON of another form", True),
        (b"upstream is away", "no stream of events: 'upstream is away'", False),
        (b"[" * 100_000, "no stream of events: '[[", False),
        (b"", "no stream of events: nothing", False),
    ],
)
def test_what_is_no_answer_is_named(vendor: Vendor, body: bytes, said: str, lasting: bool) -> None:
    name, server, client = vendor
    failure = failed(server, client, Scripted(body=body, content_type="text/html"))
    assert (failure.kind, failure.maybe_billed, failure.lasting) == ("malformed", True, lasting)
    assert said in failure.message
    if lasting:
        assert failure.message.startswith(f"this is no {PROTOCOL[name]} endpoint: it answers with ")


LISTED: dict[str, Callable[[str], object]] = {
    "chat": lambda model: {"object": "list", "data": [{"id": model}]},
    "responses": lambda model: {"id": model, "object": "model"},
    "messages": lambda model: {"id": model, "type": "model"},
}


class Looked:
    """A server whose list of models is `body`."""

    def __init__(self, name: str, server: ScriptedServer) -> None:
        self.name, self.body, self.status = name, b"", 200
        server._server.expect_request(re.compile("/v1/models.*")).respond_with_handler(self._answer)
        self._client: Client = VENDORS[name][1]("scripted-1", KEY, server.base_url)

    def _answer(self, _: object) -> Response:
        return Response(self.body, self.status, content_type="text/html")

    def check(self, body: object) -> str:
        """ "ok", or what is wrong."""
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._client.check(10)
        except CallFailed as failure:
            return checked(failure).message
        return "ok"


@pytest.fixture(scope="module")
def looked(vendor: Vendor) -> Looked:
    return Looked(vendor[0], vendor[1])


def test_a_model_is_looked_up(looked: Looked) -> None:
    assert looked.check(LISTED[looked.name]("scripted-1")) == "ok"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><h1>It works!</h1>", "a page for browsers, '<html>"),
        ({"status": "ok"}, "JSON of another form, '"),
        (["scripted-1"], """'["scripted-1"]'"""),
        (b"", "nothing"),
    ],
)
def test_an_endpoint_of_another_kind_is_not_ok(looked: Looked, body: object, said: str) -> None:
    line = looked.check(body)
    assert line.startswith(f"this is no {PROTOCOL[looked.name]} endpoint: it answers with ")
    assert said in line


def test_an_error_in_place_of_a_model_is_shown(looked: Looked) -> None:
    body = {"error": {"message": f"the account of {KEY} is closed", "type": "billing_error"}}
    assert looked.check(body) == (
        "the endpoint refuses the key or the account: the account of [redacted] is closed"
    )


def test_an_empty_list_of_models_is_one() -> None:
    serving, _ = VENDORS["chat"]
    with serving() as server:
        looked = Looked("chat", server)
        assert looked.check({"object": "list", "data": None}) == "ok"
        other = looked.check({"object": "list", "data": [{"id": f"it-is-{KEY}"}]})
        assert other == "the server has no such model; it has it-is-[redacted]"


CALLS: dict[str, list[dict[str, Any]]] = {
    "chat": [
        {"choices": [{"delta": {"tool_calls": [{"function": {"name": "edit", "arguments": '{"pa'}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
    ],
    "responses": [
        {"type": "response.output_item.added", "item": {"type": "function_call", "name": "edit"}},
        {"type": "response.function_call_arguments.delta", "delta": '{"pa'},
        {
            "type": "response.completed",
            "response": {"status": "completed", "output": [{"type": "function_call", "arguments": '{"pa'}]},
        },
    ],
    "messages": [
        {"type": "message_start", "message": {"id": "a"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "edit"}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"pa'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ],
}
WHOLE_CALLS: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"message": {"tool_calls": [{"function": {"arguments": '{"pa'}}]}}]},
    "responses": {"object": "response", "status": "completed", "output": [{"type": "function_call"}]},
    "messages": {
        "type": "message",
        "content": [{"type": "tool_use", "input": {}}],
        "stop_reason": "tool_use",
    },
}


def test_a_tool_call_is_told_from_an_empty_answer(vendor: Vendor) -> None:
    name, server, client = vendor
    streamed = b"".join(
        f"event: {event.get('type', '')}\ndata: {json.dumps(event)}\n\n".encode() for event in CALLS[name]
    )
    for answer in (Scripted(body=streamed), scripted(WHOLE_CALLS[name])):
        completion = ask(server, client, answer, PLAIN)
        assert (completion.text, completion.stop) == ("", "tool")
