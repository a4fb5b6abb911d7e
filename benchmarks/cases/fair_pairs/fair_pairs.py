"""Who plays whom in each round when everybody meets everybody once."""

from __future__ import annotations

REST = "-"


def rounds(players: list[str]) -> list[list[tuple[str, str]]]:
    """The pairs of each round. With an odd number, one rests in each (and is not listed)."""
    circle = list(players) if len(players) % 2 == 0 else [*players, REST]
    half = len(circle) // 2
    plan: list[list[tuple[str, str]]] = []
    for _ in range(len(circle) - 1):
        pairs = [(circle[i], circle[-1 - i]) for i in range(half)]
        plan.append([pair for pair in pairs if REST not in pair])
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return plan


def rests(players: list[str]) -> list[str]:
    """Who rests, round by round."""
    if len(players) % 2 == 0:
        return []
    return [next(p for p in players if all(p not in pair for pair in pairs)) for pairs in rounds(players)]
