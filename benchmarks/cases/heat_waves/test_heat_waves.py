from heat_waves import degree_days, longest, waves


def test_one_wave():
    assert waves([25, 31, 32, 33, 25]) == [(1, 3)]


def test_too_short():
    assert waves([31, 32, 25, 31, 32, 25]) == []


def test_up_to_the_last_day():
    assert waves([25, 30, 30, 30]) == [(1, 3)]


def test_two_waves():
    assert waves([31, 31, 20, 31, 20, 31, 31], days=2) == [(0, 2), (5, 2)]


def test_longest():
    assert longest([31] * 4 + [20] + [31] * 3) == 4
    assert longest([20]) == 0


def test_degree_days():
    assert degree_days([20, 31, 32, 33, 20, 35]) == 6
