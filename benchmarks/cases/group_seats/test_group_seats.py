from group_seats import seat, turned_away


def test_one_row():
    assert seat({"Ito": 3, "Bauer": 2}, [5]) == {"Ito": 0, "Bauer": 0}


def test_tightest_row():
    assert seat({"Ito": 3}, [6, 3, 4]) == {"Ito": 1}


def test_large_groups_first():
    assert seat({"Bauer": 2, "Ito": 4}, [4, 2]) == {"Ito": 0, "Bauer": 1}


def test_too_large_a_group_does_not_keep_others_out():
    assert seat({"Class 4b": 9, "Ito": 2}, [4, 4]) == {"Ito": 0}


def test_turned_away():
    assert turned_away({"Class 4b": 9, "Ito": 2, "Bauer": 3}, [4]) == ["Class 4b", "Ito"]


def test_rows_are_not_used_up_for_the_next_show():
    rows = [4]
    seat({"Ito": 3}, rows)
    assert rows == [4]
