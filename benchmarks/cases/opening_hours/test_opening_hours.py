from opening_hours import Hours, is_open

SHOP = {"Mon": [Hours(9 * 60, 12 * 60), Hours(14 * 60, 18 * 60)]}
BAR = {"Sat": [Hours(20 * 60, 3 * 60)], "Sun": [Hours(18 * 60, 60)]}


def test_open():
    assert is_open(SHOP, "Mon", 10 * 60)
    assert is_open(SHOP, "Mon", 9 * 60)


def test_lunch():
    assert not is_open(SHOP, "Mon", 13 * 60)
    assert not is_open(SHOP, "Mon", 12 * 60)


def test_other_day():
    assert not is_open(SHOP, "Tue", 10 * 60)


def test_late_evening():
    assert is_open(BAR, "Sat", 23 * 60)
    assert not is_open(BAR, "Sat", 19 * 60)


def test_past_midnight():
    assert is_open(BAR, "Sun", 2 * 60)
    assert not is_open(BAR, "Sun", 3 * 60)
    assert not is_open(BAR, "Sat", 2 * 60)


def test_over_the_weekend():
    assert is_open(BAR, "Mon", 30)
    assert not is_open(BAR, "Mon", 60)


def test_shop_is_not_open_at_night():
    assert not is_open(SHOP, "Tue", 30)
