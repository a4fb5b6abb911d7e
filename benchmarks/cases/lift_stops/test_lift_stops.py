from lift_stops import floors_travelled, stops


def test_nobody_waits():
    assert stops(3, True, set()) == []


def test_all_above():
    assert stops(0, True, {7, 2, 4}) == [2, 4, 7]


def test_all_below_running_down():
    assert stops(9, False, {7, 2, 4}) == [7, 4, 2]


def test_turns_round():
    assert stops(5, True, {7, 2, 4}) == [7, 4, 2]
    assert stops(3, False, {7, 2, 4}) == [2, 4, 7]


def test_own_floor_first():
    assert stops(4, True, {4, 6}) == [4, 6]


def test_travelled():
    assert floors_travelled(5, True, {7, 2}) == 7
    assert floors_travelled(5, True, {6, 8}) == 3


def test_calls_stay():
    calls = {1, 2}
    stops(0, True, calls)
    assert calls == {1, 2}
