from rain_barrel import Barrel, dry_days


def test_it_fills():
    barrel = Barrel(100)
    assert barrel.day(30, 10) == 0
    assert barrel.litres == 20


def test_it_spills():
    barrel = Barrel(100)
    barrel.day(130, 0)
    assert barrel.litres == 100
    assert barrel.spilled == 30


def test_spilling_adds_up():
    barrel = Barrel(100)
    barrel.day(130, 0)
    barrel.day(20, 0)
    assert barrel.spilled == 50


def test_garden_goes_without():
    barrel = Barrel(100, litres=5)
    assert barrel.day(0, 12) == 7
    assert barrel.litres == 0


def test_history():
    barrel = Barrel(50)
    barrel.day(60, 10)
    barrel.day(0, 15)
    assert barrel.history == [40, 25]


def test_dry_days():
    assert dry_days(50, [(60, 30), (0, 30), (0, 30), (40, 30)]) == 2
