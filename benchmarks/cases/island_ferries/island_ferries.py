"""Which islands can be reached by ferry, and with how many crossings."""

from __future__ import annotations

from collections import deque


def crossings(lines: list[tuple[str, str]], start: str) -> dict[str, int]:
    """The fewest crossings to every island within reach. Ferries go both ways."""
    near: dict[str, list[str]] = {}
    for one, other in lines:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    needed = {start: 0}
    waiting = deque([start])
    while waiting:
        island = waiting.popleft()
        for other in near.get(island, []):
            if other in needed:
                continue
            needed[other] = needed[island] + 1
            waiting.append(other)
    return needed


def farthest(lines: list[tuple[str, str]], start: str) -> str:
    """The island with the most crossings; of several, the first by name."""
    needed = crossings(lines, start)
    return min(needed, key=lambda island: (-needed[island], island))
