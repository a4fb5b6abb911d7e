"""Many tasks under common limits, such as a CI run: what a dollar, a worker's second and a wait then cost.

Source: economics.md §1, Prices and limits. Working time and waiting time are kept apart: working occupies one
of the workers, which the deadline makes scarce; waiting (a queue, a rate limit, a person's review) costs λ to
whoever waits and occupies nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from policies.shadow import NOTHING, Allocation, Array, Choice, allocate
from policies.vocabulary import Limits, Prices


@dataclass(frozen=True, eq=False)
class Offers:
    """What every task may be done with, expected, as arrays [task, option]; doing nothing is always possible.

    gain: G in dollars, -inf where there is no such option. dollars: ΔC. working: seconds that occupy a
    worker. waiting: seconds that occupy nobody. loss, irreversible_loss: ΔR and ΔR_irr in loss units.
    """

    gain: Array
    dollars: Array
    working: Array
    waiting: Array
    loss: Array
    irreversible_loss: Array

    def net(self, prices: Prices) -> Array:
        """MTA eq. 1 for every option, dollars, before any common limit."""
        return np.asarray(
            self.gain
            - self.dollars
            - prices.latency * (self.working + self.waiting)
            - prices.risk * self.loss
            - prices.irreversible * self.irreversible_loss
        )


@dataclass(frozen=True, eq=False)
class Shared:
    """An allocation of common limits, and what their duals make of the given prices.

    deadline: dW/dDeadline, dollars per second by which it is put off: (number of workers)·μ_L.
    standstill: dollars per second in which every worker and every task taken waits: its λ for each of them,
    and a second less until the deadline.
    ends_by: seconds until the last task ends at the latest, in any order of work in which no worker is idle
    while a task is ready: the longest working + waiting + (work of all others)/workers. It is more than the
    deadline when tasks are long; keep that much back from the deadline to be sure.
    """

    allocation: Allocation
    given: Prices
    deadline: float
    standstill: float
    ends_by: float

    @property
    def dollar(self) -> float:
        """1 + μ_C: what spending a dollar costs."""
        return 1.0 + self.allocation.duals[0]

    @property
    def working(self) -> float:
        """λ + μ_L: dollars per second of a worker, whether it works or a wait holds it."""
        return self.given.latency + self.allocation.duals[1]

    @property
    def waiting(self) -> float:
        """λ: dollars per second of waiting that holds no worker."""
        return self.given.latency

    @property
    def risk(self) -> float:
        """ρ + μ_R: dollars per loss unit."""
        return self.given.risk + self.allocation.duals[2]

    @property
    def raised(self) -> Prices:
        """The prices under which a task that decides alone does what the common limits ask for.

        net = G - (1+μ_C)·ΔC - (λ+μ_L)·ΔL - (ρ+μ_R)·ΔR - ρ_irr·ΔR_irr, divided by 1+μ_C so that a dollar
        spent counts as one again; that changes no choice and no sign. Attention counts as dollars spent, and
        every second as working.
        """
        return replace(
            self.given,
            value=self.given.value / self.dollar,
            latency=self.working / self.dollar,
            risk=self.risk / self.dollar,
            irreversible=self.given.irreversible / self.dollar,
        )


def share(offers: Offers, prices: Prices, limits: Limits, workers: int = 1) -> Shared:
    """Common limits shared among tasks: dollars and loss of all together, and a deadline for `workers`.

    limits.seconds is the deadline: at most workers·deadline seconds of working, and no option that takes
    longer than the deadline itself, waiting included. Prices and allocation hold in expectation; the ledger
    still holds every step to what is left at its worst case.
    Raises ValueError for fewer than one worker, and as `shadow.allocate` does.
    """
    if workers < 1:
        raise ValueError(f"a deadline needs at least one worker, not {workers}")
    net = np.where(offers.working + offers.waiting <= limits.seconds, offers.net(prices), -np.inf)
    use = np.stack((offers.dollars, offers.working, offers.loss), axis=2)
    allocation = allocate(net, use, (limits.dollars, workers * limits.seconds, limits.loss))
    deadline = workers * allocation.duals[1]
    taken = int((allocation.choice != NOTHING).sum())
    return Shared(
        allocation=allocation,
        given=prices,
        deadline=deadline,
        standstill=prices.latency * taken + deadline,
        ends_by=_ends_by(offers, allocation.choice, workers),
    )


def _ends_by(offers: Offers, choice: Choice, workers: int) -> float:
    """Whenever a task is ready and does not run, all workers are busy with others; so it loses at most the
    work of the others divided among the workers."""
    tasks = np.flatnonzero(choice != NOTHING)
    working, waiting = (seconds[tasks, choice[tasks]] for seconds in (offers.working, offers.waiting))
    ends = working + waiting + (working.sum() - working) / workers
    return float(ends.max(initial=0.0))
