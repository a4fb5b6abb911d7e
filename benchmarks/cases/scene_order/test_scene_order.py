import pytest
from scene_order import days, shooting_order

FILM = {"wedding": {"dress", "church"}, "church": set(), "dress": {"shop"}, "shop": set()}


def test_by_name():
    assert shooting_order({"b": set(), "a": set()}) == ["a", "b"]


def test_needs():
    assert shooting_order(FILM) == ["church", "shop", "dress", "wedding"]


def test_needs_are_kept():
    scenes = {"a": {"b"}, "b": set()}
    shooting_order(scenes)
    assert scenes == {"a": {"b"}, "b": set()}


def test_circle():
    with pytest.raises(ValueError, match="a, b need"):
        shooting_order({"a": {"b"}, "b": {"a"}, "c": set()})


def test_days():
    assert days(FILM, 3) == [["church", "shop", "dress"], ["wedding"]]


def test_nothing_to_shoot():
    assert days({}, 3) == []
