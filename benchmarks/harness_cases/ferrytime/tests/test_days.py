from datetime import date

import pytest
from ferrytime import Season, Weekdays
from ferrytime.days import Running


def test_a_range_of_weekdays():
    days = Weekdays.parse("Mo-Fr")
    assert date(2025, 6, 6) in days
    assert date(2025, 6, 7) not in days


def test_a_range_over_the_weekend():
    assert str(Weekdays.parse("Fr-Mo")) == "Mo,Fr,Sa,Su"


def test_single_days_and_daily():
    assert str(Weekdays.parse("sa, su")) == "Sa,Su"
    assert str(Weekdays.parse("daily")) == "daily"


def test_an_unknown_weekday_is_named():
    with pytest.raises(ValueError, match="Xy"):
        Weekdays.parse("Mo-Xy")


def test_a_season_includes_its_ends():
    summer = Season.parse("01.05-30.09")
    assert date(2025, 5, 1) in summer and date(2025, 9, 30) in summer
    assert date(2025, 4, 30) not in summer and date(2025, 10, 1) not in summer


def test_a_season_over_the_new_year():
    winter = Season.parse("15.11-20.02")
    assert date(2025, 12, 24) in winter and date(2025, 2, 20) in winter
    assert date(2025, 3, 1) not in winter


def test_exceptions_win():
    monday, tuesday = date(2025, 6, 9), date(2025, 6, 10)
    running = Running(Weekdays.parse("Mo"), also=frozenset({tuesday}), never=frozenset({monday}))
    assert not running.on(monday)
    assert running.on(tuesday)
