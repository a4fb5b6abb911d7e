"""Booking, moving and cancelling; what is free. 2025-03-03 is a Monday."""

from datetime import date, datetime, timedelta

import pytest
from roombook import BookingError, Calendar, OpeningHours, Repeat, Slot

MONDAY = date(2025, 3, 3)


def at(start: str, end: str, day: str = "2025-03-03") -> Slot:
    return Slot.parse(f"{day} {start}", f"{day} {end}")


def test_book_and_list(calendar):
    booking = calendar.book("Oak", at("09:00", "10:00"), "Board")
    assert booking.number == 1
    assert calendar.bookings("Oak", MONDAY) == [booking]
    assert calendar.bookings("Birch") == []


def test_bookings_are_sorted_by_start(calendar):
    late = calendar.book("Oak", at("14:00", "15:00"), "Late")
    early = calendar.book("Birch", at("09:00", "10:00"), "Early")
    assert calendar.bookings() == [early, late]


def test_an_unknown_room(calendar):
    with pytest.raises(BookingError, match="no room is called Elm"):
        calendar.book("Elm", at("09:00", "10:00"), "Board")


def test_outside_opening_hours(calendar):
    with pytest.raises(BookingError, match="closed"):
        calendar.book("Oak", at("07:30", "09:00"), "Early birds")


def test_a_taken_room_is_refused(calendar):
    calendar.book("Oak", at("09:00", "11:00"), "Board")
    with pytest.raises(BookingError, match="taken by Board"):
        calendar.book("Oak", at("10:00", "12:00"), "Sales")


def test_the_same_time_in_another_room(calendar):
    calendar.book("Oak", at("09:00", "11:00"), "Board")
    assert calendar.book("Birch", at("09:00", "11:00"), "Sales").number == 2


def test_book_smallest_passes_over_taken_rooms(calendar):
    slot = at("09:00", "10:00")
    names = [calendar.book_smallest(4, slot, f"Team {n}").room.name for n in range(3)]
    assert names == ["Ash", "Birch", "Oak"]


def test_book_smallest_with_nothing_left(calendar):
    calendar.book("Oak", at("09:00", "10:00"), "Board")
    with pytest.raises(BookingError, match="seats 10"):
        calendar.book_smallest(10, at("09:30", "10:30"), "All hands")


def test_repeat_books_every_week(calendar):
    made = calendar.book_repeat("Oak", at("09:00", "10:00"), Repeat.weekly(count=3), "Review")
    assert [booking.slot.start.day for booking in made] == [3, 10, 17]


def test_repeat_is_all_or_nothing(calendar):
    calendar.book("Oak", at("09:30", "10:30", day="2025-03-17"), "Audit")
    with pytest.raises(BookingError, match="taken by Audit"):
        calendar.book_repeat("Oak", at("09:00", "10:00"), Repeat.weekly(count=4), "Review")
    assert [booking.title for booking in calendar.bookings("Oak")] == ["Audit"]


def test_cancel_frees_the_room(calendar):
    booking = calendar.book("Oak", at("09:00", "10:00"), "Board")
    assert calendar.cancel(booking.number) == booking
    assert calendar.conflicts("Oak", at("09:00", "10:00")) == []


def test_cancel_an_unknown_number(calendar):
    with pytest.raises(BookingError, match="no booking 7"):
        calendar.cancel(7)


def test_move_within_its_own_time(calendar):
    booking = calendar.book("Oak", at("09:00", "11:00"), "Board")
    moved = calendar.move(booking.number, at("10:00", "12:00"))
    assert moved.slot == at("10:00", "12:00")
    assert calendar.bookings("Oak") == [moved]


def test_a_refused_move_changes_nothing(calendar):
    board = calendar.book("Oak", at("09:00", "10:00"), "Board")
    sales = calendar.book("Oak", at("13:00", "14:00"), "Sales")
    with pytest.raises(BookingError, match="taken by Sales"):
        calendar.move(board.number, at("13:30", "14:30"))
    assert calendar.bookings("Oak") == [board, sales]


def test_free_slots_of_a_day(calendar):
    calendar.book("Oak", at("10:00", "11:00"), "Board")
    calendar.book("Oak", at("13:00", "14:30"), "Sales")
    assert calendar.free("Oak", MONDAY) == [
        at("08:00", "10:00"),
        at("11:00", "13:00"),
        at("14:30", "18:00"),
    ]


def test_free_leaves_time_for_cleaning(rooms):
    calendar = Calendar(rooms, cleaning=timedelta(minutes=15))
    calendar.book("Oak", at("08:00", "10:00"), "Board")
    assert calendar.free("Oak", MONDAY) == [at("10:15", "18:00")]


def test_nothing_is_free_on_a_closed_day(rooms):
    calendar = Calendar(rooms, OpeningHours(closed={MONDAY}))
    assert calendar.free("Oak", MONDAY) == []


def test_cleaning_keeps_bookings_apart(rooms):
    calendar = Calendar(rooms, cleaning=timedelta(minutes=15))
    calendar.book("Oak", at("10:00", "11:00"), "Board")
    assert calendar.conflicts("Oak", at("11:10", "12:00"))
    assert calendar.conflicts("Oak", at("09:00", "09:50"))
    assert not calendar.conflicts("Oak", at("11:20", "12:00"))


def test_next_free_waits_for_a_long_enough_gap(calendar):
    calendar.book("Oak", at("09:00", "10:00"), "Board")
    calendar.book("Oak", at("10:30", "12:00"), "Sales")
    found = calendar.next_free("Oak", timedelta(hours=1), datetime(2025, 3, 3, 9, 0))
    assert found == at("12:00", "13:00")


def test_next_free_goes_on_to_the_next_day(calendar):
    found = calendar.next_free("Oak", timedelta(hours=2), datetime(2025, 3, 3, 17, 0))
    assert found == at("08:00", "10:00", day="2025-03-04")


def test_next_free_gives_up(rooms):
    calendar = Calendar(rooms, OpeningHours(by_weekday={}))
    assert calendar.next_free("Oak", timedelta(hours=1), datetime(2025, 3, 3, 9, 0)) is None
