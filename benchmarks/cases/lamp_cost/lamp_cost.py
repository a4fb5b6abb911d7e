"""Compare lamps by what they cost over the years: the lamp itself, its spares and the current."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lamp:
    name: str
    price: float
    watts: float
    hours: int


def lamps_needed(lamp: Lamp, hours: int) -> int:
    """How many are used up in so many hours, the first included."""
    return max((hours + lamp.hours - 1) // lamp.hours, 1)


def cost(lamp: Lamp, hours: int, per_kwh: float = 0.3) -> float:
    return round(lamps_needed(lamp, hours) * lamp.price + lamp.watts * hours / 1000 * per_kwh, 2)


def better(one: Lamp, other: Lamp, per_day: int, years: int) -> Lamp:
    """The cheaper of both; with equal cost, the one that lasts longer."""
    hours = per_day * 365 * years
    return min(one, other, key=lambda lamp: (cost(lamp, hours), -lamp.hours))
