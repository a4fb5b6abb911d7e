"""Share a harvest among the members of a cooperative by the hours each has worked."""

from __future__ import annotations


def shares(crates: int, hours: dict[str, int]) -> dict[str, int]:
    """Whole crates: first what is sure, then one each by the largest remainders; ties go by name."""
    total = sum(hours.values())
    if total == 0:
        raise ValueError("nobody has worked")
    sure = {name: crates * worked // total for name, worked in hours.items()}
    left = crates - sum(sure.values())
    by_remainder = sorted(hours, key=lambda name: (-(crates * hours[name] % total), name))
    for name in by_remainder[:left]:
        sure[name] += 1
    return sure


def largest_deviation(crates: int, hours: dict[str, int]) -> float:
    """By how much somebody gets more or less than by the exact share, at most."""
    total = sum(hours.values())
    given = shares(crates, hours)
    return max(abs(given[name] - crates * hours[name] / total) for name in hours)
