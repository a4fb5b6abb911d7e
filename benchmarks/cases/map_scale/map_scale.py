"""Distances on hiking maps: between centimetres on paper and kilometres outside."""

from __future__ import annotations

import math

CENTIMETRES_PER_KILOMETRE = 100_000


class Map:
    """A map of the scale 1 : `scale`, with its marked places in centimetres from the lower left."""

    def __init__(self, scale: int, places: dict[str, tuple[float, float]]) -> None:
        self.scale = scale
        self.places = places

    def kilometres(self, centimetres: float) -> float:
        return centimetres * self.scale / CENTIMETRES_PER_KILOMETRE

    def centimetres(self, kilometres: float) -> float:
        return kilometres * CENTIMETRES_PER_KILOMETRE / self.scale

    def distance(self, start: str, end: str) -> float:
        """Kilometres as the crow flies."""
        (x, y), (u, v) = self.places[start], self.places[end]
        return self.kilometres(math.hypot(u - x, v - y))

    def length(self, route: list[str]) -> float:
        return sum(self.distance(route[i], route[i + 1]) for i in range(len(route) - 1))

    def nearest(self, start: str) -> str:
        others = [place for place in self.places if place != start]
        return min(others, key=lambda place: self.distance(start, place))
