"""Read and follow the orders of a floor robot: "3F L 12B" is three forward, turn left, twelve back."""

from __future__ import annotations

LEFT = {"N": "W", "W": "S", "S": "E", "E": "N"}
RIGHT = {before: after for after, before in LEFT.items()}
STEPS = {"N": (0, 1), "E": (1, 0), "S": (0, -1), "W": (-1, 0)}


def read(orders: str) -> list[tuple[str, int]]:
    """Each order and how often; raises ValueError at what is no order."""
    found: list[tuple[str, int]] = []
    position = 0
    while position < len(orders):
        if orders[position] == " ":
            position += 1
            continue
        start = position
        while position < len(orders) and orders[position].isdigit():
            position += 1
        if position == len(orders) or orders[position] not in "FBLR":
            raise ValueError(f"no order at {position}")
        found.append((orders[position], int(orders[start:position] or 1)))
        position += 1
    return found


def follow(orders: str) -> tuple[int, int, str]:
    """Where the robot stands and faces in the end; it starts at 0, 0 facing north."""
    x, y, facing = 0, 0, "N"
    for order, times in read(orders):
        for _ in range(times):
            if order in "LR":
                facing = LEFT[facing] if order == "L" else RIGHT[facing]
                continue
            sign = 1 if order == "F" else -1
            x += sign * STEPS[facing][0]
            y += sign * STEPS[facing][1]
    return x, y, facing
