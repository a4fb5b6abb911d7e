"""The scripted model on loopback: OpenAI's Chat Completions, streamed where a client asks for it."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from benchmarks._harness_scripts import Said

BYTES_PER_TOKEN = 3.6
PIECE = 24


@dataclass(frozen=True)
class Exchange:
    """A request and its answer: UTF-8 bytes of both, and when (monotonic seconds) the one was there and the
    other had gone out. turn: of the scripted model, counted from 0; -1 for one of the helper."""

    turn: int
    prompt: int
    answer: int
    arrived: float
    answered: float


def tokens(size: int) -> int:
    """Tokens of so many bytes, the same measure for everybody."""
    return math.ceil(size / BYTES_PER_TOKEN)


def prompt_size(body: dict[str, Any]) -> int:
    """Bytes of what a model reads: contents, calls of tools, what describes tools and the answer's form."""
    size = 0
    for message in body.get("messages", []):
        content = message.get("content") or ""
        parts = content if isinstance(content, list) else [{"text": content}]
        size += sum(len(str(part.get("text", "")).encode()) for part in parts)
        size += sum(_json_size(call.get("function")) for call in message.get("tool_calls") or [])
    return size + _json_size(body.get("tools")) + _json_size(body.get("response_format"))


def _json_size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode()) if value else 0


class ScriptedModel:
    """Answers turn n with `say(n)`; a context manager. `exchanges`: what there was, in order. Who asks for
    the model `helper` gets a sentence, and that is no turn: an agent may have summaries made by another."""

    def __init__(self, say: Callable[[int], Said], helper: str) -> None:
        self.helper = helper
        self.exchanges: list[Exchange] = []
        self._say = say
        self._turns = 0
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))

    @property
    def base_url(self) -> str:
        """What a client is to be given."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedModel:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def turn(self, model: str) -> tuple[int, Said]:
        """The number of the turn, and what is said."""
        if model == self.helper:
            return -1, Said("The test fails; some edits were tried.")
        with self._lock:
            self._turns += 1
            return self._turns - 1, self._say(self._turns - 1)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break a connection when they end are no news."""


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # as model servers have it: what is written has gone out

        def do_GET(self) -> None:
            self._send(404, "application/json", b'{"error":{"message":"no such page"}}')

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            arrived = time.monotonic()
            if not self.path.endswith("/chat/completions"):
                self.do_GET()
                return
            body = json.loads(raw)
            (turn, said), size = model.turn(str(body.get("model"))), prompt_size(body)
            usage = {"prompt_tokens": tokens(size), "completion_tokens": tokens(said.size)}
            usage["total_tokens"] = sum(usage.values())
            if body.get("stream"):
                events = [f"data: {json.dumps(event)}\n\n" for event in _events(said, usage)]
                self._send(200, "text/event-stream", "".join([*events, "data: [DONE]\n\n"]).encode())
            else:
                self._send(200, "application/json", json.dumps(_whole(said, usage)).encode())
            model.exchanges.append(Exchange(turn, size, said.size, arrived, time.monotonic()))

        def _send(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is logged."""

    return Handler


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "scripted-1"}


def _calls(said: Said) -> list[dict[str, Any]]:
    function = {"name": "bash", "arguments": json.dumps({"command": said.command})}
    return [{"index": 0, "id": "call_1", "type": "function", "function": function}] if said.command else []


def _whole(said: Said, usage: dict[str, int]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if calls := _calls(said):
        message["tool_calls"] = [{key: call[key] for key in ("id", "type", "function")} for call in calls]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return _head("chat.completion") | {"choices": [choice], "usage": usage}


def _events(said: Said, usage: dict[str, int]) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _head("chat.completion.chunk") | {"choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for at in range(0, len(said.text), PIECE):
        yield chunk({"content": said.text[at : at + PIECE]})
    calls = _calls(said)
    if calls:
        yield chunk({"tool_calls": calls})
    yield chunk({}, "tool_calls" if calls else "stop")
    yield _head("chat.completion.chunk") | {"choices": [], "usage": usage}
