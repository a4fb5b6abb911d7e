from rent_months import months, open_months


def test_within_a_year():
    assert months((2023, 4), (2023, 6)) == [(2023, 4), (2023, 5), (2023, 6)]


def test_single_month():
    assert months((2023, 4), (2023, 4)) == [(2023, 4)]


def test_over_new_year():
    assert months((2023, 11), (2024, 2)) == [(2023, 11), (2023, 12), (2024, 1), (2024, 2)]


def test_wrong_way_round():
    assert months((2023, 6), (2023, 4)) == []


def test_owed():
    paid = {(2023, 4): 700, (2023, 5): 500}
    assert open_months((2023, 4), (2023, 6), paid, 700) == {(2023, 5): 200, (2023, 6): 700}


def test_too_much():
    assert open_months((2023, 4), (2023, 5), {(2023, 4): 1400}, 700) == {(2023, 5): 700}
