"""The standard input of a command: given with it, or fed while it runs."""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import Deque

from sandboxes.inside.files import Incoming
from sandboxes.inside.frames import FEED_WINDOW, read_header, send


class Feed:
    """The standard input of a command: written as the command reads, closed when all is written.

    An interactive command's stays open and takes more until the host says that it was the last. The host is
    told how much has been written, and waits while much has not.
    """

    def __init__(self, fd: int, data: bytes, interactive: bool, out: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.out = out
        self.interactive = interactive
        self.open = interactive
        self.pending: Deque[memoryview] = deque([memoryview(data)] if data else [])
        self.written = 0
        self.told = 0

    def take(self, data: bytes) -> None:
        """More from the host; nothing is the end. What comes after the end is thrown away."""
        if data and self.open:
            self.pending.append(memoryview(data))
        elif data:
            self.count(len(data))
        else:
            self.open = False

    def advance(self) -> None:
        """Write what fits. A closed reader takes nothing more."""
        part = self.pending.popleft()
        try:
            size = os.write(self.fd, part)
        except BlockingIOError:
            size = 0
        except BrokenPipeError:
            size = len(part) + sum(map(len, self.pending))
            self.pending.clear()
            self.open = False
        if size < len(part):
            self.pending.appendleft(part[size:])
        self.count(size)

    def count(self, size: int) -> None:
        """Note that `size` bytes were written or thrown away; tell the host when it has come to much."""
        self.written += size
        if self.interactive and self.written - self.told >= FEED_WINDOW // 8:
            self.told = self.written
            send(self.out, {"kind": "fed", "bytes": self.written})

    def finish(self) -> None:
        """Close when nothing is left to write and nothing more will come."""
        if not self.pending and not self.open:
            self.close()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def next_input(control: int, interactive: bool) -> bytes:
    """What the host feeds an interactive command. Anything else means that it is gone: the runner ends."""
    if interactive:
        try:
            message, size = read_header(control)
            if message["operation"] == "feed":
                return Incoming(control, size).read()
        except EOFError:
            pass
    sys.exit("runner: the host is gone")
