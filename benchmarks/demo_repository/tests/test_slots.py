"""Slots: order, overlap, cutting and cutting up. 2025-03-03 is a Monday."""

from datetime import timedelta

import pytest
from roombook import Slot


def at(start: str, end: str) -> Slot:
    return Slot.parse(f"2025-03-03 {start}", f"2025-03-03 {end}")


def test_a_slot_must_not_be_empty():
    with pytest.raises(ValueError, match="start before it ends"):
        at("09:00", "09:00")


def test_a_slot_must_not_run_backwards():
    with pytest.raises(ValueError, match="start before it ends"):
        at("10:00", "09:00")


def test_duration():
    assert at("09:00", "10:30").duration == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("09:00", "11:00"), ("10:00", "12:00")),
        (("10:00", "12:00"), ("09:00", "11:00")),
        (("09:00", "12:00"), ("10:00", "11:00")),
        (("10:00", "11:00"), ("09:00", "12:00")),
        (("09:00", "10:00"), ("09:00", "10:00")),
    ],
    ids=["later", "earlier", "inside", "around", "same"],
)
def test_slots_that_share_time_overlap(first, second):
    assert at(*first).overlaps(at(*second))


def test_slots_apart_do_not_overlap():
    assert not at("09:00", "10:00").overlaps(at("11:00", "12:00"))
    assert not at("11:00", "12:00").overlaps(at("09:00", "10:00"))


def test_contains_itself_and_what_touches_its_ends():
    whole = at("09:00", "12:00")
    assert whole.contains(whole)
    assert whole.contains(at("09:00", "10:00"))
    assert whole.contains(at("11:00", "12:00"))


def test_does_not_contain_what_sticks_out():
    whole = at("09:00", "12:00")
    assert not whole.contains(at("08:59", "10:00"))
    assert not whole.contains(at("11:00", "12:01"))


def test_intersection():
    assert at("09:00", "11:00").intersection(at("10:00", "12:00")) == at("10:00", "11:00")
    assert at("10:00", "12:00").intersection(at("09:00", "11:00")) == at("10:00", "11:00")


def test_intersection_of_slots_apart_is_none():
    assert at("09:00", "10:00").intersection(at("11:00", "12:00")) is None


def test_shifted():
    assert at("09:00", "10:00").shifted(timedelta(hours=2)) == at("11:00", "12:00")


def test_without_nothing_is_the_whole():
    assert at("09:00", "12:00").without([]) == [at("09:00", "12:00")]


def test_without_cuts_out_the_middle():
    left = at("09:00", "12:00").without([at("10:00", "11:00")])
    assert left == [at("09:00", "10:00"), at("11:00", "12:00")]


def test_without_takes_slots_in_any_order():
    left = at("09:00", "14:00").without([at("12:00", "13:00"), at("10:00", "11:00")])
    assert left == [at("09:00", "10:00"), at("11:00", "12:00"), at("13:00", "14:00")]


def test_without_keeps_to_its_own_ends():
    assert at("09:00", "12:00").without([at("08:00", "10:00"), at("11:30", "13:00")]) == [
        at("10:00", "11:30")
    ]


def test_without_everything_is_nothing():
    assert at("09:00", "12:00").without([at("08:00", "13:00")]) == []


def test_a_nested_slot_frees_nothing():
    left = at("09:00", "12:00").without([at("09:30", "11:30"), at("10:00", "10:30")])
    assert left == [at("09:00", "09:30"), at("11:30", "12:00")]


def test_pieces_drop_the_rest():
    pieces = list(at("09:00", "10:50").pieces(timedelta(minutes=30)))
    assert pieces == [at("09:00", "09:30"), at("09:30", "10:00"), at("10:00", "10:30")]


def test_pieces_that_fit_exactly():
    assert len(list(at("09:00", "10:00").pieces(timedelta(minutes=20)))) == 3
