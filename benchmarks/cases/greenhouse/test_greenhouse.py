import asyncio

import pytest
from greenhouse import ask, mean, readings


def sensor(*answers):
    left = list(answers)

    async def read():
        answer = left.pop(0)
        if answer is None:
            raise OSError("no answer")
        return answer

    return read


def test_ask():
    assert asyncio.run(ask(sensor(21.5))) == 21.5


def test_ask_again():
    assert asyncio.run(ask(sensor(None, None, 20.0))) == 20.0


def test_give_up():
    assert asyncio.run(ask(sensor(None, None, None, 20.0))) is None


def test_readings():
    sensors = {"north": sensor(18.0), "south": sensor(None, None, None), "roof": sensor(0.0)}
    assert asyncio.run(readings(sensors)) == {"north": 18.0, "roof": 0.0}


def test_mean():
    assert asyncio.run(mean({"north": sensor(18.0), "roof": sensor(24.0)})) == 21.0


def test_no_sensor():
    with pytest.raises(RuntimeError):
        asyncio.run(mean({}))
