"""Meetings that follow each other without a break: reported by the front desk."""

from datetime import timedelta

import pytest
from roombook import BookingError, Calendar, Slot


def at(start: str, end: str) -> Slot:
    return Slot.parse(f"2025-03-03 {start}", f"2025-03-03 {end}")


def test_a_meeting_may_start_when_the_one_before_ends(calendar):
    calendar.book("Oak", at("09:00", "10:00"), "Board")
    assert calendar.book("Oak", at("10:00", "11:00"), "Sales").title == "Sales"


def test_a_meeting_may_end_when_the_next_one_starts(calendar):
    calendar.book("Oak", at("10:00", "11:00"), "Sales")
    assert calendar.book("Oak", at("09:00", "10:00"), "Board").title == "Board"


def test_slots_that_only_touch_share_no_time():
    assert at("09:00", "10:00").intersection(at("10:00", "11:00")) is None
    assert at("10:00", "11:00").intersection(at("09:00", "10:00")) is None


def test_a_minute_of_overlap_is_still_refused(calendar):
    calendar.book("Oak", at("09:00", "10:00"), "Board")
    with pytest.raises(BookingError, match="taken by Board"):
        calendar.book("Oak", at("09:59", "11:00"), "Sales")


def test_cleaning_time_still_counts(rooms):
    calendar = Calendar(rooms, cleaning=timedelta(minutes=15))
    calendar.book("Oak", at("09:00", "10:00"), "Board")
    assert calendar.conflicts("Oak", at("10:00", "11:00"))
    assert not calendar.conflicts("Oak", at("10:15", "11:00"))
