import pytest
from braille_cells import cell, digit_cell, heights, number


def test_single_dot():
    assert cell("1") == "\u2801"
    assert cell("6") == "\u2820"


def test_several_dots():
    assert cell("145") == "\u2819"


def test_zero_is_j():
    assert digit_cell("0") == "\u281a"
    assert digit_cell("9") == "\u280a"


def test_number():
    assert number(12) == "\u283c\u2801\u2803"


def test_heights():
    assert heights(number(4)) == [4, 3]


def test_no_digit():
    with pytest.raises(ValueError):
        digit_cell("x")
