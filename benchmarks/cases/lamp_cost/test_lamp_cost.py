from lamp_cost import Lamp, better, cost, lamps_needed

BULB = Lamp("bulb", 1.0, 60, 1000)
LED = Lamp("LED", 6.0, 8, 15000)


def test_needed():
    assert lamps_needed(BULB, 2500) == 3
    assert lamps_needed(BULB, 1000) == 1
    assert lamps_needed(BULB, 1001) == 2


def test_at_least_one():
    assert lamps_needed(LED, 0) == 1


def test_cost_without_use():
    assert cost(LED, 0) == 6.0


def test_cost():
    assert cost(BULB, 2000) == 38.0
    assert cost(LED, 2000) == 10.8


def test_other_price_of_current():
    assert cost(BULB, 100, per_kwh=0.5) == 4.0


def test_better():
    assert better(BULB, LED, 3, 2) is LED
    assert better(BULB, LED, 0, 2) is BULB


def test_equal_cost():
    long = Lamp("long", 1.0, 60, 2000)
    assert better(BULB, long, 1, 1) is long
