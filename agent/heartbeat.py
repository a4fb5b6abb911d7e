"""Progress in a log, where no line can be drawn anew: what is being done, at decent intervals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

LEAST_SECONDS = 5.0
"""Between two lines, however much happens."""
MOST_SECONDS = 10.0
"""Between two lines, however little happens."""


class Heartbeat:
    """Says what is under way: news at most every LEAST_SECONDS, and what goes on every MOST_SECONDS, from a
    thread of its own that `stop` ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._doing = ""
        self._since = self._said = time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def doing(self, what: str) -> None:
        """What is being done from now on."""
        with self._lock:
            now = time.monotonic()
            self._doing, self._since = what, now
            if now - self._said >= LEAST_SECONDS:
                self._said = now
                self._say(what)

    def stop(self) -> None:
        """Nothing is said after this. It does not wait for a reader who has stopped reading."""
        self._over.set()
        self._thread.join(LEAST_SECONDS)

    def _beat(self) -> None:
        while not self._over.wait(self._said + MOST_SECONDS - time.monotonic()):
            with self._lock:
                now = time.monotonic()
                if now - self._said < MOST_SECONDS:
                    continue
                self._said = now
                if self._doing:
                    with suppress(OSError):  # the main thread meets it at its next line
                        self._say(f"still: {self._doing} ({now - self._since:.0f} s)")
