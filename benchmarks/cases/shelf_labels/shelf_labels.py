"""Labels for the shelves of a store room."""

from __future__ import annotations


def shelf_code(aisle: int, rack: int, level: int) -> str:
    return f"{aisle:02}-{rack:02}-{'ABCDEFGH'[level]}"


def label(aisle: int, rack: int, level: int, goods: str = "") -> str:
    """Code, and below it what lies there, cut to the width of a label."""
    code = shelf_code(aisle, rack, level)
    if not goods:
        return f"[{code}] free"
    text = goods if len(goods) <= 16 else goods[:15] + "."
    return f"[{code}] {text}"


def labels(aisle: int, racks: int, levels: int) -> list[str]:
    return [label(aisle, rack, level) for rack in range(1, racks + 1) for level in range(levels)]
