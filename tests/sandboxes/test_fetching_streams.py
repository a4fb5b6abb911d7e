"""The attached streams of a container used both ways at once, as plain socket and under TLS."""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandboxes.attach import AttachedStreams
from sandboxes.interface import SandboxError

PIECE = bytes(range(256)) * 500
COUNT = 400


def secured(ours: socket.socket, theirs: socket.socket, folder: Path) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Both ends of a connection under TLS, with a certificate made for it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=engine"]
    subprocess.run(["openssl", *make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(certificate)
    accepted: list[ssl.SSLSocket] = []
    accepting = threading.Thread(target=lambda: accepted.append(server.wrap_socket(theirs, server_side=True)))
    accepting.start()
    wrapped = client.wrap_socket(ours, server_hostname="engine")
    accepting.join()
    return wrapped, accepted[0]


@pytest.fixture(params=["plain", "tls"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[AttachedStreams, socket.socket]]:
    """The streams, and the engine's end of their socket."""
    ours, theirs = socket.socketpair()
    if request.param == "tls":
        ours, theirs = secured(ours, theirs, tmp_path)
    with theirs:
        # The streams need nothing of a container but its socket.
        streams = AttachedStreams(SimpleNamespace(attach_socket=lambda params: ours))  # type: ignore[arg-type]
        yield streams, theirs
        streams.close()


def frame(data: bytes) -> bytes:
    return struct.pack(">BxxxI", 1, len(data)) + data


def test_both_directions_at_once(ends: tuple[AttachedStreams, socket.socket]) -> None:
    streams, engine = ends
    taken = hashlib.sha256()

    def answer() -> None:
        for _ in range(COUNT):
            engine.sendall(frame(PIECE))

    def take() -> None:
        left = COUNT * len(PIECE)
        while left:
            data = engine.recv(1 << 16)
            taken.update(data)
            left -= len(data)

    # The engine's end answers first: TLS of the standard library is for one thread at a time.
    workers = [threading.Thread(target=lambda: [streams.send(PIECE) for _ in range(COUNT)])]
    workers.append(threading.Thread(target=lambda: (answer(), take())))
    for worker in workers:
        worker.start()
    received = streams.receive(COUNT * len(PIECE), patience=20)
    for worker in workers:
        worker.join(20)
    assert received == PIECE * COUNT and taken.digest() == hashlib.sha256(PIECE * COUNT).digest()


def test_sending_does_not_change_how_long_an_answer_is_waited_for(
    ends: tuple[AttachedStreams, socket.socket],
) -> None:
    streams, _ = ends
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            streams.send(b"")
            time.sleep(0.001)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(SandboxError, match="no answer for 1 s"):
            streams.receive(1, patience=1)
    finally:
        over.set()
        sender.join()


def test_closing_wakes_who_sends_and_who_receives(ends: tuple[AttachedStreams, socket.socket]) -> None:
    streams, _ = ends
    seen: list[str] = []

    def waits(action: str) -> None:
        with pytest.raises(SandboxError, match="gone"):
            if action == "send":
                streams.send(bytes(50_000_000))
            else:
                streams.receive(1, patience=100)
        seen.append(action)

    waiting = [threading.Thread(target=waits, args=(action,)) for action in ("send", "receive")]
    for thread in waiting:
        thread.start()
    time.sleep(0.3)
    streams.close()
    for thread in waiting:
        thread.join(20)
    assert sorted(seen) == ["receive", "send"]
    with pytest.raises(SandboxError, match="gone"):
        streams.send(b"x")
