"""Harbours, and how long it takes to get from one ferry to another in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Harbour:
    """A harbour. `change`: the least time between two ferries; `walk`: minutes to harbours within walking
    distance, by their code."""

    code: str
    name: str
    change: timedelta = timedelta(minutes=10)
    walk: tuple[tuple[str, int], ...] = ()


class Harbours:
    """All harbours, by code."""

    def __init__(self, harbours: Iterable[Harbour]) -> None:
        self._by_code: dict[str, Harbour] = {}
        for harbour in harbours:
            if harbour.code in self._by_code:
                raise ValueError(f"two harbours have the code {harbour.code}")
            self._by_code[harbour.code] = harbour
        for harbour in self._by_code.values():
            for other, _ in harbour.walk:
                if other not in self._by_code:
                    raise ValueError(f"{harbour.code} has a walk to {other}, which is unknown")

    def __getitem__(self, code: str) -> Harbour:
        return self._by_code[code]

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Harbour]:
        return iter(self._by_code.values())

    def within_walk(self, code: str) -> list[tuple[str, timedelta]]:
        """Harbours that can be reached on foot, the nearest first; walks are the same both ways."""
        found = dict(self._by_code[code].walk)
        for harbour in self:
            for other, minutes in harbour.walk:
                if other == code:
                    found.setdefault(harbour.code, minutes)
        return sorted(
            ((other, timedelta(minutes=minutes)) for other, minutes in found.items()),
            key=lambda pair: (pair[1], pair[0]),
        )
