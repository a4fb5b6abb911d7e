"""Read the entries of a bank's statement, and list the lines that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Entry:
    day: date
    cents: int
    purpose: str


@dataclass
class Statement:
    entries: list[Entry] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)

    def balance(self) -> int:
        return sum(entry.cents for entry in self.entries)


def cents(amount: str) -> int:
    """Cents of an amount such as "-12.50" or "7"."""
    sign = -1 if amount.startswith("-") else 1
    whole, _, part = amount.lstrip("+-").partition(".")
    return sign * (int(whole) * 100 + int(part.ljust(2, "0")))


def read(text: str) -> Statement:
    """Entries of lines "2024-05-01|-12.50|rent"; the numbers of the lines which are otherwise."""
    statement = Statement()
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            day, amount, purpose = line.split("|")
            statement.entries.append(Entry(date.fromisoformat(day), cents(amount), purpose))
        except ValueError:
            statement.unread.append(number)
    return statement
