"""Overall results of a regatta: points are places, and the worst races of each boat do not count."""

from __future__ import annotations


def races_dropped(races: int) -> int:
    """One from four races on, two from eight."""
    return races // 4 if races < 8 else 2


def points(places: list[int | None], boats: int) -> int:
    """Low is good; not to finish (None) costs one more than there are boats."""
    each = sorted(boats + 1 if place is None else place for place in places)
    return sum(each[: len(each) - races_dropped(len(each))])


def results(boats: dict[str, list[int | None]]) -> list[tuple[str, int]]:
    """Boats with the fewest points first; a tie goes to more first places, then to the last race."""
    worst = len(boats) + 1
    totals = {boat: points(places, len(boats)) for boat, places in boats.items()}

    def rank(boat: str) -> tuple[int, int, int, str]:
        places = boats[boat]
        last = places[-1] if places and places[-1] is not None else worst
        return totals[boat], -places.count(1), last, boat

    return [(boat, totals[boat]) for boat in sorted(boats, key=rank)]
