"""Time limits of what runs in this process: of its wall time, and of its own computing."""

from __future__ import annotations

import math
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.inside.report_writer import Reporter
    from tools.inside.watchdog import Watchdog

GRACE = 3.0
SLACK = 20.0  # for teardown and for writing reports
AGAIN = 0.5
MOST_STARVED = 4.0
"""Of a time limit, how many times as much a test may spend ready to run while others run."""

LEAST_STARVED = 0.1


def starved_seconds() -> float:
    """For how long this process's main thread has been ready to run while others ran; 0 where the kernel
    does not say."""
    try:
        descriptor = os.open("/proc/self/schedstat", os.O_RDONLY)
        try:
            return int(os.read(descriptor, 200).split()[1]) / 1e9
        finally:
            os.close(descriptor)
    except (OSError, ValueError, IndexError):
        return 0.0


class TimeLimit(BaseException):
    """The test took longer than it may. Not an Exception: code under test rarely swallows those."""


class Deadline:
    """A time limit in three stages.

    First an exception in the main thread, every half second. When that is swallowed, GRACE seconds later the
    watchdog ends the process; so it does, later, when no Python code runs any more that could be told.

    Time for which this process was ready to run and others ran does not count, up to `starving` times the
    limit: a busy machine makes no test hang.
    """

    slack = SLACK

    def __init__(self, reporter: Reporter, watchdog: Watchdog) -> None:
        self._reporter = reporter
        self._watchdog = watchdog
        self._armed = False
        self._ringing = False
        self._starved, self._may_starve = 0.0, 0.0
        self.rang = False

    def begin(self, seconds: float) -> None:
        """Something starts that takes about `seconds`, reporting on it included or not."""
        self.rang = False
        self._watchdog.watch(seconds + self.slack)

    def end(self) -> None:
        """Nothing is limited until the next begin."""
        self._watchdog.watch(math.inf)

    def arm(self, seconds: float, computing: float = 0.0, starving: float = MOST_STARVED) -> None:
        """From now on: `seconds` of wall time, or `computing` seconds of this process's own CPU time in user
        mode (0: without limit), then TimeLimit again and again, and GRACE after the first the end."""
        self._armed, self._ringing = True, False
        self._starved, self._may_starve = starved_seconds(), starving * seconds
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), AGAIN)
        if computing:
            signal.signal(signal.SIGVTALRM, self._ring)
            signal.setitimer(signal.ITIMER_VIRTUAL, computing, AGAIN)

    def disarm(self) -> None:
        """The limits no longer count."""
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if self._ringing:
            self._watchdog.watch(self.slack)

    def _ring(self, number: int, _: object) -> None:
        if not self._armed or (number == signal.SIGALRM and not self._ringing and self._extended()):
            return
        if not self._ringing:
            self._ringing = True
            self._watchdog.watch(GRACE)
        if not self.rang:
            self.rang = True
            self._reporter.emit("alarm")
        raise TimeLimit("the test took longer than its time limit")

    def _extended(self) -> bool:
        """The time that others took from this process is given back, if that is worth another timer."""
        now = starved_seconds()
        more = min(now - self._starved, self._may_starve)
        if more < LEAST_STARVED:
            return False
        self._starved, self._may_starve = now, self._may_starve - more
        self._watchdog.watch(more + self.slack)
        signal.setitimer(signal.ITIMER_REAL, more, AGAIN)
        return True
