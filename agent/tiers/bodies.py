"""The bodies of a server's answers, bounded in time and size as they arrive."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import httpx2

from agent.tiers.prompt import CallFailed, Usage

MOST_TEXT = 8 * 1024 * 1024
"""Most characters of an answer, and bytes of a single event."""
MOST_BYTES = 64 * 1024 * 1024
"""Most bytes of an answer: a token on its own in an event takes some 300."""
MOST_OTHER = 1024
"""Bytes that are kept of an answer's beginning, to tell what it is; of JSON all are."""
MOST_ERROR = 64 * 1024
"""Bytes that are read of an error's body."""


class Bounded(httpx2.SyncByteStream):
    """An answer's bytes, as long as there is time and they are not too many. until: monotonic seconds;
    seconds: what that was from the start. complete: whether all of the answer is known. beginning: for what
    turns out to be no stream of events."""

    def __init__(
        self, body: httpx2.SyncByteStream, until: float, seconds: float, complete: Callable[[], bool]
    ) -> None:
        self._body, self._until, self._seconds, self._complete = body, until, seconds, complete
        self._bytes = self._bounded()
        self._ended = False
        self.beginning = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        return self._bytes

    def close(self) -> None:
        """A connection can be used again only if what came over it was read to its end, and an SDK leaves off
        at the last event. The little that is left is read aside, as a server may make it wait."""
        if self._complete() and not self._ended:
            threading.Thread(target=self._read_on, name="end of an answer", daemon=True).start()
        else:
            self._body.close()

    def _read_on(self) -> None:
        with contextlib.suppress(Exception):  # the answer is known
            for _ in self._bytes:
                pass
        with contextlib.suppress(Exception):
            self._body.close()

    def _bounded(self) -> Iterator[bytes]:
        size = event = 0
        tail = b""  # an event's end may come in two pieces
        for chunk in self._body:
            if time.monotonic() > self._until:
                raise overtime(self._seconds)
            size += len(chunk)
            seen = tail + chunk
            end = max(seen.rfind(mark) for mark in (b"\n\n", b"\r\n\r\n", b"\r\r"))
            event = event + len(chunk) if end < 0 else len(seen) - end
            tail = seen[-3:]
            if size > MOST_BYTES or event > MOST_TEXT:
                raise CallFailed("malformed", "the answer is larger than an answer may be", maybe_billed=True)
            first = bytes(self.beginning[:64] + chunk[:64]).lstrip()
            most = MOST_TEXT if first.startswith(b"{") else MOST_OTHER
            self.beginning += chunk[: max(0, most - len(self.beginning))]
            yield chunk
        self._ended = True


class Excerpt(httpx2.SyncByteStream):
    """The beginning of an error's body. That the rest does not come changes nothing: the status has."""

    def __init__(self, body: httpx2.SyncByteStream, until: float) -> None:
        self._body, self._until = body, until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        try:
            for chunk in self._body:
                yield chunk[: MOST_ERROR - size]
                size += len(chunk)
                if size >= MOST_ERROR or time.monotonic() > self._until:
                    return
        except httpx2.HTTPError:
            return

    def close(self) -> None:
        self._body.close()


def overtime(seconds: float, usage: Usage | None = None) -> CallFailed:
    """A request that took longer than it may."""
    return CallFailed("timeout", f"no complete answer within {seconds:.3g} s", maybe_billed=True, usage=usage)
