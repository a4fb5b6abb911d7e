"""Load cars onto a ferry: each drives into the lane with the most room left, in the order they queue."""

from __future__ import annotations

GAP = 40


def load(lanes: list[int], cars: list[tuple[str, int]]) -> tuple[list[list[str]], list[str]]:
    """The cars of each lane, and those left on the quay. Lengths in cm, with a gap behind every car."""
    room = list(lanes)
    loaded: list[list[str]] = [[] for _ in lanes]
    left: list[str] = []
    for plate, length in cars:
        lane = max(range(len(room)), key=lambda lane: room[lane])
        if room[lane] < length:
            left.append(plate)
            continue
        room[lane] -= length + GAP
        loaded[lane].append(plate)
    return loaded, left


def fill(lanes: list[int], cars: list[tuple[str, int]]) -> float:
    """The share of the deck's length that stands under cars."""
    _, left = load(lanes, cars)
    aboard = sum(length for plate, length in cars if plate not in left)
    return aboard / sum(lanes)
