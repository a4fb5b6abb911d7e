"""Utilisation. The week of 2025-03-03 has fifty opening hours."""

from datetime import date, timedelta

from roombook import Calendar, OpeningHours, Slot, busiest_room, utilisation
from roombook.report import booked_time

WEEK = [date(2025, 3, 3) + timedelta(days=n) for n in range(7)]


def at(day: int, start: str, end: str) -> Slot:
    return Slot.parse(f"2025-03-{day:02} {start}", f"2025-03-{day:02} {end}")


def test_booked_time_adds_up(calendar):
    calendar.book("Oak", at(3, "09:00", "11:00"), "Board")
    calendar.book("Oak", at(5, "13:00", "14:30"), "Sales")
    assert booked_time(calendar, "Oak", WEEK) == timedelta(hours=3, minutes=30)


def test_utilisation_is_a_share_of_opening_time(calendar):
    calendar.book("Oak", at(3, "08:00", "18:00"), "Offsite")
    assert utilisation(calendar, WEEK) == {"Oak": 0.2, "Birch": 0.0, "Ash": 0.0}


def test_utilisation_of_a_closed_house(rooms):
    closed = Calendar(rooms, OpeningHours(by_weekday={}))
    assert utilisation(closed, WEEK) == {"Oak": 0.0, "Birch": 0.0, "Ash": 0.0}


def test_busiest_room(calendar):
    calendar.book("Oak", at(3, "09:00", "10:00"), "Board")
    calendar.book("Birch", at(4, "09:00", "12:00"), "Sales")
    assert busiest_room(calendar, WEEK) == "Birch"


def test_busiest_of_equal_rooms_is_the_first_by_name(calendar):
    calendar.book("Oak", at(3, "09:00", "10:00"), "Board")
    calendar.book("Ash", at(4, "09:00", "10:00"), "Sales")
    assert busiest_room(calendar, WEEK) == "Ash"


def test_nothing_booked(calendar):
    assert busiest_room(calendar, WEEK) is None
