"""From a plan and what is there to what must be bought."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from .plan import Plan
from .quantities import Quantity
from .stock import Stock

SHELVES = {
    "eggs": "dairy", "milk": "dairy", "butter": "dairy", "cream": "dairy", "flour": "baking",
    "sugar": "baking", "yeast": "baking", "apples": "fruit", "lemons": "fruit", "leeks": "vegetables",
    "potatoes": "vegetables", "carrots": "vegetables",
}  # fmt: skip
PACKS = {"eggs": Quantity(Fraction(6), "pieces"), "flour": Quantity(Fraction(1000), "mass")}


@dataclass
class ShoppingList:
    """What to buy, by name; things of different kinds (a cup of flour, 100 g of flour) stand apart."""

    wanted: dict[tuple[str, str], Quantity] = field(default_factory=dict)

    def add(self, name: str, quantity: Quantity) -> None:
        """Put something on the list, with what is on it already."""
        key = (name, quantity.kind)
        self.wanted[key] = self.wanted[key] + quantity if key in self.wanted else quantity

    def in_packs(self) -> dict[str, int]:
        """How many packs to buy of what is sold in packs."""
        packs = {}
        for (name, kind), quantity in self.wanted.items():
            pack = PACKS.get(name)
            if pack is not None and pack.kind == kind:
                packs[name] = int(-(-quantity.amount // pack.amount))
        return packs

    def lines(self) -> list[str]:
        """The list in the order of the shelves, then of the alphabet."""
        ordered = sorted(self.wanted, key=lambda key: (SHELVES.get(key[0], "other"), key))
        return [f"{SHELVES.get(name, 'other')}: {self.wanted[name, kind]} {name}" for name, kind in ordered]


def shopping_list(plan: Plan, stock: Stock) -> ShoppingList:
    """What the plan needs and the stock lacks. The stock stays as it is.

    Meals take from the stock in the order of their days, and only what is good on theirs.
    """
    left, found = stock.copy(), ShoppingList()
    for day, recipe in plan:
        for ingredient in recipe.ingredients:
            if ingredient.optional:
                continue
            there = left.good(ingredient.name, day)
            if there is not None and there.kind != ingredient.quantity.kind:
                found.add(ingredient.name, ingredient.quantity)
                continue
            missing = left.take(ingredient.name, ingredient.quantity, day)
            if missing:
                found.add(ingredient.name, missing)
    return found
