from tide_table import tidal_range, turning_points


def test_one_high_water():
    assert turning_points([1.0, 2.0, 3.0, 2.0]) == [(2, "high")]


def test_high_and_low():
    assert turning_points([1.0, 3.0, 2.0, 0.5, 4.0]) == [(1, "high"), (3, "low")]


def test_level_stretch():
    assert turning_points([1.0, 3.0, 3.0, 3.0, 2.0]) == [(1, "high")]


def test_only_rising():
    assert turning_points([1.0, 2.0, 2.0, 3.0]) == []


def test_range():
    assert tidal_range([1.0, 3.0, 2.0, 0.5, 4.0, 2.0]) == 3.5


def test_falling_water_counts():
    assert tidal_range([1.0, 5.0, 1.0, 2.0, 1.5]) == 4.0


def test_no_tide():
    assert tidal_range([1.0, 1.0]) == 0.0
