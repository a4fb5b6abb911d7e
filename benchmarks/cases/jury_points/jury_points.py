"""Places in a baking contest: points of a jury, without each cake's highest and lowest."""

from __future__ import annotations


def counted(points: list[int]) -> list[int]:
    """What is left without the extremes; of three or fewer, all count."""
    if len(points) <= 3:
        return points
    return sorted(points)[1:-1]


def places(cakes: dict[str, list[int]]) -> list[tuple[int, str]]:
    """Place and cake; cakes with the same sum share a place, and the next place is left out."""
    sums = {cake: sum(counted(points)) for cake, points in cakes.items()}
    ranked = sorted(sums, key=lambda cake: (-sums[cake], cake))
    result: list[tuple[int, str]] = []
    for position, cake in enumerate(ranked, start=1):
        if result and sums[result[-1][1]] == sums[cake]:
            result.append((result[-1][0], cake))
        else:
            result.append((position, cake))
    return result
