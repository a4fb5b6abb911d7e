"""Which dishes are cooked on which days, and for how many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from .recipes import Recipe


@dataclass
class Plan:
    """Meals by day, in the order in which they were planned."""

    meals: dict[date, list[Recipe]] = field(default_factory=dict)

    def cook(self, day: date, recipe: Recipe, people: int) -> None:
        """Plan a dish."""
        self.meals.setdefault(day, []).append(recipe.for_people(people))

    def move(self, title: str, old: date, new: date) -> None:
        """Cook a dish on another day. Raises KeyError where it is not planned."""
        for recipe in self.meals.get(old, []):
            if recipe.title == title:
                self.meals[old].remove(recipe)
                self.meals.setdefault(new, []).append(recipe)
                return
        raise KeyError(f"{title} is not planned on {old}")

    def __iter__(self) -> Iterator[tuple[date, Recipe]]:
        for day in sorted(self.meals):
            for recipe in self.meals[day]:
                yield day, recipe

    def summary(self) -> str:
        """A line for each meal."""
        return "\n".join(f"{day:%a %d.%m.} {recipe.title} for {recipe.serves}" for day, recipe in self)
