"""Bookings of rooms, and the calendar that keeps them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .hours import OpeningHours
from .repeats import Repeat
from .rooms import Room, smallest_fitting
from .slots import Slot


class BookingError(ValueError):
    """A booking that cannot be made; the message says why."""


@dataclass(frozen=True)
class Booking:
    """A room taken for a slot."""

    number: int
    room: Room
    slot: Slot
    title: str


class Calendar:
    """All bookings of a house.

    `cleaning` is how long a room stays empty after every booking.
    """

    def __init__(
        self,
        rooms: Iterable[Room],
        hours: OpeningHours | None = None,
        cleaning: timedelta = timedelta(0),
    ) -> None:
        self.rooms: dict[str, Room] = {room.name: room for room in rooms}
        self.hours = hours if hours is not None else OpeningHours()
        self.cleaning = cleaning
        self._bookings: dict[int, Booking] = {}
        self._last_number = 0

    def bookings(self, room: str | None = None, day: date | None = None) -> list[Booking]:
        """Bookings by start, of one room or one day where given."""
        found = [
            booking
            for booking in self._bookings.values()
            if (room is None or booking.room.name == room)
            and (day is None or booking.slot.start.date() == day)
        ]
        return sorted(found, key=lambda booking: (booking.slot, booking.room.name))

    def conflicts(self, room: str, slot: Slot) -> list[Booking]:
        """Bookings of the room that leave no place for the slot, cleaning included."""
        wanted = self._with_cleaning(slot)
        return [
            booking for booking in self.bookings(room) if self._with_cleaning(booking.slot).overlaps(wanted)
        ]

    def book(self, room: str, slot: Slot, title: str) -> Booking:
        """Book a room. Raises BookingError when it is unknown, closed or taken."""
        if room not in self.rooms:
            raise BookingError(f"no room is called {room}")
        if not self.hours.allows(slot):
            raise BookingError(f"the house is closed during {slot.start} .. {slot.end}")
        taken = self.conflicts(room, slot)
        if taken:
            raise BookingError(f"{room} is taken by {taken[0].title}")
        self._last_number += 1
        booking = Booking(self._last_number, self.rooms[room], slot, title)
        self._bookings[booking.number] = booking
        return booking

    def book_smallest(self, people: int, slot: Slot, title: str) -> Booking:
        """Book the smallest free room for that many people. Raises BookingError when there is none."""
        free = [room for room in self.rooms.values() if not self.conflicts(room.name, slot)]
        room = smallest_fitting(free, people)
        if room is None:
            raise BookingError(f"no free room seats {people}")
        return self.book(room.name, slot, title)

    def book_repeat(self, room: str, first: Slot, repeat: Repeat, title: str) -> list[Booking]:
        """Book every occurrence, or none: on the first BookingError all earlier ones are undone."""
        made: list[Booking] = []
        try:
            for slot in repeat.slots(first):
                made.append(self.book(room, slot, title))
        except BookingError:
            for booking in made:
                self.cancel(booking.number)
            raise
        return made

    def cancel(self, number: int) -> Booking:
        """Remove a booking and return it. Raises BookingError for an unknown number."""
        if number not in self._bookings:
            raise BookingError(f"there is no booking {number}")
        return self._bookings.pop(number)

    def move(self, number: int, slot: Slot) -> Booking:
        """Move a booking to another slot; it keeps its old one when the new one is refused."""
        old = self.cancel(number)
        try:
            return self.book(old.room.name, slot, old.title)
        except BookingError:
            self._bookings[old.number] = old
            raise

    def free(self, room: str, day: date) -> list[Slot]:
        """The free slots of a room on a day, in order."""
        opening = self.hours.on(day)
        if opening is None:
            return []
        return opening.without(self._with_cleaning(booking.slot) for booking in self.bookings(room))

    def next_free(self, room: str, length: timedelta, after: datetime, within_days: int = 14) -> Slot | None:
        """The first free slot of that length that starts at or after the given moment, or None."""
        for offset in range(within_days + 1):
            for slot in self.free(room, after.date() + timedelta(days=offset)):
                start = max(slot.start, after)
                if start + length <= slot.end:
                    return Slot(start, start + length)
        return None

    def _with_cleaning(self, slot: Slot) -> Slot:
        return Slot(slot.start, slot.end + self.cleaning)
