"""SIGTERM, which a command unwinds like Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C does."""


@contextmanager
def termination() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that the sandbox goes, and the trace of a run is ended."""

    def terminate(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
