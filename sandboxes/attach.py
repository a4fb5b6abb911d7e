"""The attached streams of a container as a connection to the runner in it."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from docker.models.containers import Container

from sandboxes.client import COMPLAINT_BYTES, SEND_PATIENCE, gone
from sandboxes.interface import SandboxError

T = TypeVar("T")

_STDOUT = 1
_HEADER = struct.Struct(">BxxxI")
_LOOK = 1.0  # seconds after which a wait looks whether the streams were closed meanwhile


class AttachedStreams:
    """Container streams as the engine multiplexes them: 8 bytes (stream, length), then the bytes.

    What the runner writes to stderr is kept (its end) for the message of the SandboxError that follows.
    """

    def __init__(self, container: Container) -> None:
        parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        # The SDK's wrapper owns the response; it must live as long as the socket in it.
        self._wrapper: Any = container.attach_socket(params=parameters)
        self._socket: socket.socket = _socket_of(self._wrapper)
        self._socket.setblocking(False)
        # One thread sends while another receives, and TLS state may be touched by one at a time. A signal
        # handler may close in the middle of either.
        self._lock = threading.RLock()
        self._closed = False
        self._buffer = bytearray()
        self._complaint = b""

    def send(self, data: bytes) -> None:
        """Write to the runner's stdin. Raises SandboxError when it is gone or does not read."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._attempt(self._socket.send, left, select.POLLOUT, SEND_PATIENCE) :]
        except OSError as error:
            raise self._gone(f"it takes no more input ({error})") from error

    def receive(self, size: int, patience: float) -> bytes:
        """`size` bytes of the runner's stdout. Raises SandboxError at its end or after `patience` seconds
        without any."""
        while len(self._buffer) < size:
            stream, length = _HEADER.unpack(self._take(_HEADER.size, patience))
            data = self._take(length, patience)
            if stream == _STDOUT:
                self._buffer += data
            else:
                self._complaint = (self._complaint + data)[-COMPLAINT_BYTES:]
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def close(self) -> None:
        """Close the streams; the runner ends when its stdin does. Who waits on them is woken and raises."""
        with self._lock:
            if not self._closed:
                self._closed = True
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                self._socket.close()
                self._wrapper.close()

    def _take(self, size: int, patience: float) -> bytes:
        parts = []
        try:
            while size:
                part = self._attempt(self._socket.recv, min(size, 1 << 20), select.POLLIN, patience)
                if not part:
                    raise self._gone("its container ended")
                parts.append(part)
                size -= len(part)
        except TimeoutError as error:
            raise self._gone(f"no answer for {patience:.0f} s") from error
        except OSError as error:
            raise self._gone(str(error)) from error
        return b"".join(parts)

    def _attempt(self, action: Callable[[Any], T], argument: object, events: int, patience: float) -> T:
        """Do what may have to wait for `events` of the socket. Raises TimeoutError after `patience`
        seconds, OSError."""
        deadline = time.monotonic() + patience
        while True:
            with self._lock:
                if self._closed:
                    raise ConnectionAbortedError("closed")
                try:
                    return action(argument)
                except ssl.SSLWantReadError:
                    events = select.POLLIN
                except ssl.SSLWantWriteError:
                    events = select.POLLOUT
                except BlockingIOError:
                    pass
                poller = select.poll()
                poller.register(self._socket, events)
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
            poller.poll(_LOOK * 1000)

    def _gone(self, reason: str) -> SandboxError:
        return gone(reason, self._complaint)


def _socket_of(wrapper: Any) -> Any:
    """The plain socket within the SDK's wrapper (TLS gives a socket without one)."""
    return getattr(wrapper, "_sock", wrapper)
