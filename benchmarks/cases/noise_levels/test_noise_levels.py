import pytest
from noise_levels import exceeded, loud_hours, unrest

LEVELS = [52.0, 70.0, 48.0, 55.0, 61.0, 49.0, 53.0, 50.0, 58.0, 47.0]


def test_median():
    assert exceeded(LEVELS, 50) == 52.0


def test_loudest_tenth():
    assert exceeded(LEVELS, 10) == 61.0


def test_all():
    assert exceeded(LEVELS, 100) == 47.0


def test_one_reading():
    assert exceeded([40.0], 10) == 40.0


def test_no_readings():
    with pytest.raises(ValueError):
        exceeded([], 50)


def test_unrest():
    assert unrest(LEVELS) == 14.0


def test_loud_hours():
    assert loud_hours({23: [40.0, 80.0, 41.0], 8: [60.0, 61.0, 20.0], 7: [70.0]}, 55) == [7, 8]
