"""Ask the sensors of a greenhouse, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Sensor = Callable[[], Awaitable[float]]


async def ask(sensor: Sensor, tries: int = 3) -> float | None:
    """One reading; None when it fails every time."""
    for _ in range(tries):
        try:
            return await sensor()
        except OSError:
            await asyncio.sleep(0)
    return None


async def readings(sensors: dict[str, Sensor]) -> dict[str, float]:
    """What the sensors say that answer at all."""
    values = await asyncio.gather(*(ask(sensor) for sensor in sensors.values()))
    return {name: value for name, value in zip(sensors, values, strict=True) if value is not None}


async def mean(sensors: dict[str, Sensor]) -> float:
    found = await readings(sensors)
    if not found:
        raise RuntimeError("no sensor answers")
    return sum(found.values()) / len(found)
