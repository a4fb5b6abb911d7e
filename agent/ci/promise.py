"""Which task of a job the next seconds and dollars are best spent on."""

from __future__ import annotations

from dataclasses import dataclass

from agent.loop import chosen_candidate, decide
from agent.state import State
from policies.decide import Policy
from policies.vocabulary import Limits

SHORTEST = 8.0
"""Seconds of the first horizon; each further one is twice as long."""


@dataclass(frozen=True)
class Horizon:
    """What a task promises within `seconds`: net in dollars, of which its first step takes `dollars`."""

    seconds: float
    net: float
    dollars: float

    def share(self, left: Limits) -> float:
        """Of what is left of the limits, what it takes: the sum of both shares."""
        of_dollars = self.dollars / left.dollars if left.dollars > 0 else 0.0
        return self.seconds / left.seconds + of_dollars


def horizons(state: State, policy: Policy, longest: float) -> tuple[Horizon, ...]:
    """What the policy expects of the task if it has 8, 16, 32, ... and `longest` seconds. Pure."""
    found, seconds = list[Horizon](), SHORTEST
    while True:
        seconds = min(seconds, longest)
        left = Limits(state.left.dollars, seconds, state.left.loss)
        decision = decide(state.within(left), policy)
        row = chosen_candidate(decision) if decision.chosen is not None else None
        found.append(Horizon(seconds, row.net if row else 0.0, row.quote.dollars if row else 0.0))
        if seconds >= longest:
            return tuple(found)
        seconds *= 2


def best(promised: tuple[Horizon, ...], left: Limits) -> tuple[float, Horizon]:
    """The horizon with the most net for its share of what is left, and that ratio: dollars for all of it.

    This is the index by which tasks that lose promise as they go on are interleaved (Gittins), with what is
    left of each limit as its unit (Toyoda's rule where several limits bind).
    """
    within_reach = [each for each in promised if each.seconds <= left.seconds] or list(promised[:1])
    rated = ((each.net / each.share(left), each) for each in within_reach)
    return max(rated, key=lambda pair: pair[0])
