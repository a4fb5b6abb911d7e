import pytest
from plot_cutting import fence, plots


def test_small_enough():
    assert plots(4, 5, 20) == [(4, 5)]


def test_wide():
    assert plots(10, 4, 20) == [(5, 4), (5, 4)]


def test_odd():
    assert plots(5, 2, 6) == [(2, 2), (3, 2)]


def test_deep():
    assert plots(4, 10, 20) == [(4, 5), (4, 5)]


def test_square():
    assert plots(6, 6, 18) == [(3, 6), (3, 6)]
    assert plots(4, 4, 4) == [(2, 2)] * 4


def test_nothing_is_lost():
    assert sum(width * depth for width, depth in plots(37, 23, 50)) == 37 * 23


def test_no_land_at_all():
    with pytest.raises(ValueError):
        plots(2, 1, 0)


def test_fence():
    assert fence([(3, 6), (2, 2)]) == 26
