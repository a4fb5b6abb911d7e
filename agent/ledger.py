"""Spend is reserved before and settled after; a hard limit is never exceeded, not by one call."""

from __future__ import annotations

from policies.vocabulary import Bill, Limits

_EPSILON = 1e-9  # a reservation equal to what is left, up to rounding, fits


class LimitExceeded(RuntimeError):
    """A reservation does not fit what is left of a limit; `limit` names it."""

    def __init__(self, limit: str, wanted: float, left: float) -> None:
        super().__init__(f"{limit}: {wanted:g} wanted, {left:g} left")
        self.limit = limit


class Ledger:
    """What was spent and what is reserved against the limits. Dollars, seconds, loss units.

    Seconds of a step end by its own time limit, so its reservation is that limit; small overruns of a kill
    are settled as they were and leave less for the next step.
    """

    def __init__(self, limits: Limits, spent: Bill) -> None:
        self.limits = limits
        self.spent = spent
        self.reserved = Bill()

    def fits(self, worst: Bill) -> bool:
        """Whether this could be set aside now."""
        try:
            self._check(worst)
        except LimitExceeded:
            return False
        return True

    def reserve(self, worst: Bill) -> None:
        """Set the worst case of one step aside. Raises LimitExceeded before anything is spent."""
        self._check(worst)
        self.reserved = _sum(self.reserved, worst)

    def overrun(self, more: Bill) -> None:
        """Set aside what was billed beyond a bound that did not hold, whatever is left: it is owed."""
        self.reserved = _sum(self.reserved, more)

    def settle(self, worst: Bill, bill: Bill) -> None:
        """Book what a reserved step really took. Raises ValueError if it took more money than reserved."""
        if bill.dollars > worst.dollars + _EPSILON:
            raise ValueError(f"a step billed ${bill.dollars} with ${worst.dollars} reserved")
        self.reserved = Bill(
            self.reserved.dollars - worst.dollars,
            self.reserved.seconds - worst.seconds,
            self.reserved.loss - worst.loss,
        )
        self.spent = _sum(self.spent, bill)

    def _check(self, worst: Bill) -> None:
        for name in ("dollars", "seconds", "loss"):
            taken = getattr(self.spent, name) + getattr(self.reserved, name)
            left = getattr(self.limits, name) - taken  # below 0 by rounding, or by a kill that took long
            wanted = getattr(worst, name)
            if wanted > 0 and wanted > left + _EPSILON:
                raise LimitExceeded(name, wanted, max(0.0, left))


def _sum(one: Bill, other: Bill) -> Bill:
    return Bill(one.dollars + other.dollars, one.seconds + other.seconds, one.loss + other.loss)
