from datetime import date, timedelta

from pantry import Quantity, Stock

TODAY = date(2025, 3, 10)


def stocked():
    stock = Stock()
    stock.add("Milk", "1 l", TODAY + timedelta(days=5))
    stock.add("milk", "0.5 l", TODAY + timedelta(days=1))
    stock.add("flour", "2 kg")
    return stock


def test_what_is_good_is_counted():
    assert str(stocked().good("milk", TODAY)) == "1.5 l"
    assert str(stocked().good("milk", TODAY + timedelta(days=2))) == "1 l"
    assert stocked().good("milk", TODAY + timedelta(days=6)) is None


def test_the_last_day_is_good():
    assert str(stocked().good("milk", TODAY + timedelta(days=5))) == "1 l"


def test_what_spoils_first_is_taken_first():
    stock = stocked()
    assert not stock.take("milk", Quantity.parse("600 ml"), TODAY)
    assert str(stock.good("milk", TODAY + timedelta(days=2))) == "900 ml"


def test_what_is_missing_is_returned():
    stock = stocked()
    assert str(stock.take("milk", Quantity.parse("2 l"), TODAY)) == "500 ml"
    assert stock.names() == ["flour"]


def test_what_spoils_soon():
    assert stocked().spoiling(TODAY, timedelta(days=2)) == ["milk"]
    assert stocked().spoiling(TODAY + timedelta(days=6), timedelta(days=2)) == []


def test_things_are_thrown_away():
    stock = stocked()
    stock.remove(["Milk"])
    assert stock.names() == ["flour"]
