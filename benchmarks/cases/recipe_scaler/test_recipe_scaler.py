from fractions import Fraction

from recipe_scaler import scale, shopping_list, spoken

PANCAKES = {"cups of milk": Fraction(3, 2), "eggs": Fraction(2)}


def test_twice():
    assert scale(PANCAKES, 4, 8) == {"cups of milk": 3, "eggs": 4}


def test_fewer():
    assert scale(PANCAKES, 4, 3) == {"cups of milk": Fraction(9, 8), "eggs": Fraction(3, 2)}


def test_list():
    assert shopping_list(PANCAKES, 4, 6) == ["2 1/4 cups of milk", "3 eggs"]


def test_spoken():
    assert spoken(Fraction(3, 2)) == "1 1/2"
    assert spoken(Fraction(3, 4)) == "3/4"
    assert spoken(Fraction(2)) == "2"


def test_never_nothing():
    assert spoken(Fraction(1, 100)) == "1/4"
