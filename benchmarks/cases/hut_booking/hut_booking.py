"""Beds of a mountain hut, night by night."""

from __future__ import annotations


class Hut:
    def __init__(self, beds: int) -> None:
        self.beds = beds
        self.taken: dict[int, int] = {}

    @property
    def nights(self) -> list[int]:
        """Nights for which somebody has booked."""
        return sorted(night for night, beds in self.taken.items() if beds)

    def free(self, night: int) -> int:
        return self.beds - self.taken.get(night, 0)

    def book(self, first: int, nights: int, beds: int) -> bool:
        """All nights or none at all."""
        wanted = range(first, first + nights)
        if any(self.free(night) < beds for night in wanted):
            return False
        for night in wanted:
            self.taken[night] = self.taken.get(night, 0) + beds
        return True

    def cancel(self, first: int, nights: int, beds: int) -> None:
        for night in range(first, first + nights):
            self.taken[night] = max(self.taken.get(night, 0) - beds, 0)

    def fullest(self) -> int | None:
        return min(self.nights, key=lambda night: (self.free(night), night), default=None)
