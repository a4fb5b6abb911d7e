import pytest
from pay_formula import tokens, work_out


def test_tokens():
    assert tokens("base*2 - (tax+ 10.5) ") == ["base", "*", "2", "-", "(", "tax", "+", "10.5", ")"]


def test_unknown_sign():
    with pytest.raises(ValueError):
        tokens("base % 2")


def test_products_first():
    assert work_out("2 + 3 * 4", {}) == 14
    assert work_out("20 / 4 - 1", {}) == 4


def test_left_to_right():
    assert work_out("10 - 4 - 3", {}) == 3


def test_brackets():
    assert work_out("2 * (3 + 4)", {}) == 14
    assert work_out("((5))", {}) == 5


def test_names():
    assert work_out("base * 2 - (tax + 10)", {"base": 100.0, "tax": 30.0}) == 160


def test_minus_in_front():
    assert work_out("-base + 3", {"base": 1.0}) == 2
