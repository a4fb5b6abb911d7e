"""Rooms, and finding one that fits."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Room:
    """A room with a number of seats and what stands in it.

    Raises ValueError for a room without a name or without seats.
    """

    name: str
    seats: int
    equipment: Set[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a room needs a name")
        if self.seats < 1:
            raise ValueError(f"{self.name} needs at least one seat")

    def fits(self, people: int, needs: Set[str] = frozenset()) -> bool:
        """Whether the room seats everyone and has all that is needed."""
        return people <= self.seats and needs <= self.equipment

    def missing(self, needs: Iterable[str]) -> frozenset[str]:
        """What is needed and not in the room."""
        return frozenset(needs) - frozenset(self.equipment)


def smallest_fitting(rooms: Iterable[Room], people: int, needs: Set[str] = frozenset()) -> Room | None:
    """The room with the fewest seats that fits; of equals, the first by name."""
    fitting = [room for room in rooms if room.fits(people, needs)]
    if not fitting:
        return None
    return min(fitting, key=lambda room: (room.seats, room.name))
