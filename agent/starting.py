"""How long starting has taken: a deadline counts from the moment that a person sees."""

from __future__ import annotations

import os
import time
from pathlib import Path

MOST_SECONDS = 10.0
START_TIME = 19
"""Field of /proc/PID/stat after the name: when the process was started, in ticks since the machine was."""


def starting_seconds() -> float:
    """Seconds since this process was started; 0 where that cannot be told, or where it is so long that the
    process has done other things before."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[START_TIME]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, IndexError, AttributeError):  # no /proc, or no such clock
        return 0.0
    return age if 0 <= age <= MOST_SECONDS else 0.0
