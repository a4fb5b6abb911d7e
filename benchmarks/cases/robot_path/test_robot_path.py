import pytest
from robot_path import follow, read


def test_read():
    assert read("3FL12B") == [("F", 3), ("L", 1), ("B", 12)]


def test_read_with_blanks():
    assert read(" 3F  L ") == [("F", 3), ("L", 1)]


def test_nothing():
    assert read("") == []
    assert follow("") == (0, 0, "N")


def test_no_order():
    with pytest.raises(ValueError, match="at 2"):
        read("3FX")
    with pytest.raises(ValueError):
        read("3")


def test_follow():
    assert follow("3F") == (0, 3, "N")
    assert follow("2FR3F") == (3, 2, "E")


def test_backwards():
    assert follow("L2B") == (2, 0, "W")


def test_full_turn():
    assert follow("4R F") == (0, 1, "N")
