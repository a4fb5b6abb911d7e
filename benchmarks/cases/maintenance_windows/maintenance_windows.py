"""Merge the maintenance windows of machines, so that each is taken down as seldom as possible."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    machine: str
    start: int
    end: int


def merged(windows: list[Window], slack: int = 0) -> list[Window]:
    """Windows of one machine that touch, or lie at most `slack` minutes apart, become one."""
    result: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.machine, window.start)):
        last = result[-1] if result else None
        if last is not None and last.machine == window.machine and window.start <= last.end + slack:
            result[-1] = Window(last.machine, last.start, max(last.end, window.end))
        else:
            result.append(window)
    return result


def downtime(windows: list[Window]) -> dict[str, int]:
    """Minutes each machine is down."""
    minutes: dict[str, int] = {}
    for window in merged(windows):
        minutes[window.machine] = minutes.get(window.machine, 0) + window.end - window.start
    return minutes
