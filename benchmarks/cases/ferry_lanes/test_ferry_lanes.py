from ferry_lanes import fill, load


def test_widest_room_first():
    loaded, left = load([1000, 1200], [("A", 400), ("B", 400), ("C", 400)])
    assert loaded == [["B"], ["A", "C"]]
    assert left == []


def test_left_on_the_quay():
    loaded, left = load([500], [("A", 400), ("B", 400)])
    assert loaded == [["A"]]
    assert left == ["B"]


def test_short_car_behind_a_long_one_still_goes():
    assert load([900], [("A", 400), ("Bus", 1100), ("B", 380)]) == ([["A", "B"]], ["Bus"])


def test_the_gap_takes_room():
    assert load([800], [("A", 400), ("B", 400)]) == ([["A"]], ["B"])


def test_fill():
    assert fill([1000], [("A", 400), ("Bus", 1100)]) == 0.4
    assert fill([1000, 1000], []) == 0.0
