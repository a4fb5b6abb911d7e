"""Time limits of what runs in this process: of its wall time, and of its own computing."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.inside.report_writer import Reporter
    from tools.inside.watchdog import Watchdog

GRACE = 3.0
SLACK = 20.0  # for teardown and for writing reports
AGAIN = 0.5


class TimeLimit(BaseException):
    """The test took longer than it may. Not an Exception: code under test rarely swallows those."""


class Deadline:
    """A time limit in three stages.

    First an exception in the main thread, every half second. When that is swallowed, GRACE seconds later the
    watchdog ends the process; so it does, later, when no Python code runs any more that could be told.
    """

    slack = SLACK

    def __init__(self, reporter: Reporter, watchdog: Watchdog) -> None:
        self._reporter = reporter
        self._watchdog = watchdog
        self._armed = False
        self._ringing = False
        self.rang = False

    def begin(self, seconds: float) -> None:
        """Something starts that takes about `seconds`, reporting on it included or not."""
        self.rang = False
        self._watchdog.watch(seconds + self.slack)

    def end(self) -> None:
        """Nothing is limited until the next begin."""
        self._watchdog.watch(math.inf)

    def arm(self, seconds: float, computing: float = 0.0) -> None:
        """From now on: `seconds` of wall time, or `computing` seconds of this process's own CPU time in user
        mode (0: without limit), then TimeLimit again and again, and GRACE after the first the end."""
        self._armed, self._ringing = True, False
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

    def _ring(self, *_: object) -> None:
        if not self._armed:
            return
        if not self._ringing:
            self._ringing = True
            self._watchdog.watch(GRACE)
        if not self.rang:
            self.rang = True
            self._reporter.emit("alarm")
        raise TimeLimit("the test took longer than its time limit")
