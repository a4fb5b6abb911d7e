from retry_delays import attempts, delays, describe


def test_growing():
    assert list(delays(1, 2, 100, 10)) == [1, 2, 4]


def test_no_longer_than_the_most():
    assert list(delays(1, 3, 5, 20)) == [1, 3, 5, 5, 5]


def test_the_whole_budget_may_be_spent():
    assert list(delays(2, 1, 2, 6)) == [2, 2, 2]


def test_no_budget():
    assert list(delays(2, 2, 8, 1)) == []


def test_attempts():
    assert attempts(1, 2, 100, 10) == 4
    assert attempts(1, 2, 100, 0) == 1


def test_describe():
    assert describe(delays(0.5, 2, 60, 4)) == "0.5 s, 1 s, 2 s"
    assert describe(iter(())) == "no second attempt"
