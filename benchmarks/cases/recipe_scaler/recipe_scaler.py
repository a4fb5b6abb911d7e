"""Scale a recipe to another number of guests, and write the amounts as cooks do."""

from __future__ import annotations

from fractions import Fraction


def scale(amounts: dict[str, Fraction], serves: int, guests: int) -> dict[str, Fraction]:
    """Amounts for `guests` people from a recipe which serves `serves`."""
    factor = Fraction(guests, serves)
    return {name: amount * factor for name, amount in amounts.items()}


def spoken(amount: Fraction) -> str:
    """1 1/2 for three halves; rounded to quarters, but never to nothing."""
    quarters = max(round(amount * 4), 1)
    whole, rest = divmod(quarters, 4)
    part = str(Fraction(rest, 4)) if rest else ""
    return " ".join(text for text in (str(whole) if whole else "", part) if text)


def shopping_list(amounts: dict[str, Fraction], serves: int, guests: int) -> list[str]:
    return [f"{spoken(amount)} {name}" for name, amount in sorted(scale(amounts, serves, guests).items())]
