import pytest
from chess_clock import ChessClock, FlagFallen


def test_first_move():
    clock = ChessClock(60)
    clock.start(100)
    clock.press(107)
    assert clock.left == {"white": 53, "black": 60}
    assert clock.turn == "black"


def test_each_player_pays_for_own_time():
    clock = ChessClock(60)
    clock.start(100)
    clock.press(107)
    clock.press(109)
    clock.press(110)
    assert clock.left == {"white": 52, "black": 58}
    assert clock.moves == 3


def test_increment():
    clock = ChessClock(60, increment=5)
    clock.start(0)
    clock.press(10)
    assert clock.left == {"white": 55, "black": 60}


def test_increment_does_not_save_a_fallen_flag():
    clock = ChessClock(10, increment=5)
    clock.start(0)
    with pytest.raises(FlagFallen):
        clock.press(12)


def test_pause():
    clock = ChessClock(60)
    clock.start(0)
    clock.pause(20)
    clock.start(500)
    clock.press(501)
    assert clock.left["white"] == 39


def test_not_running():
    with pytest.raises(RuntimeError):
        ChessClock(60).press(1)
