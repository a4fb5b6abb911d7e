"""Requests that end without an answer: in time, nobody there, no TLS, hung up on. For each vendor."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator

import openai
import pytest
from servers import ChatServer, Scripted, ScriptedServer
from vendors import KEY, PLAIN, VENDORS, checked, failed

from agent.tiers.openai_chat import OpenAIChat
from agent.tiers.prompt import CallFailed, Client, Prompt, Schema, Signals
from agent.tiers.throttle import read_metrics


@pytest.fixture(scope="module", params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Iterator[tuple[ScriptedServer, Client]]:
    """A server and a client of it."""
    serving, asking = VENDORS[request.param]
    with serving() as server:
        client = asking("scripted-1", KEY, server.base_url)
        yield server, client
        client.close()


@pytest.fixture(params=list(VENDORS))
def vendor_name(request: pytest.FixtureRequest) -> str:
    """Each vendor's name."""
    return str(request.param)


def took(
    server: ScriptedServer, client: Client, scripted: Scripted, timeout: float
) -> tuple[CallFailed, float]:
    server.play(Scripted("what takes its time once is done"))
    client.complete(PLAIN, 30)
    begun = time.monotonic()
    failure = failed(server, client, scripted, timeout)
    return failure, time.monotonic() - begun


def test_silence(vendor: tuple[ScriptedServer, Client]) -> None:
    failure, seconds = took(*vendor, Scripted("x", first_delay=6), 1)
    assert (failure.kind, failure.maybe_billed) == ("timeout", True)
    assert seconds < 5.5, "the answer would come after 6"


@pytest.mark.parametrize(
    "scripted", [Scripted("word " * 100, piece=5, delay=0.05), Scripted(body=b"d" * 100, delay=0.05)]
)
def test_a_server_that_drips(vendor: tuple[ScriptedServer, Client], scripted: Scripted) -> None:
    failure, seconds = took(*vendor, scripted, 1)
    assert (failure.kind, failure.maybe_billed) == ("timeout", True)
    assert seconds < 4.5, "the whole answer takes 5"


def test_no_time(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    server.play()
    with pytest.raises(CallFailed) as caught:
        client.complete(PLAIN, 0)
    assert (checked(caught.value).kind, caught.value.maybe_billed) == ("timeout", False)
    assert server.requests == []


def test_after_a_timeout_the_next_request_goes_through(vendor: tuple[ScriptedServer, Client]) -> None:
    server, client = vendor
    took(server, client, Scripted("x", first_delay=6), 1)
    server.play(Scripted("fine"))
    assert client.complete(PLAIN, 30).text == "fine"


def test_what_is_late_is_not_sent() -> None:
    class Slow(OpenAIChat):
        def _connect(self) -> openai.OpenAI:
            time.sleep(1)
            return super()._connect()

    with ChatServer(Scripted("never asked for")) as server:
        with pytest.raises(CallFailed):
            Slow("m", KEY, server.base_url).complete(PLAIN, 0.2)
        time.sleep(1.5)
        assert not server.touched


class Peer:
    """A bare server: accepts connections and does with them what it is told."""

    def __init__(self, *answer: bytes, pause: float = 0.0, endless: bytes = b"") -> None:
        self.heard = b""
        self._endless = endless
        self._answer, self._pause = answer, pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                self.heard += connection.recv(65_536)
                for piece in self._answer:
                    connection.sendall(piece)
                    time.sleep(self._pause)
                while self._endless:
                    connection.sendall(self._endless)
                connection.close()
            except OSError:
                continue

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def failed_at(name: str, base_url: str, timeout: float = 5) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        VENDORS[name][1]("m", KEY, base_url).complete(PLAIN, timeout)
    return checked(caught.value)


def test_headers_that_drip(vendor_name: str) -> None:
    header = b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000
    begun = time.monotonic()
    with Peer(*(header[at : at + 1] for at in range(len(header))), pause=0.05) as peer:
        failure = failed_at(vendor_name, f"http://127.0.0.1:{peer.port}", 0.5)
    assert (failure.kind, failure.maybe_billed) == ("timeout", True)
    assert time.monotonic() - begun < 40, "all of it takes 51"


def test_hung_up_on(vendor_name: str) -> None:
    with Peer() as peer:
        failure = failed_at(vendor_name, f"http://127.0.0.1:{peer.port}")
    assert (failure.kind, failure.maybe_billed) == ("broken", True)


def test_not_http(vendor_name: str) -> None:
    with Peer(b"220 mail.example ESMTP\r\n") as peer:
        failure = failed_at(vendor_name, f"http://127.0.0.1:{peer.port}")
    assert (failure.kind, failure.maybe_billed) == ("broken", True)


def test_an_error_without_end(vendor_name: str) -> None:
    begun = time.monotonic()
    with Peer(b"HTTP/1.1 429 Too Many Requests\r\n\r\n", endless=b"x" * 65_536) as peer:
        failure = failed_at(vendor_name, f"http://127.0.0.1:{peer.port}", 60)
    assert (failure.kind, failure.maybe_billed) == ("rate", False)
    assert time.monotonic() - begun < 45


def test_an_error_that_breaks_off(vendor_name: str) -> None:
    with Peer(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n{") as peer:
        failure = failed_at(vendor_name, f"http://127.0.0.1:{peer.port}")
    assert (failure.kind, failure.maybe_billed) == ("key", False)


def test_metrics_whose_headers_drip() -> None:
    begun = time.monotonic()
    with Peer(b"HTTP/1.1 200 OK\r\nX: ", *[b"y"] * 1000, pause=0.05) as peer:
        assert read_metrics(f"http://127.0.0.1:{peer.port}/v1", 0.3) == Signals()
    assert time.monotonic() - begun < 40, "all of it takes 50"


def test_a_proxy_that_refuses(vendor_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        failure = failed_at(vendor_name, "https://api.example/v1")
        assert (failure.kind, failure.maybe_billed) == ("unreachable", False)
        assert proxy.heard.startswith(b"CONNECT api.example:443 ")
        assert KEY.encode() not in proxy.heard


def test_a_proxy_of_no_known_kind(vendor_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:70")
    failure = failed_at(vendor_name, "https://api.example/v1")
    assert (failure.kind, failure.maybe_billed) == ("request", False)
    assert read_metrics("https://api.example/v1", 1) == Signals()


def test_metrics_without_end() -> None:
    begun = time.monotonic()
    page = b"HTTP/1.1 200 OK\r\n\r\nvllm:num_requests_waiting 4\n"
    with Peer(page, endless=b"process_cpu_seconds_total 17\n" * 2_000) as peer:
        assert read_metrics(f"http://127.0.0.1:{peer.port}/v1", 60).waiting == 4.0
    assert time.monotonic() - begun < 45


def test_a_connection_that_is_not_taken(vendor_name: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = []
        for _ in range(4):  # until the kernel lets no more wait
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
            waiting.append(caller)
        failure = failed_at(vendor_name, f"http://127.0.0.1:{full.getsockname()[1]}", 1)
        for caller in waiting:
            caller.close()
    assert (failure.kind, failure.maybe_billed) == ("unreachable", False)


def test_nobody_there(vendor_name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = failed_at(vendor_name, f"http://127.0.0.1:{port}")
    assert (failure.kind, failure.maybe_billed) == ("unreachable", False)
    assert not failure.lasting


@pytest.mark.parametrize("host", ["no-such-host.invalid", "["])
def test_no_such_host(vendor_name: str, host: str) -> None:
    failure = failed_at(vendor_name, f"http://{host}/v1")
    assert (failure.kind, failure.maybe_billed) == ("unreachable", False)
    assert "no connection" in failure.message


@pytest.mark.parametrize("base_url", ["ftp://127.0.0.1/v1", "127.0.0.1/v1", "", "http://"])
def test_no_address(vendor_name: str, base_url: str) -> None:
    failure = failed_at(vendor_name, base_url)
    assert (failure.kind, failure.maybe_billed) == ("unreachable", False)
    assert "base_url is no address" in failure.message


def test_no_tls_there(vendor_name: str) -> None:
    with Peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as peer:
        failure = failed_at(vendor_name, f"https://127.0.0.1:{peer.port}")
    assert (failure.kind, failure.maybe_billed) == ("tls", False)
    assert failure.lasting


def test_a_certificate_nobody_trusts(vendor_name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key", "-out", folder / "certificate"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands() -> None:
            connection, _ = listening.accept()
            try:
                context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()

        threading.Thread(target=shake_hands, daemon=True).start()
        failure = failed_at(vendor_name, f"https://localhost:{listening.getsockname()[1]}")
    assert (failure.kind, failure.maybe_billed) == ("tls", False)


@pytest.mark.parametrize(
    "prompt", [Prompt("", (), "lone \ud800 surrogate", 9), Prompt("", (), "x", 9, Schema("reply", "{"))]
)
def test_what_cannot_be_sent_is_not_billed(vendor: tuple[ScriptedServer, Client], prompt: Prompt) -> None:
    server, client = vendor
    if prompt.schema is not None and "chat" in server.path:
        pytest.skip("sends no schema")
    server.play()
    with pytest.raises(CallFailed) as caught:
        client.complete(prompt, 5)
    assert (checked(caught.value).kind, caught.value.maybe_billed) == ("request", False)
    assert server.requests == []


def test_a_thread_left_behind_ends(vendor_name: str) -> None:
    def left() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("request to")]

    with Peer(*[b"HTTP/1.1 200 OK\r\nX: ", *[b"y"] * 200], pause=0.05) as peer:
        failed_at(vendor_name, f"http://127.0.0.1:{peer.port}", 0.2)
        until = time.monotonic() + 9  # the peer ends after 10
        while left() and time.monotonic() < until:
            time.sleep(0.02)
    assert left() == []
