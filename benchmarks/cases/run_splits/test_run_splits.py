from run_splits import clock, negative_split, pace, seconds, splits


def test_seconds():
    assert seconds("45") == 45
    assert seconds("4:05") == 245
    assert seconds("1:02:03") == 3723


def test_clock():
    assert clock(245) == "4:05"
    assert clock(9) == "0:09"


def test_clock_with_hours():
    assert clock(3723) == "1:02:03"
    assert clock(7200) == "2:00:00"


def test_splits():
    assert splits(["4:00", "8:30", "12:20"]) == ["4:00", "4:30", "3:50"]
    assert splits([]) == []


def test_pace():
    assert pace("50:00", 10) == "5:00"
    assert pace("10:00", 3) == "3:20"


def test_negative_split():
    assert negative_split(["4:00", "7:50"])
    assert not negative_split(["4:00", "8:00"])
    assert negative_split(["4:00", "9:00", "12:50"])
