"""How hard limits bind inside the lookahead: what a step may take, what is kept back, what is ample."""

from __future__ import annotations

import math

from policies.amounts import show_apart
from policies.estimates import Estimates, FinalEstimate
from policies.vocabulary import UNLIMITED, Limits

SIGNIFICANT_DIGITS = 3
"""What is left of a limit is rounded down to so many digits inside the lookahead, so that states meet."""


def reserve(final: FinalEstimate, seconds_left: float) -> float:
    """Seconds kept for the final verification: its cap, but at most half of what is left, so that one
    generous cap does not block everything; never less than it is expected to take."""
    return max(final.seconds, min(final.worst_seconds, seconds_left / 2))


def least_left(final: FinalEstimate, seconds: float) -> float:
    """The least seconds left with which a step expected to take `seconds` fits before the final verification:
    seconds_left - reserve(final, seconds_left) >= seconds from there on."""
    return max(seconds + final.seconds, min(seconds + final.worst_seconds, 2 * seconds))


def room(
    dollars_left: float, seconds_left: float, worst_dollars: float, seconds: float, cap: float
) -> tuple[float, str]:
    """A step's time limit min(cap, seconds_left), and why it is refused, "" if it fits.

    Less time than the step is expected to take is not worth a start.
    """
    if worst_dollars > dollars_left:
        return cap, "may cost {} and {} are left".format(*show_apart(worst_dollars, dollars_left))
    if seconds_left < seconds:
        return cap, f"takes about {seconds:.3g} s and {max(0.0, seconds_left):.3g} s are left for it"
    return min(cap, seconds_left), ""


def round_down(amount: float, digits: int | None) -> float:
    """`amount`, at least 0, rounded down to `digits` significant digits (None: as it is)."""
    if digits is None or amount <= 0 or amount == UNLIMITED:
        return max(0.0, amount)
    unit = 10.0 ** (math.floor(math.log10(amount)) + 1 - digits)
    return math.floor(amount / unit + 1e-6) * unit


class Ample:
    """Dollars and seconds beyond which no limit can bind any more."""

    def __init__(self, estimates: Estimates) -> None:
        tiers, checks, final = estimates.tiers, estimates.checks, estimates.final
        planners = [tier for tier in tiers if tier.can_plan]
        self._attempt = Limits(
            max((t.dollars + t.switch_dollars for t in tiers), default=0.0)
            + sum(c.most * c.dollars for c in checks),
            max((t.seconds for t in tiers), default=0.0)
            + sum(c.most * c.seconds for c in checks)
            + final.seconds,
        )
        worst_dollars = [t.worst_dollars for t in tiers] + [c.worst_dollars for c in checks]
        worst_dollars += [t.plan_worst_dollars + t.switch_dollars for t in planners]
        self._once = Limits(
            max((t.plan_dollars + t.switch_dollars for t in planners), default=0.0)
            + max(worst_dollars, default=0.0),
            max((t.plan_seconds for t in planners), default=0.0)
            + sum(read.seconds for read in estimates.reads)
            + final.worst_seconds,
        )
        self._known: dict[tuple[int, bool], Limits] = {}
        self._preparing = sum(preparation.seconds for preparation in estimates.preparations)

    def limits(self, attempts: int, preparations: int) -> Limits:
        """Everything that could still be used at its expected cost, and the worst case of one more step, with
        so many attempts and preparations to go. One attempt more is counted for the candidate in hand."""
        key = (attempts, preparations > 0)
        if key not in self._known:
            self._known[key] = Limits(
                (attempts + 1) * self._attempt.dollars + self._once.dollars,
                (attempts + 1) * self._attempt.seconds
                + self._once.seconds
                + (self._preparing if preparations else 0.0),
            )
        return self._known[key]
