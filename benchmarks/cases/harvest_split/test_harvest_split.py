import pytest
from harvest_split import largest_deviation, shares


def test_even():
    assert shares(10, {"Ada": 1, "Bo": 1}) == {"Ada": 5, "Bo": 5}


def test_remainders():
    assert shares(10, {"Ada": 5, "Bo": 3, "Cy": 3}) == {"Ada": 4, "Bo": 3, "Cy": 3}


def test_ties_by_name():
    assert shares(4, {"Cy": 1, "Bo": 1, "Ada": 1}) == {"Ada": 2, "Bo": 1, "Cy": 1}


def test_nothing_is_lost():
    given = shares(17, {"Ada": 7, "Bo": 11, "Cy": 2, "Di": 9})
    assert sum(given.values()) == 17


def test_nobody_worked():
    with pytest.raises(ValueError):
        shares(3, {"Ada": 0})


def test_deviation():
    assert largest_deviation(3, {"Ada": 1, "Bo": 1}) == 0.5
    assert largest_deviation(4, {"Ada": 1, "Bo": 1}) == 0.0
