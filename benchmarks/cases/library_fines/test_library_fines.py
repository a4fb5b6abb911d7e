from datetime import date, datetime

from library_fines import days_late, fine, reminder

DUE = date(2024, 2, 27)


def test_in_time():
    assert days_late(DUE, datetime(2024, 2, 20, 15)) == 0


def test_over_a_leap_day():
    assert days_late(DUE, datetime(2024, 3, 2, 15)) == 4


def test_before_noon():
    assert days_late(DUE, datetime(2024, 2, 29, 9)) == 1
    assert days_late(DUE, datetime(2024, 3, 1, 12)) == 3


def test_grace():
    assert fine(DUE, datetime(2024, 3, 1, 15)) == 0


def test_started_weeks():
    assert fine(DUE, datetime(2024, 3, 2, 15)) == 50
    assert fine(DUE, datetime(2024, 3, 5, 15)) == 50
    assert fine(DUE, datetime(2024, 3, 6, 15)) == 100


def test_reminder():
    assert reminder(DUE, date(2024, 2, 28)) == "Your book was due on 27.02."
    assert reminder(DUE, date(2024, 3, 12)) == "Your book is 2 week(s) late"
    assert reminder(DUE, date(2024, 3, 1)) is None
    assert reminder(DUE, DUE) is None
