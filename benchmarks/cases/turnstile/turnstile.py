"""The turnstile of a swimming bath: a ticket lets one person through, within some seconds."""

from __future__ import annotations


class Turnstile:
    def __init__(self, seconds: int = 10) -> None:
        self.seconds = seconds
        self.open_until: int | None = None
        self.visitors = 0
        self.tickets: set[str] = set()

    def insert(self, ticket: str, now: int) -> bool:
        """Whether the ticket is taken; no ticket counts twice, and none is taken while it is open."""
        if ticket in self.tickets or self.is_open(now):
            return False
        self.tickets.add(ticket)
        self.open_until = now + self.seconds
        return True

    def is_open(self, now: int) -> bool:
        return self.open_until is not None and now <= self.open_until

    def push(self, now: int) -> bool:
        """Whether the person gets through."""
        if not self.is_open(now):
            return False
        self.open_until = None
        self.visitors += 1
        return True
