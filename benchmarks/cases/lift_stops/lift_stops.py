"""The order in which a lift serves the floors at which somebody waits."""

from __future__ import annotations


def stops(floor: int, upwards: bool, calls: set[int]) -> list[int]:
    """Floors in the order served: on in the direction it runs, back when nobody waits further on."""
    waiting = set(calls)
    order: list[int] = []
    while waiting:
        ahead = [call for call in waiting if (call >= floor if upwards else call <= floor)]
        if not ahead:
            upwards = not upwards
            continue
        floor = min(ahead) if upwards else max(ahead)
        order.append(floor)
        waiting.remove(floor)
    return order


def floors_travelled(floor: int, upwards: bool, calls: set[int]) -> int:
    total = 0
    for stop in stops(floor, upwards, calls):
        total += abs(stop - floor)
        floor = stop
    return total
