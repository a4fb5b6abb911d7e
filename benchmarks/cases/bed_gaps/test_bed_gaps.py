from datetime import date

from bed_gaps import fits, gaps

SEASON = (date(2024, 3, 1), date(2024, 10, 31))
PEAS = (date(2024, 3, 20), date(2024, 6, 10))
LEEK = (date(2024, 7, 1), date(2024, 10, 31))


def test_between_crops():
    expected = [(date(2024, 3, 1), date(2024, 3, 19)), (date(2024, 6, 11), date(2024, 6, 30))]
    assert gaps([LEEK, PEAS], SEASON) == expected


def test_after_the_last_crop():
    assert gaps([PEAS], SEASON)[-1] == (date(2024, 6, 11), date(2024, 10, 31))


def test_idle_all_season():
    assert gaps([], SEASON) == [SEASON]


def test_full_bed():
    assert gaps([SEASON], SEASON) == []


def test_fits():
    assert fits(19, [PEAS, LEEK], SEASON) == date(2024, 3, 1)
    assert fits(20, [PEAS, LEEK], SEASON) == date(2024, 6, 11)
    assert fits(21, [PEAS, LEEK], SEASON) is None
