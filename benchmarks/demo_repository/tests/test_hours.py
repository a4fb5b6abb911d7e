"""Opening hours. 2025-03-03 is a Monday, 2025-03-08 a Saturday."""

from datetime import date, datetime

from roombook import OpeningHours, Slot

MONDAY = date(2025, 3, 3)
SATURDAY = date(2025, 3, 8)


def test_open_on_a_weekday():
    assert OpeningHours().on(MONDAY) == Slot.parse("2025-03-03 08:00", "2025-03-03 18:00")


def test_closed_at_the_weekend():
    assert OpeningHours().on(SATURDAY) is None


def test_closed_on_a_holiday():
    assert OpeningHours(closed={MONDAY}).on(MONDAY) is None


def test_allows_the_whole_day():
    assert OpeningHours().allows(Slot.parse("2025-03-03 08:00", "2025-03-03 18:00"))


def test_refuses_a_slot_that_ends_after_closing():
    assert not OpeningHours().allows(Slot.parse("2025-03-03 17:00", "2025-03-03 18:15"))


def test_refuses_a_slot_over_night():
    assert not OpeningHours().allows(Slot.parse("2025-03-03 17:00", "2025-03-04 09:00"))


def test_next_opening_now():
    moment = datetime(2025, 3, 3, 9, 30)
    assert OpeningHours().next_opening(moment) == moment


def test_next_opening_later_today():
    assert OpeningHours().next_opening(datetime(2025, 3, 3, 6, 0)) == datetime(2025, 3, 3, 8, 0)


def test_next_opening_at_closing_time_is_tomorrow():
    assert OpeningHours().next_opening(datetime(2025, 3, 3, 18, 0)) == datetime(2025, 3, 4, 8, 0)


def test_next_opening_after_the_weekend():
    assert OpeningHours().next_opening(datetime(2025, 3, 7, 19, 0)) == datetime(2025, 3, 10, 8, 0)


def test_no_opening_in_sight():
    assert OpeningHours(by_weekday={}).next_opening(datetime(2025, 3, 3, 9, 0)) is None
