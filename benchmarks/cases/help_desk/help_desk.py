"""A help desk takes calls by urgency, and by arrival among equals."""

from __future__ import annotations

import heapq


class HelpDesk:
    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, str]] = []
        self.arrivals = 0

    def call(self, name: str, urgency: int = 0) -> None:
        heapq.heappush(self.waiting, (-urgency, self.arrivals, name))
        self.arrivals += 1

    def next(self) -> str | None:
        if not self.waiting:
            return None
        return heapq.heappop(self.waiting)[2]

    def position(self, name: str) -> int | None:
        """How many are served before this caller."""
        for ahead, (_, _, caller) in enumerate(sorted(self.waiting)):
            if caller == name:
                return ahead
        return None

    def hang_up(self, name: str) -> bool:
        left = [entry for entry in self.waiting if entry[2] != name]
        gone = len(left) < len(self.waiting)
        heapq.heapify(left)
        self.waiting = left
        return gone
