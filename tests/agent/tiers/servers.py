"""Scripted servers on loopback that speak the vendors' protocols, for tests with the real SDKs.

`ChatServer`, `ResponsesServer` and `MessagesServer` play a list of `Scripted` answers, one for each request,
and then answer 410. What they are asked is checked against the vendor's documented fields (schemas/*.json):
a body that does not hold is answered 400 and told of in `problems`. `requests` has the bodies and headers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from jsonschema import Draft202012Validator
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SCHEMAS = Path(__file__).parent / "schemas"
Event = dict[str, Any]


@dataclass(frozen=True)
class Scripted:
    """One answer. usage: as the vendor reports it, None: left out. piece: characters of an event. delay:
    seconds before each event. status beyond 299: an error with `error` as body. body: sent instead of all
    that, as it is. drop: the connection breaks after so many events. problem: the error a stream ends in.
    call: a tool is called, brokenly (Chat Completions alone)."""

    text: str = ""
    usage: Mapping[str, Any] | None = None
    stop: str = ""
    model: str = "scripted-1"
    refusal: bool = False
    reasoning: bool = False
    call: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    error: Any = None
    body: bytes | None = None
    content_type: str = "text/event-stream"
    piece: int = 16
    first_delay: float = 0.0
    delay: float = 0.0
    drop: int | None = None
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedServer:
    """Plays `script` on a free port; a context manager. Each vendor's class says how."""

    path: ClassVar[str]
    base: ClassVar[str]
    schema: ClassVar[str]
    usage: ClassVar[Mapping[str, Any]]

    def __init__(self, *script: Scripted) -> None:
        self.play(*script)
        self._validator = Draft202012Validator(json.loads((SCHEMAS / self.schema).read_text()))
        self._server = HTTPServer(threaded=True)
        self._server.expect_request(self.path, method="POST").respond_with_handler(self._answer)

    def __enter__(self) -> ScriptedServer:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.clear()
        self._server.stop()

    def play(self, *script: Scripted) -> None:
        """Begin anew with these answers; stopping and starting a server takes half a second."""
        self.script = script
        self.requests: list[Asked] = []
        self.problems: list[str] = []

    @property
    def base_url(self) -> str:
        """What a client is to be given."""
        return f"http://{self._server.host}:{self._server.port}{self.base}"

    @property
    def touched(self) -> bool:
        """Whether anything at all was asked of it."""
        return bool(self._server.log)

    def serve(self, path: str, text: str) -> None:
        """Answer GET requests of another path, such as /metrics."""
        self._server.expect_request(path, method="GET").respond_with_data(text, content_type="text/plain")

    def events(self, scripted: Scripted, usage: Mapping[str, Any] | None) -> Iterator[Event]:
        """The events of an answer, without those of `Scripted.problem`."""
        raise NotImplementedError

    def failing(self, problem: Mapping[str, Any]) -> Event:
        """The event that a stream ends in when it fails."""
        return {"error": dict(problem)}

    def packed(self, event: Event) -> bytes:
        """An event on the wire."""
        return f"data: {json.dumps(event)}\n\n".encode()

    def closing(self) -> bytes:
        """What comes after the last event."""
        return b""

    def _answer(self, request: Request) -> Response:
        body = request.get_json(force=True, silent=True)
        self.requests.append(Asked(request.path, dict(request.headers), body))
        wrong = [f"{error.json_path}: {error.message}" for error in self._validator.iter_errors(body)]
        if wrong:
            self.problems += wrong
            return _json(400, {"error": {"type": "invalid_request_error", "message": "; ".join(wrong)}})
        if len(self.requests) > len(self.script):
            return _json(410, {"error": {"message": "the script is over"}})
        scripted = self.script[len(self.requests) - 1]
        if scripted.status > 299:
            error = (
                scripted.error if scripted.error is not None else {"error": {"message": "scripted failure"}}
            )
            return _json(scripted.status, error, scripted.headers, scripted.body)
        return Response(
            self._stream(scripted), 200, dict(scripted.headers), content_type=scripted.content_type
        )

    def _stream(self, scripted: Scripted) -> Iterator[bytes]:
        time.sleep(scripted.first_delay)
        if scripted.body is not None:
            # A byte at a time where it is to drip.
            size = 1 if scripted.delay else len(scripted.body)
            pieces = [scripted.body[at : at + size] for at in range(0, len(scripted.body), max(1, size))]
        else:
            usage = self.usage if scripted.usage is None else scripted.usage
            pieces = [self.packed(event) for event in self.events(scripted, usage or None)]
            if scripted.problem is not None:
                pieces = [*pieces[: scripted.drop], self.packed(self.failing(scripted.problem))]
            else:
                pieces.append(self.closing())
        for number, piece in enumerate(pieces):
            if scripted.drop is not None and scripted.problem is None and number >= scripted.drop:
                yield b""  # the headers, where they have not gone out yet
                raise ConnectionResetError("as scripted")
            time.sleep(scripted.delay)
            yield piece


class ChatServer(ScriptedServer):
    """OpenAI's Chat Completions."""

    path, base, schema = "/v1/chat/completions", "/v1", "chat.json"
    usage: ClassVar[Mapping[str, Any]] = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}

    def events(self, scripted: Scripted, usage: Mapping[str, Any] | None) -> Iterator[Event]:
        def chunk(delta: Event, reason: str | None = None) -> Event:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return base | {"choices": [choice]}

        base: Event = {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": scripted.model
        }  # fmt: skip
        yield chunk({"role": "assistant", "content": ""})
        if scripted.reasoning:
            yield chunk({"reasoning_content": "hm"})
        if scripted.call:
            yield chunk({"tool_calls": [{"index": 0, "function": {"name": "edit", "arguments": '{"pa'}}]})
        for piece in _pieces(scripted):
            yield chunk({"refusal" if scripted.refusal else "content": piece})
        yield chunk({}, scripted.stop or "stop")
        if usage is not None:
            yield base | {"choices": [], "usage": dict(usage)}

    def closing(self) -> bytes:
        return b"data: [DONE]\n\n"


class ResponsesServer(ScriptedServer):
    """OpenAI's Responses."""

    path, base, schema = "/v1/responses", "/v1", "responses.json"
    usage: ClassVar[Mapping[str, Any]] = {
        "input_tokens": 120,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 150,
    }

    def events(self, scripted: Scripted, usage: Mapping[str, Any] | None) -> Iterator[Event]:
        response: Event = {
            "id": "resp_1", "object": "response", "created_at": 1, "model": scripted.model,
            "status": "in_progress", "output": [], "error": None, "incomplete_details": None, "usage": None,
        }  # fmt: skip
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        kind = "refusal" if scripted.refusal else "output_text"
        yield {"type": "response.created", "response": response}
        yield {"type": "response.in_progress", "response": response}
        for piece in _pieces(scripted):
            yield {"type": f"response.{kind}.delta", "delta": piece, **place}
        content: Event = {"type": kind, "refusal" if scripted.refusal else "text": scripted.text}
        if not scripted.refusal:
            content["annotations"] = []
        message = {
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]
        }  # fmt: skip
        ended = {"status": "incomplete" if scripted.stop else "completed", "output": [message]}
        if scripted.stop:
            ended["incomplete_details"] = {"reason": scripted.stop}
        ended["usage"] = None if usage is None else dict(usage)
        yield {"type": f"response.{ended['status']}", "response": response | ended}

    def failing(self, problem: Mapping[str, Any]) -> Event:
        response = {"id": "resp_1", "object": "response", "model": "scripted-1", "output": [], "usage": None}
        return {
            "type": "response.failed",
            "response": response | {"status": "failed", "error": dict(problem)},
        }

    def packed(self, event: Event) -> bytes:
        return f"event: {event['type']}\n".encode() + super().packed(event)


class MessagesServer(ScriptedServer):
    """Anthropic's Messages."""

    path, base, schema = "/v1/messages", "", "messages.json"
    usage: ClassVar[Mapping[str, Any]] = {"input_tokens": 120, "output_tokens": 30}

    def events(self, scripted: Scripted, usage: Mapping[str, Any] | None) -> Iterator[Event]:
        began = dict(usage or {}) | ({"output_tokens": 1} if usage else {})
        message: Event = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": scripted.model, "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": began or None,
        }  # fmt: skip
        yield {"type": "message_start", "message": message}
        yield {"type": "ping"}
        index = 0
        if scripted.reasoning:
            yield {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "thinking", "thinking": ""},
            }
            yield {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "thinking_delta", "thinking": "hm"},
            }
            yield {"type": "content_block_stop", "index": 0}
            index = 1
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        for piece in _pieces(scripted):
            yield {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": "text_delta", "text": piece},
            }
        yield {"type": "content_block_stop", "index": index}
        reason = scripted.stop or ("refusal" if scripted.refusal else "end_turn")
        ended: Event = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}}
        if usage:
            ended["usage"] = {"output_tokens": usage["output_tokens"]}
        yield ended
        yield {"type": "message_stop"}

    def failing(self, problem: Mapping[str, Any]) -> Event:
        return {"type": "error", "error": dict(problem)}

    def packed(self, event: Event) -> bytes:
        return f"event: {event['type']}\n".encode() + super().packed(event)


def _pieces(scripted: Scripted) -> Iterator[str]:
    return (scripted.text[at : at + scripted.piece] for at in range(0, len(scripted.text), scripted.piece))


def _json(
    status: int, body: Any, headers: Mapping[str, str] | None = None, instead: bytes | None = None
) -> Response:
    data = json.dumps(body).encode() if instead is None else instead
    return Response(data, status, dict(headers or {}), content_type="application/json")
