"""Cut a bus line into stages, none of them longer than a driver may drive without a rest."""

from __future__ import annotations


def stages(legs: list[int], most: int) -> list[list[int]]:
    """Legs (minutes) grouped into stages, each filled as far as it goes before the next begins."""
    if not legs:
        return []
    if legs[0] > most:
        raise ValueError("one leg is longer than a driver may drive")
    taken, total = 0, 0
    while taken < len(legs) and total + legs[taken] <= most:
        total += legs[taken]
        taken += 1
    return [legs[:taken], *stages(legs[taken:], most)]


def drivers_needed(legs: list[int], most: int, shift_stages: int = 2) -> int:
    """A driver takes so many stages, then goes home."""
    return -(-len(stages(legs, most)) // shift_stages)
