"""What is there: lots of each thing, each with a day until which it is good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from .quantities import Quantity

FOR_EVER = date.max


@dataclass(frozen=True)
class Lot:
    """An amount that was bought together. `good_until` is the last day on which it may be eaten."""

    quantity: Quantity
    good_until: date = FOR_EVER


class Stock:
    """Lots by the name of the thing."""

    def __init__(self) -> None:
        self._lots: dict[str, list[Lot]] = {}

    def add(self, name: str, amount: str, good_until: date = FOR_EVER) -> None:
        """Put something in; the lots of a thing are kept in the order in which they spoil."""
        lots = self._lots.setdefault(name.lower(), [])
        lots.append(Lot(Quantity.parse(amount), good_until))
        lots.sort(key=lambda lot: lot.good_until)

    def names(self) -> list[str]:
        """What there is anything of."""
        return sorted(name for name, lots in self._lots.items() if lots)

    def good(self, name: str, day: date) -> Quantity | None:
        """How much of a thing is good on a day; None where there is none."""
        total: Quantity | None = None
        for lot in self._lots.get(name, ()):
            if lot.good_until >= day:
                total = lot.quantity if total is None else total + lot.quantity
        return total

    def take(self, name: str, wanted: Quantity, day: date) -> Quantity:
        """Take out as much as there is that is good, what spoils first first; returns what is missing."""
        left: list[Lot] = []
        for lot in self._lots.get(name, ()):
            if not wanted or lot.good_until < day:
                left.append(lot)
                continue
            rest = lot.quantity - wanted
            wanted = wanted - lot.quantity
            if rest:
                left.append(Lot(rest, lot.good_until))
        self._lots[name] = left
        return wanted

    def spoiling(self, day: date, within: timedelta) -> list[str]:
        """Names of what is still good on a day and spoils within that time."""
        return sorted(
            name
            for name, lots in self._lots.items()
            if any(day <= lot.good_until <= day + within for lot in lots if lot.good_until < FOR_EVER)
        )

    def copy(self) -> Stock:
        """A stock of its own with the same lots."""
        other = Stock()
        other._lots = {name: list(lots) for name, lots in self._lots.items()}
        return other

    def remove(self, names: Iterable[str]) -> None:
        """Throw things away."""
        for name in names:
            self._lots.pop(name.lower(), None)
