import pytest
from map_scale import Map

PLACES = {"hut": (0.0, 0.0), "peak": (3.0, 4.0), "lake": (3.0, 0.0), "ford": (9.0, 0.0)}


@pytest.fixture
def hiking_map():
    return Map(50_000, PLACES)


def test_kilometres(hiking_map):
    assert hiking_map.kilometres(8) == pytest.approx(4.0)


def test_centimetres(hiking_map):
    assert hiking_map.centimetres(4) == pytest.approx(8.0)


def test_distance(hiking_map):
    assert hiking_map.distance("hut", "peak") == pytest.approx(2.5)


def test_length(hiking_map):
    assert hiking_map.length(["hut", "lake", "peak"]) == pytest.approx(3.5)
    assert hiking_map.length(["hut"]) == 0


def test_nearest(hiking_map):
    assert hiking_map.nearest("lake") == "hut"
    assert hiking_map.nearest("ford") == "lake"
