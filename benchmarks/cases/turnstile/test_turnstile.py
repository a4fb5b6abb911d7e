import pytest
from turnstile import Turnstile


@pytest.fixture
def stile():
    stile = Turnstile()
    assert stile.insert("first", 0)
    return stile


def test_one_person_per_ticket(stile):
    assert stile.push(5)
    assert not stile.push(6)
    assert stile.visitors == 1


def test_too_late(stile):
    assert stile.push(10)
    stile.insert("second", 20)
    assert not stile.push(31)


def test_ticket_counts_once(stile):
    stile.push(1)
    assert stile.insert("first", 2) is False


def test_not_while_open(stile):
    assert stile.insert("second", 3) is False
    assert stile.push(4)
    assert stile.insert("second", 5) is True


def test_closed_again_after_time_is_up(stile):
    assert not stile.is_open(11)
