from snow_map import around, deepest, smooth

GRID = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]


def test_middle():
    assert sorted(around(GRID, 1, 1)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_corner():
    assert sorted(around(GRID, 0, 0)) == [1, 2, 4, 5]


def test_far_corner():
    assert sorted(around(GRID, 2, 2)) == [5, 6, 8, 9]


def test_smooth():
    assert smooth([[1.0, 3.0]]) == [[2.0, 2.0]]
    assert smooth(GRID)[1] == [4.5, 5.0, 5.5]


def test_smooth_leaves_the_map_alone():
    grid = [[1.0, 3.0]]
    smooth(grid)
    assert grid == [[1.0, 3.0]]


def test_deepest():
    assert deepest([[1.0, 5.0], [5.0, 2.0]]) == (0, 1)
