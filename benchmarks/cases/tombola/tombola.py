"""The tombola of a village fair: numbered tickets, and prizes for some of them."""

from __future__ import annotations


class Tombola:
    def __init__(self, prizes: dict[int, str] | None = None) -> None:
        self.prizes = dict(prizes or {})
        self.sold: dict[int, str] = {}

    def sell(self, ticket: int, buyer: str) -> None:
        if ticket in self.sold:
            raise ValueError(f"ticket {ticket} belongs to {self.sold[ticket]}")
        self.sold[ticket] = buyer

    def add_prize(self, ticket: int, prize: str) -> None:
        self.prizes[ticket] = prize

    def winners(self) -> dict[str, list[str]]:
        """What each buyer wins, in the order of the tickets."""
        won: dict[str, list[str]] = {}
        for ticket in sorted(self.prizes):
            if ticket in self.sold:
                won.setdefault(self.sold[ticket], []).append(self.prizes[ticket])
        return won

    def left_over(self) -> list[str]:
        return [prize for ticket, prize in sorted(self.prizes.items()) if ticket not in self.sold]
