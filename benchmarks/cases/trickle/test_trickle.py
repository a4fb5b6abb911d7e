from trickle import neighbours, path, pools

SLOPE = [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
FLAT = [[3, 2, 2], [3, 3, 2]]


def test_neighbours():
    assert neighbours(SLOPE, (0, 0)) == [(0, 1), (1, 0)]
    assert neighbours(SLOPE, (1, 1)) == [(0, 1), (1, 2), (2, 1), (1, 0)]


def test_down_the_slope():
    assert path(SLOPE, (0, 0)) == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]


def test_single_cell():
    assert path([[4]], (0, 0)) == [(0, 0)]


def test_water_stands_on_the_flat():
    assert path(FLAT, (0, 0)) == [(0, 0), (0, 1)]
    assert path(FLAT, (0, 2)) == [(0, 2)]


def test_pools():
    assert pools([[1, 5, 2]]) == {(0, 0): 2, (0, 2): 1}
    assert pools(SLOPE) == {(2, 2): 9}
