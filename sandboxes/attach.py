"""The attached streams of a container as a connection to the runner in it."""

from __future__ import annotations

import socket
import struct
from typing import Any

from docker.models.containers import Container

from sandboxes.interface import SandboxError

_STDOUT = 1
_HEADER = struct.Struct(">BxxxI")
_SEND_PATIENCE = 120.0
_COMPLAINT_BYTES = 4000


class AttachedStreams:
    """Container streams as the engine multiplexes them: 8 bytes (stream, length), then the bytes.

    What the runner writes to stderr is kept (its end) for the message of the SandboxError that follows.
    """

    def __init__(self, container: Container) -> None:
        parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        # The SDK's wrapper owns the response; it must live as long as the socket in it.
        self._wrapper: Any = container.attach_socket(params=parameters)
        self._socket: socket.socket = _socket_of(self._wrapper)
        self._buffer = bytearray()
        self._complaint = b""

    def send(self, data: bytes) -> None:
        """Write to the runner's stdin. Raises SandboxError when it is gone or does not read."""
        try:
            self._socket.settimeout(_SEND_PATIENCE)
            self._socket.sendall(data)
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
                self._complaint = (self._complaint + data)[-_COMPLAINT_BYTES:]
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def close(self) -> None:
        """Close the streams; the runner ends when its stdin does."""
        self._socket.close()
        self._wrapper.close()

    def _take(self, size: int, patience: float) -> bytes:
        parts = []
        try:
            self._socket.settimeout(patience)
            while size:
                part = self._socket.recv(min(size, 1 << 20))
                if not part:
                    raise self._gone("its container ended")
                parts.append(part)
                size -= len(part)
        except TimeoutError as error:
            raise self._gone(f"no answer for {patience:.0f} s") from error
        except OSError as error:
            raise self._gone(str(error)) from error
        return b"".join(parts)

    def _gone(self, reason: str) -> SandboxError:
        complaint = self._complaint.decode(errors="replace").strip()
        return SandboxError(f"the sandbox is gone: {reason}" + (f": {complaint}" if complaint else ""))


def _socket_of(wrapper: Any) -> Any:
    """The plain socket within the SDK's wrapper (TLS gives a socket without one)."""
    return getattr(wrapper, "_sock", wrapper)
