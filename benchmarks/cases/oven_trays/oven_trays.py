"""How many trays a bakery needs so that all orders are baked within the night."""

from __future__ import annotations


def rounds(orders: list[int], trays: int) -> int:
    """Oven rounds for these orders (in trays each); kinds are never baked in one round."""
    return sum(-(-order // trays) for order in orders)


def fewest_trays(orders: list[int], most_rounds: int) -> int:
    """The smallest oven that does with so many rounds; each order takes at least one."""
    if most_rounds < len(orders):
        raise ValueError("the night is too short for so many kinds")
    low, high = 1, max(orders, default=1)
    while low < high:
        middle = (low + high) // 2
        if rounds(orders, middle) <= most_rounds:
            high = middle
        else:
            low = middle + 1
    return low
