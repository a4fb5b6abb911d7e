"""High and low waters out of the readings of a gauge."""

from __future__ import annotations


def turning_points(levels: list[float]) -> list[tuple[int, str]]:
    """Positions where the water turns; of a level stretch, its first reading. The ends never count."""
    points: list[tuple[int, str]] = []
    rising: bool | None = None
    turn = 0
    for position in range(1, len(levels)):
        change = levels[position] - levels[position - 1]
        if change == 0:
            continue
        if rising is not None and rising != (change > 0):
            points.append((turn, "high" if rising else "low"))
        rising = change > 0
        turn = position
    return points


def tidal_range(levels: list[float]) -> float:
    """The largest difference between two waters that follow each other."""
    turns = [levels[position] for position, _ in turning_points(levels)]
    return max((abs(turns[i + 1] - turns[i]) for i in range(len(turns) - 1)), default=0.0)
