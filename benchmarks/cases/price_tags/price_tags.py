"""Price tags for a shop, with the price per kilogram that the law wants."""

from __future__ import annotations


def money(cents: int) -> str:
    """12.50, and 0.05 for five cents."""
    return str(cents // 100) + "." + str(cents % 100).zfill(2)


def per_kilogram(cents: int, grams: int) -> int:
    """Cents per kilogram, rounded to the nearest; halves go up."""
    return (cents * 1000 * 2 + grams) // (2 * grams)


def tag(name: str, cents: int, grams: int) -> str:
    lines = [name.upper()[:20], money(cents)]
    if grams != 1000:
        lines.append(f"{grams} g, 1 kg = {money(per_kilogram(cents, grams))}")
    return "\n".join(lines)


def cheapest(goods: dict[str, tuple[int, int]]) -> str:
    """The name of what costs least per kilogram; the goods are (cents, grams)."""
    return min(goods, key=lambda name: goods[name][0] / goods[name][1])
