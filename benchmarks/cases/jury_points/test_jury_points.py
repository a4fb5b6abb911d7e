from jury_points import counted, places


def test_extremes_do_not_count():
    assert counted([3, 9, 5, 6]) == [5, 6]


def test_small_jury():
    assert counted([9, 3, 5]) == [9, 3, 5]


def test_one_extreme_of_each_sort():
    assert counted([2, 2, 7, 7, 7]) == [2, 7, 7]


def test_places():
    cakes = {"plum": [5, 5, 5], "apple": [9, 9, 9], "nut": [7, 7, 7]}
    assert places(cakes) == [(1, "apple"), (2, "nut"), (3, "plum")]


def test_shared_place():
    cakes = {"plum": [5, 5], "apple": [6, 4], "nut": [1, 1], "egg": [9, 9]}
    assert places(cakes) == [(1, "egg"), (2, "apple"), (2, "plum"), (4, "nut")]


def test_nobody():
    assert places({}) == []
