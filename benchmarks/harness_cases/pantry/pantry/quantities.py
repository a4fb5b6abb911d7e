"""Amounts with units. Masses, volumes and pieces are kinds that cannot be mixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

UNITS: dict[str, tuple[str, Fraction]] = {
    "g": ("mass", Fraction(1)),
    "kg": ("mass", Fraction(1000)),
    "ml": ("volume", Fraction(1)),
    "cl": ("volume", Fraction(10)),
    "l": ("volume", Fraction(1000)),
    "tsp": ("volume", Fraction(5)),
    "tbsp": ("volume", Fraction(15)),
    "cup": ("volume", Fraction(240)),
    "": ("pieces", Fraction(1)),
    "dozen": ("pieces", Fraction(12)),
}
SHOWN = {"mass": ("kg", "g"), "volume": ("l", "ml"), "pieces": ("",)}
_TEXT = re.compile(r"\s*(?:(\d+)\s+)?(\d+(?:[.,]\d+)?)(?:/(\d+))?\s*([a-z]*)\s*")


class QuantityError(ValueError):
    """An amount that cannot be read, or two that cannot be put together."""


@dataclass(frozen=True)
class Quantity:
    """An amount of a kind, in its smallest unit."""

    amount: Fraction
    kind: str

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """`250 g`, `1 1/2 cup`, `0,5 l`, `3`."""
        found = _TEXT.fullmatch(text.lower())
        if not found or found[4] not in UNITS:
            raise QuantityError(f"cannot read the amount {text.strip()!r}")
        whole, number, divisor, unit = found.groups()
        if whole and not divisor:
            raise QuantityError(f"cannot read the amount {text.strip()!r}")
        amount = Fraction(number.replace(",", ".")) / int(divisor or 1) + int(whole or 0)
        kind, factor = UNITS[unit]
        return cls(amount * factor, kind)

    def __add__(self, other: Quantity) -> Quantity:
        self._same_kind(other)
        return Quantity(self.amount + other.amount, self.kind)

    def __sub__(self, other: Quantity) -> Quantity:
        """What is left; never less than nothing."""
        self._same_kind(other)
        return Quantity(max(Fraction(0), self.amount - other.amount), self.kind)

    def __mul__(self, factor: Fraction | int) -> Quantity:
        return Quantity(self.amount * factor, self.kind)

    def __bool__(self) -> bool:
        return self.amount > 0

    def __ge__(self, other: Quantity) -> bool:
        self._same_kind(other)
        return self.amount >= other.amount

    def __str__(self) -> str:
        for unit in SHOWN[self.kind]:
            if self.amount >= UNITS[unit][1] or unit == SHOWN[self.kind][-1]:
                return f"{float(self.amount / UNITS[unit][1]):.4g} {unit}".strip()
        raise AssertionError(self.kind)

    def _same_kind(self, other: Quantity) -> None:
        if self.kind != other.kind:
            raise QuantityError(f"{self.kind} and {other.kind} cannot be put together")
