"""A chess clock with an increment: each move gives its player some seconds back."""

from __future__ import annotations


class FlagFallen(Exception):
    pass


class ChessClock:
    """Times are seconds since some start, as the caller's watch shows them."""

    def __init__(self, seconds: float, increment: float = 0.0) -> None:
        self.left = {"white": seconds, "black": seconds}
        self.increment = increment
        self.turn = "white"
        self.since: float | None = None
        self.moves = 0

    def start(self, now: float) -> None:
        self.since = now

    def press(self, now: float) -> None:
        """The player whose turn it is has moved."""
        if self.since is None:
            raise RuntimeError("the clock does not run")
        self.left[self.turn] -= now - self.since
        if self.left[self.turn] <= 0:
            raise FlagFallen(self.turn)
        self.left[self.turn] += self.increment
        self.turn = "black" if self.turn == "white" else "white"
        self.since = now
        self.moves += 1

    def pause(self, now: float) -> None:
        if self.since is not None:
            self.left[self.turn] -= now - self.since
            self.since = None
