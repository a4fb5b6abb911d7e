"""Recipes from text, and recipes for another number of people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from .quantities import Quantity


@dataclass(frozen=True)
class Ingredient:
    """Something a recipe needs. `optional` ones are left out of shopping lists."""

    name: str
    quantity: Quantity
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """A dish for a number of people."""

    title: str
    serves: int
    ingredients: tuple[Ingredient, ...]

    def for_people(self, people: int) -> Recipe:
        """The same dish for more or fewer people. Pieces are rounded up: nobody buys half an egg."""
        if people < 1:
            raise ValueError("a recipe serves one person at least")
        factor = Fraction(people, self.serves)
        return Recipe(self.title, people, tuple(_scaled(each, factor) for each in self.ingredients))


def _scaled(ingredient: Ingredient, factor: Fraction) -> Ingredient:
    quantity = ingredient.quantity * factor
    if quantity.kind == "pieces":
        quantity = Quantity(Fraction(-(-quantity.amount // 1)), "pieces")
    return replace(ingredient, quantity=quantity)


def read_recipe(text: str) -> Recipe:
    """A recipe from text: a title, `serves N`, and a line for each ingredient, `300 g flour`.

    A line that ends in `(optional)` is optional. The name is what follows the amount and its unit.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 3 or not lines[1].lower().startswith("serves "):
        raise ValueError("a recipe has a title, a line `serves N`, and ingredients")
    return Recipe(lines[0], int(lines[1].split()[1]), tuple(_ingredient(line) for line in lines[2:]))


def _ingredient(line: str) -> Ingredient:
    optional = line.lower().endswith("(optional)")
    if optional:
        line = line[: -len("(optional)")].strip()
    words = line.split()
    # The longest beginning that is an amount: `1 1/2 cup milk`, `2 eggs`.
    for size in range(min(3, len(words) - 1), 0, -1):
        try:
            quantity = Quantity.parse(" ".join(words[:size]))
        except ValueError:
            continue
        return Ingredient(" ".join(words[size:]).lower(), quantity, optional)
    raise ValueError(f"no amount in {line!r}")
