"""Rooms and the choice among them."""

import pytest
from roombook import Room, smallest_fitting


def test_a_room_needs_a_name():
    with pytest.raises(ValueError, match="name"):
        Room("  ", seats=4)


def test_a_room_needs_seats():
    with pytest.raises(ValueError, match="seat"):
        Room("Attic", seats=0)


def test_every_seat_can_be_taken():
    assert Room("Birch", seats=6).fits(6)
    assert not Room("Birch", seats=6).fits(7)


def test_equipment_must_all_be_there(rooms):
    oak = rooms[0]
    assert oak.fits(4, {"projector"})
    assert not oak.fits(4, {"projector", "piano"})


def test_missing(rooms):
    assert rooms[1].missing(["projector", "whiteboard"]) == {"projector"}
    assert rooms[0].missing(["projector"]) == frozenset()


def test_smallest_fitting_prefers_fewer_seats(rooms):
    assert smallest_fitting(rooms, 5, {"whiteboard"}).name == "Birch"


def test_of_equal_rooms_the_first_by_name(rooms):
    assert smallest_fitting(rooms, 5).name == "Ash"


def test_nothing_fits(rooms):
    assert smallest_fitting(rooms, 13) is None
