"""A process that ends ours when it hangs where no Python code runs any more.

Not a thread (`faulthandler.dump_traceback_later`): a child that a test forks would wait for ever for a
thread it does not have. Not a child of ours either: tests may wait for all their children.
"""

from __future__ import annotations

import math
import os
import select
import signal
import struct
import time

LAST_WORDS = b"Timeout (the process did not react)\n"
_NUMBER = struct.Struct("d")
_write = os.write
_getpid = os.getpid


class Watchdog:
    """Kills this process when a deadline passes, and says so in the report (see `tools.report`)."""

    def __init__(self, report: int) -> None:
        self._report = report
        self._process = os.getpid()
        self._control = self._start()

    def _start(self) -> int:
        control, ours = os.pipe()
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                os.close(ours)
                _guard(self._process, control, self._report)
            os._exit(0)
        os.waitpid(child, 0)
        os.close(control)
        return ours

    def watch(self, seconds: float) -> None:
        """The process may live this long from now on, until told otherwise (infinity: no limit)."""
        if _getpid() != self._process:
            return
        message = _NUMBER.pack(seconds)
        try:
            _write(self._control, message)
        except OSError:  # code under test has killed it, or closed our end of the pipe
            self._control = self._start()
            _write(self._control, message)


def _guard(process: int, control: int, report: int) -> None:
    deadline = math.inf
    while True:
        left = None if deadline == math.inf else max(deadline - time.monotonic(), 0)
        if select.select([control], [], [], left)[0]:
            message = os.read(control, _NUMBER.size)
            if len(message) < _NUMBER.size:
                os._exit(0)  # the process is gone
            deadline = time.monotonic() + _NUMBER.unpack(message)[0]
        elif deadline <= time.monotonic():
            os.write(report, LAST_WORDS)
            os.kill(process, signal.SIGKILL)
            os._exit(0)
