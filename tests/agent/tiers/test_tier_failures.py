"""Every way a request can fail, at each vendor: of which kind, whether it may be billed, and the line."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator

import httpx2
import pytest
from servers import ChatServer, MessagesServer, ResponsesServer, Scripted, ScriptedServer
from vendors import KEY, VENDORS, failed

from agent.tiers.bodies import MOST_TEXT, Bounded
from agent.tiers.prompt import Client, RateLimit, Usage


@pytest.fixture(scope="module", params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Iterator[tuple[ScriptedServer, Client]]:
    """A server and a client of it."""
    serving, asking = VENDORS[request.param]
    with serving() as server:
        client = asking("scripted-1", KEY, server.base_url)
        yield server, client
        client.close()


def said(message: str, code: str = "", kind: str = "") -> dict[str, object]:
    return {"error": {"message": message, "code": code or None, "type": kind or None}}


TOO_LONG = [
    said("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
    said("prompt is too long: 210000 tokens > 200000 maximum", kind="invalid_request_error"),
    said("the request exceeds the available context size", kind="exceed_context_size_error"),
    said("input length and `max_tokens` exceed context limit: 199999 + 8192 > 200000"),
]


@pytest.mark.parametrize(
    ("status", "error", "kind", "billed"),
    [
        (400, said("no"), "request", False),
        (401, said("Incorrect API key", "invalid_api_key"), "key", False),
        (402, said("pay", kind="billing_error"), "key", False),
        (403, said("not yours", kind="permission_error"), "key", False),
        (404, said("The model `x` does not exist", "model_not_found"), "model", False),
        (404, said("model: x", kind="not_found_error"), "model", False),
        (400, said("invalid model ID", "model_not_found"), "model", False),
        (408, said("slow"), "timeout", False),
        (409, said("conflict"), "server", False),
        (413, said("too large", kind="request_too_large"), "too-long", False),
        *[(400, error, "too-long", False) for error in TOO_LONG],
        (422, said("extra field"), "request", False),
        (429, said("slow down", "rate_limit_exceeded"), "rate", False),
        (429, said("You exceeded your current quota", "insufficient_quota"), "key", False),
        (418, said("teapot"), "request", False),
        (500, said("oops"), "server", False),
        (501, None, "server", False),
        (502, said("bad gateway"), "server", True),
        (503, said("later"), "overloaded", False),
        (504, said("gateway timeout"), "timeout", True),
        (529, said("Overloaded", kind="overloaded_error"), "overloaded", False),
        (400, "plain words", "request", False),
        (400, {"error": "model 'x' not found"}, "request", False),
        (500, {"object": "error", "message": "vLLM's old form", "code": 500}, "server", False),
        (400, ["a", "list"], "request", False),
        (400, {"error": {"message": {"not": "text"}, "code": 7}}, "request", False),
    ],
)
def test_error_statuses(
    vendor: tuple[ScriptedServer, Client], status: int, error: object, kind: str, billed: bool
) -> None:
    failure = failed(*vendor, Scripted(status=status, error=error))
    assert failure.kind == kind
    assert failure.maybe_billed is billed
    assert f"HTTP {status}" in failure.message


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_wait_that_is_asked_for(vendor: tuple[ScriptedServer, Client], status: int) -> None:
    headers = {"retry-after": "17", "x-ratelimit-remaining-tokens": "0"}
    failure = failed(*vendor, Scripted(status=status, headers=headers))
    assert failure.signals.retry_after == 17.0
    assert failure.signals.limits == (RateLimit("tokens", 0),)
    assert not failure.lasting


@pytest.mark.parametrize(
    "body", [b"", b"<html>\x1b[31m" + b"x" * 10_000, b"\xff\xfe", b'{"error":', b"[" * 10_000]
)
def test_an_error_that_cannot_be_read(vendor: tuple[ScriptedServer, Client], body: bytes) -> None:
    failure = failed(*vendor, Scripted(status=500, body=body))
    assert failure.kind == "server"
    assert failure.maybe_billed is False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(vendor: tuple[ScriptedServer, Client], status: int) -> None:
    with ChatServer() as elsewhere:
        where = elsewhere.base_url.replace("127.0.0.1", "localhost") + "/chat/completions"
        failure = failed(*vendor, Scripted(status=status, headers={"location": where}))
        assert not elsewhere.touched
    assert failure.kind == "model"
    assert f"(HTTP {status}) to http://localhost:" in failure.message
    assert "base_url" in failure.message
    assert failure.maybe_billed is False


def test_a_redirect_names_the_base_url(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    path = server.path.removeprefix(server.base)
    for location in (f"http://me:secret@127.0.0.1:1/else{path}?k={KEY}#{KEY}", f"/else{path}?k={KEY}"):
        failure = failed(server, client, Scripted(status=308, headers={"location": location}))
        at = "http://127.0.0.1:1" if location.startswith("http") else server.base_url.removesuffix("/v1")
        assert failure.message == (
            f'the endpoint redirects (HTTP 308) to {at}/else: state base_url = "{at}/else"'
        )
    elsewhere = failed(server, client, Scripted(status=302, headers={"location": "http://127.0.0.1:1/login"}))
    assert elsewhere.message == (
        "the endpoint redirects (HTTP 302) to http://127.0.0.1:1/login: state the base_url that it stands for"
    )
    nowhere = failed(server, client, Scripted(status=302))
    assert nowhere.message == "the endpoint redirects (HTTP 302) to nowhere"


@pytest.mark.parametrize("drop", [0, 1, 3, 5])
def test_a_broken_stream(vendor: tuple[ScriptedServer, Client], drop: int) -> None:
    failure = failed(*vendor, Scripted("half of an answer that never ends", piece=8, drop=drop))
    assert failure.kind == "broken"
    assert failure.maybe_billed is True


def test_a_broken_stream_says_what_it_had_reported() -> None:
    with MessagesServer() as server:
        client = VENDORS["messages"][1]("m", KEY, server.base_url)
        assert failed(server, client, Scripted("half", drop=4)).usage == Usage(prefill=120, decode=1)


@pytest.mark.parametrize("name", list(VENDORS))
def test_a_stream_that_just_stops(name: str) -> None:
    serving, asking = VENDORS[name]
    with serving() as server:
        pieces = [server.packed(event) for event in server.events(Scripted("a longer text", piece=2), None)]
        body = b"".join(pieces[:3])
        failure = failed(server, asking("m", KEY, server.base_url), Scripted(body=body))
    assert failure.kind == "broken"
    assert failure.maybe_billed is True


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "overloaded"),
        ({"code": "rate_limit_exceeded", "message": "slow"}, "rate"),
        ({"code": "server_error", "message": "oops"}, "server"),
        ({"message": "what?"}, "server"),
        ({"code": "invalid_prompt", "message": "policy"}, "request"),
        ({"code": "context_length_exceeded", "message": "long"}, "too-long"),
        ({"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}, "too-long"),
    ],
)
def test_an_error_within_the_stream(
    vendor: tuple[ScriptedServer, Client], problem: dict[str, str], kind: str
) -> None:
    failure = failed(*vendor, Scripted("half of it", piece=4, problem=problem, drop=5))
    assert failure.kind == kind
    assert problem["message"].casefold() in failure.message
    assert failure.maybe_billed is True


@pytest.mark.parametrize(
    ("problem", "kind", "billed"),
    [
        ({"code": "context_length_exceeded", "message": "Your input exceeds it"}, "too-long", False),
        ({"type": "overloaded_error", "message": "Overloaded"}, "overloaded", False),
        ({"type": "rate_limit_error", "message": "slow down"}, "rate", False),
        ({"code": 429, "message": "slow down"}, "rate", False),
        ({"code": "server_error", "message": "oops"}, "server", True),
        ({"code": 502, "message": "oops"}, "server", True),
    ],
)
def test_refused_before_any_work(
    vendor: tuple[ScriptedServer, Client], problem: dict[str, object], kind: str, billed: bool
) -> None:
    failure = failed(*vendor, Scripted(problem=problem, drop=0))
    assert failure.kind == kind
    assert failure.maybe_billed is billed


BEGUN = {"chat": 2, "responses": 3, "messages": 1}
"""Events after which work has begun: a first token, or Anthropic's account of the input."""


@pytest.mark.parametrize("name", list(VENDORS))
def test_busy_once_work_has_begun(name: str) -> None:
    serving, asking = VENDORS[name]
    problem = {"type": "overloaded_error", "message": "Overloaded"}
    with serving() as server:
        client = asking("m", KEY, server.base_url)
        for drop in range(BEGUN[name] + 2):
            failure = failed(server, client, Scripted("half of it", piece=4, problem=problem, drop=drop))
            assert failure.kind == "overloaded"
            assert failure.maybe_billed is (drop >= BEGUN[name]), drop


def test_busy_while_it_reasons_unseen() -> None:
    events = [
        {"type": "response.created", "response": {"id": "r"}},
        {"type": "response.output_item.added", "item": {"type": "reasoning"}},
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow"},
    ]
    with ResponsesServer() as server:
        client = VENDORS["responses"][1]("m", KEY, server.base_url)
        for sent, billed in ((events, True), ([events[0], events[2]], False)):
            body = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in sent)
            failure = failed(server, client, Scripted(body=body))
            assert (failure.kind, failure.maybe_billed) == ("rate", billed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>captive portal</html>",
        b"data: [DONE]\n\n",
        b"event: message_start\ndata: {\n\n",
        b"event: message_start\ndata: \xff\xfe\n\n",
        b"event: message_start\ndata: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_an_answer_that_is_none(vendor: tuple[ScriptedServer, Client], body: bytes) -> None:
    failure = failed(*vendor, Scripted(body=body))
    assert failure.kind == "malformed"
    assert failure.maybe_billed is True


@pytest.mark.parametrize(
    "data", ["null", "7", '"text"', "[]", "{}", '{"type": 7, "choices": [7, null], "usage": []}']
)
def test_events_of_no_form(vendor: tuple[ScriptedServer, Client], data: str) -> None:
    failure = failed(*vendor, Scripted(body=f"event: message_delta\ndata: {data}\n\n".encode()))
    assert failure.kind in ("broken", "malformed")
    assert failure.maybe_billed is True


def test_an_event_without_end(vendor: tuple[ScriptedServer, Client]) -> None:
    failure = failed(*vendor, Scripted(body=b"data: " + b"x" * (9 << 20)), 20)
    assert failure.kind == "malformed"
    assert "larger than" in failure.message


def test_a_text_without_end(vendor: tuple[ScriptedServer, Client]) -> None:
    failure = failed(*vendor, Scripted("x" * (9 << 20), piece=1 << 20), 20)
    assert failure.kind == "malformed"


def test_packed_unasked(vendor: tuple[ScriptedServer, Client]) -> None:
    headers = {"content-encoding": "gzip"}
    failure = failed(*vendor, Scripted("x", headers=headers))
    assert failure.kind == "malformed"
    assert "compressed" in failure.message
    body = gzip.compress(b'{"error": {"message": "unpacked"}}')
    failure = failed(*vendor, Scripted(status=401, headers=headers, body=body))
    assert failure.kind == "key"
    assert "unpacked" not in failure.message


@pytest.mark.parametrize("end", [[b"\n", b"\n"], [b"\r", b"\n\r", b"\n"], [b"\n\n"], [b"\r\r"]])
def test_an_end_of_an_event_in_pieces(end: list[bytes]) -> None:
    class Pieces(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(2 * MOST_TEXT // 100_000):
                yield b"data: " + b"x" * 100_000
                yield from end

    seen = sum(len(piece) for piece in Bounded(Pieces(), time.monotonic() + 60, 60, lambda: False))
    assert seen > 1.9 * MOST_TEXT


def test_responses_reports_usage_of_what_failed() -> None:
    account = {"input_tokens": 10, "output_tokens": 4}
    error = {"code": "server_error", "message": "oops"}
    events = [
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.failed", "response": {"error": error, "usage": account}},
    ]
    body = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    with ResponsesServer() as server:
        client = VENDORS["responses"][1]("m", KEY, server.base_url)
        failure = failed(server, client, Scripted(body=body))
    assert (failure.kind, failure.maybe_billed, failure.usage) == (
        "server",
        True,
        Usage(prefill=10, decode=4),
    )
