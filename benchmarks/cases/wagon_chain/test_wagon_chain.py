import pytest
from wagon_chain import Train


@pytest.fixture
def train():
    train = Train()
    for number, tons in ((11, 40), (12, 60), (13, 25)):
        train.couple(number, tons)
    return train


def numbers(train):
    return [wagon.number for wagon in train.wagons()]


def test_order(train):
    assert numbers(train) == [11, 12, 13]


def test_tons(train):
    assert train.tons() == 125


def test_cut(train):
    rear = train.cut_behind(11)
    assert numbers(train) == [11]
    assert numbers(rear) == [12, 13]


def test_cut_behind_the_last(train):
    assert numbers(train.cut_behind(13)) == []
    assert numbers(train) == [11, 12, 13]


def test_cut_and_couple(train):
    train.cut_behind(12)
    train.couple(20, 5)
    assert numbers(train) == [11, 12, 20]
