import pytest
from oven_trays import fewest_trays, rounds


def test_rounds():
    assert rounds([10, 3], 5) == 3
    assert rounds([], 5) == 0


def test_one_kind():
    assert fewest_trays([12], 3) == 4
    assert fewest_trays([13], 3) == 5


def test_every_kind_in_one_round():
    assert fewest_trays([7, 12, 3], 3) == 12


def test_long_night():
    assert fewest_trays([7, 12], 100) == 1


def test_several_kinds():
    assert fewest_trays([7, 12, 3], 6) == 4


def test_too_many_kinds():
    with pytest.raises(ValueError):
        fewest_trays([1, 1, 1], 2)
