"""What is in the pantry, what recipes need, and what is to be bought."""

from .plan import Plan
from .quantities import Quantity, QuantityError
from .recipes import Ingredient, Recipe, read_recipe
from .shopping import ShoppingList, shopping_list
from .stock import Stock

__all__ = [
    "Ingredient",
    "Plan",
    "Quantity",
    "QuantityError",
    "Recipe",
    "ShoppingList",
    "Stock",
    "read_recipe",
    "shopping_list",
]
