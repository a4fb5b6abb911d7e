from price_tags import cheapest, money, per_kilogram, tag


def test_money():
    assert money(1250) == "12.50"
    assert money(5) == "0.05"


def test_per_kilogram():
    assert per_kilogram(300, 500) == 600
    assert per_kilogram(100, 300) == 333


def test_halves_go_up():
    assert per_kilogram(1, 2000) == 1
    assert per_kilogram(3, 2000) == 2


def test_tag():
    assert tag("Oat flakes", 129, 500) == "OAT FLAKES\n1.29\n500 g, 1 kg = 2.58"


def test_tag_of_a_kilogram():
    assert tag("Flour", 99, 1000) == "FLOUR\n0.99"


def test_cheapest():
    assert cheapest({"small": (100, 200), "large": (900, 2000), "tiny": (60, 100)}) == "large"
