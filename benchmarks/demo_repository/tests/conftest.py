"""Fixtures shared by the tests: a small house with three rooms."""

import pytest
from roombook import Calendar, Room


@pytest.fixture
def rooms() -> list[Room]:
    return [
        Room("Oak", seats=12, equipment=frozenset({"projector", "whiteboard"})),
        Room("Birch", seats=6, equipment=frozenset({"whiteboard"})),
        Room("Ash", seats=6),
    ]


@pytest.fixture
def calendar(rooms: list[Room]) -> Calendar:
    return Calendar(rooms)
