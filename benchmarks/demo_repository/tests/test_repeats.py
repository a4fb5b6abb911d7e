"""Repeating meetings."""

from datetime import date, timedelta

import pytest
from roombook import Repeat, Slot

FIRST = Slot.parse("2025-03-03 09:00", "2025-03-03 10:00")


def starts(repeat: Repeat) -> list[date]:
    return [slot.start.date() for slot in repeat.slots(FIRST)]


def test_weekly_by_count():
    assert starts(Repeat.weekly(count=3)) == [date(2025, 3, 3), date(2025, 3, 10), date(2025, 3, 17)]


def test_the_last_date_is_included():
    assert starts(Repeat.weekly(until=date(2025, 3, 17))) == [
        date(2025, 3, 3),
        date(2025, 3, 10),
        date(2025, 3, 17),
    ]


def test_stops_before_the_last_date_when_it_falls_between():
    assert starts(Repeat.weekly(until=date(2025, 3, 16)))[-1] == date(2025, 3, 10)


def test_a_skipped_date_does_not_count():
    repeat = Repeat(timedelta(weeks=1), count=2, skip={date(2025, 3, 10)})
    assert starts(repeat) == [date(2025, 3, 3), date(2025, 3, 17)]


def test_every_occurrence_keeps_its_length():
    assert {slot.duration for slot in Repeat.weekly(count=4).slots(FIRST)} == {timedelta(hours=1)}


def test_count_and_last_date_together():
    repeat = Repeat(timedelta(days=1), count=10, until=date(2025, 3, 5))
    assert len(starts(repeat)) == 3


def test_a_repeat_must_end():
    with pytest.raises(ValueError, match="count or a last date"):
        Repeat(timedelta(days=1))


def test_a_repeat_must_move_forward():
    with pytest.raises(ValueError, match="forward"):
        Repeat(timedelta(0), count=2)
