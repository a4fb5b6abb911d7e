from next_tram import board, next_departure, waiting_time

TIMES = ["9:40", "23:50", "5:05", "17:30"]


def test_next():
    assert next_departure(TIMES, "8:00") == "9:40"
    assert next_departure(TIMES, "9:41") == "17:30"


def test_first_of_the_morning():
    assert next_departure(TIMES, "23:55") == "5:05"


def test_waiting_time():
    assert waiting_time(TIMES, "9:10") == 30


def test_waiting_over_midnight():
    assert waiting_time(TIMES, "23:55") == 310
    assert waiting_time(["12:00"], "12:01") == 1439


def test_board():
    assert board(TIMES, "9:40") == "now"
    assert board(TIMES, "17:15") == "in 15 min"
