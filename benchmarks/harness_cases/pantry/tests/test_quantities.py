from fractions import Fraction

import pytest
from pantry import Quantity, QuantityError


@pytest.mark.parametrize(
    ("text", "amount", "kind"),
    [
        ("250 g", 250, "mass"),
        ("1.5kg", 1500, "mass"),
        ("0,5 l", 500, "volume"),
        ("1 1/2 cup", 360, "volume"),
        ("1/3 tsp", Fraction(5, 3), "volume"),
        ("2 dozen", 24, "pieces"),
        ("3", 3, "pieces"),
    ],
)
def test_amounts_are_read(text, amount, kind):
    assert Quantity.parse(text) == Quantity(Fraction(amount), kind)


@pytest.mark.parametrize("text", ["", "some", "3 stone", "1 2 g"])
def test_others_are_refused(text):
    with pytest.raises(QuantityError, match="cannot read"):
        Quantity.parse(text)


def test_the_largest_unit_that_fits_is_shown():
    assert str(Quantity.parse("1500 g")) == "1.5 kg"
    assert str(Quantity.parse("2 tbsp")) == "30 ml"
    assert str(Quantity.parse("4")) == "4"


def test_nothing_is_less_than_nothing():
    assert not Quantity.parse("100 g") - Quantity.parse("1 kg")


def test_kinds_cannot_be_mixed():
    with pytest.raises(QuantityError, match="mass and volume"):
        Quantity.parse("1 g") + Quantity.parse("1 ml")
