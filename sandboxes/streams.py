"""The standard streams of a process started here, as a connection to the runner that it becomes."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import IO

from sandboxes.client import COMPLAINT_BYTES, SEND_PATIENCE, gone
from sandboxes.interface import SandboxError

_CHUNK = 1 << 20


class Streams:
    """`ours` is the other end of its standard input and output, `complaints` that of its standard error,
    whose end goes into the message of the SandboxError that follows."""

    def __init__(self, ours: socket.socket, complaints: IO[bytes]) -> None:
        self._complaints = complaints
        os.set_blocking(complaints.fileno(), False)
        # One thread sends while another receives, each with a timeout of its own. What is in use is not
        # closed under it, unless by a signal handler of the same thread.
        self._sending, self._receiving = ours, ours.dup()
        self._send_lock, self._receive_lock = threading.RLock(), threading.RLock()

    def send(self, data: bytes) -> None:
        """Write to the runner's stdin. Raises SandboxError when it is gone or does not read."""
        left = memoryview(data)
        with self._send_lock:
            try:
                self._sending.settimeout(SEND_PATIENCE)
                while left:
                    left = left[self._sending.send(left[:_CHUNK]) :]
            except OSError as error:
                raise self._gone(f"it takes no more input ({error})") from error

    def receive(self, size: int, patience: float) -> bytes:
        """`size` bytes of the runner's stdout. Raises SandboxError at its end or after `patience` seconds
        without any."""
        parts = []
        with self._receive_lock:
            try:
                self._receiving.settimeout(patience)
                while size:
                    part = self._receiving.recv(min(size, _CHUNK))
                    if not part:
                        raise self._gone("its main process ended")
                    parts.append(part)
                    size -= len(part)
            except TimeoutError as error:
                raise self._gone(f"no answer for {patience:.0f} s") from error
            except OSError as error:
                raise self._gone(str(error)) from error
        return b"".join(parts)

    def close(self) -> None:
        """Close the streams; the runner ends when its stdin does. Who waits on them is woken and raises."""
        with suppress(OSError):
            self._sending.shutdown(socket.SHUT_RDWR)
        with self._send_lock, self._receive_lock:
            self._sending.close()
            self._receiving.close()
            self._complaints.close()

    def _gone(self, reason: str) -> SandboxError:
        complaint = b""
        if not self._complaints.closed:
            complaint = self._complaints.read(COMPLAINT_BYTES) or b""
        return gone(reason, complaint)
