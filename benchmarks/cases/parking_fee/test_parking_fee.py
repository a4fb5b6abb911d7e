from parking_fee import fee, receipt


def test_short_stop_is_free():
    assert fee(0) == 0
    assert fee(10) == 0


def test_started_half_hours():
    assert fee(11) == 120
    assert fee(31) == 240


def test_whole_half_hours():
    assert fee(30) == 120
    assert fee(60) == 240


def test_day_has_a_most():
    assert fee(20 * 60) == 1500


def test_several_days():
    assert fee(2 * 24 * 60) == 3000
    assert fee(24 * 60 + 45) == 1740


def test_receipt():
    assert receipt(65) == "1 h 05 min: 3.60"
