"""Connections to a server of one's own: kept for the next request, and nothing waits for a body's end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from vendors import KEY, PLAIN

from agent.tiers.openai_chat import OpenAIChat


class Keeping(ThreadingHTTPServer):
    """Answers "fine" in chunks and keeps connections open. late: the end of a body is held back until `over`.
    ports: the client's, one for each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.ports: list[int] = []
        self.late = False
        self.over = threading.Event()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Keeping

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.ports.append(self.client_address[1])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for delta, reason in (({"content": "fine"}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            event = {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
            self._chunk(f"data: {json.dumps(event)}\n\n".encode())
        self._chunk(b"data: [DONE]\n\n")
        if self.server.late:
            self.server.over.wait(20)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def server() -> Iterator[Keeping]:
    with Keeping() as keeping:
        threading.Thread(target=keeping.serve_forever, args=(0.05,), daemon=True).start()
        yield keeping
        keeping.over.set()
        keeping.shutdown()


@pytest.fixture
def client(server: Keeping) -> Iterator[OpenAIChat]:
    chat = OpenAIChat("m", KEY, f"http://127.0.0.1:{server.server_address[1]}/v1")
    yield chat
    chat.close()


def test_a_connection_is_kept(server: Keeping, client: OpenAIChat) -> None:
    for _ in range(3):
        assert client.complete(PLAIN, 10).text == "fine"
        time.sleep(0.1)  # the end of the body may come after the answer
    assert len(set(server.ports)) == 1


def test_nothing_waits_for_the_end_of_a_body(server: Keeping, client: OpenAIChat) -> None:
    server.late = True
    begun = time.monotonic()
    for _ in range(2):
        assert client.complete(PLAIN, 10).text == "fine"
    assert time.monotonic() - begun < 9, "a request may take 10"
    assert len(set(server.ports)) == 2
    server.over.set()
