import pytest
from tombola import Tombola


def test_winner():
    tombola = Tombola({7: "ham"})
    tombola.sell(7, "Ida")
    assert tombola.winners() == {"Ida": ["ham"]}


def test_several_prizes():
    tombola = Tombola({9: "cake", 7: "ham"})
    tombola.sell(9, "Ida")
    tombola.sell(7, "Ida")
    assert tombola.winners() == {"Ida": ["ham", "cake"]}


def test_left_over():
    assert Tombola({9: "cake"}).left_over() == ["cake"]


def test_two_fairs():
    spring = Tombola()
    spring.add_prize(1, "tulips")
    autumn = Tombola()
    autumn.add_prize(2, "pumpkin")
    assert autumn.left_over() == ["pumpkin"]


def test_no_prizes():
    tombola = Tombola()
    tombola.sell(1, "Ida")
    assert tombola.winners() == {}


def test_sold_once():
    tombola = Tombola()
    tombola.sell(1, "Ida")
    with pytest.raises(ValueError, match="Ida"):
        tombola.sell(1, "Ole")
