"""How much the rooms are used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from .bookings import Calendar


def booked_time(calendar: Calendar, room: str, days: Iterable[date]) -> timedelta:
    """How long the room is booked within opening hours on those days."""
    total = timedelta(0)
    for day in days:
        opening = calendar.hours.on(day)
        if opening is None:
            continue
        for booking in calendar.bookings(room, day):
            shared = booking.slot.intersection(opening)
            if shared is not None:
                total += shared.duration
    return total


def utilisation(calendar: Calendar, days: Iterable[date]) -> dict[str, float]:
    """Share of the opening time booked, between 0 and 1, by room; 0 where the house is never open."""
    days = list(days)
    openings = [slot for slot in map(calendar.hours.on, days) if slot is not None]
    available = sum((slot.duration for slot in openings), timedelta(0))
    if not available:
        return dict.fromkeys(calendar.rooms, 0.0)
    return {room: booked_time(calendar, room, days) / available for room in calendar.rooms}


def busiest_room(calendar: Calendar, days: Iterable[date]) -> str | None:
    """The room with the highest utilisation, the first by name of equals; None when nothing is booked."""
    shares = utilisation(calendar, days)
    used = [room for room, share in shares.items() if share > 0]
    if not used:
        return None
    return min(used, key=lambda room: (-shares[room], room))
