import pytest
from meter_readings import Meter


def meter(*readings):
    result = Meter()
    for day, value in readings:
        result.read(day, value)
    return result


def test_used():
    assert meter((0, 100), (10, 160), (20, 200)).used() == 100


def test_starts_again():
    assert meter((0, 99990), (10, 15)).used() == 25


def test_per_day():
    assert meter((0, 100), (10, 160), (20, 200)).per_day() == 5.0


def test_too_few_readings():
    assert meter((3, 100)).per_day() == 0.0


def test_refused():
    result = meter((5, 10))
    with pytest.raises(ValueError, match="show"):
        result.read(6, 100000)
    with pytest.raises(ValueError, match="order"):
        result.read(5, 20)
