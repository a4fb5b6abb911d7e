"""Which task of a job the next seconds and dollars are best spent on."""

from __future__ import annotations

from dataclasses import dataclass

from agent.ahead import ahead
from agent.loop import chosen_candidate, decide
from agent.state import State
from policies.decide import Policy
from policies.vocabulary import Limits

SHORTEST = 8.0
"""Seconds of the first horizon; each further one is twice as long."""

LEAST_SECONDS = 0.1
"""That anything is expected to take: the ratio is one of something."""


@dataclass(frozen=True)
class Horizon:
    """What a task promises if it has `seconds` at most: net in dollars, and what it is expected to take of
    time and money until it ends or has them used up."""

    seconds: float
    net: float
    expected_seconds: float
    expected_dollars: float

    def share(self, left: Limits) -> float:
        """Of what is left of the limits, what it is expected to take: the sum of both shares."""
        of_dollars = self.expected_dollars / left.dollars if left.dollars > 0 else 0.0
        return max(self.expected_seconds, LEAST_SECONDS) / max(left.seconds, LEAST_SECONDS) + of_dollars


def horizons(state: State, policy: Policy, longest: float) -> tuple[Horizon, ...]:
    """What the policy expects of the task if it has 8, 16, 32, ... and `longest` seconds. Pure."""
    found, seconds = list[Horizon](), SHORTEST
    while True:
        seconds = min(seconds, longest)
        found.append(_horizon(state.within(Limits(state.left.dollars, seconds, state.left.loss)), policy))
        if seconds >= longest:
            return tuple(found)
        seconds *= 2


def _horizon(state: State, policy: Policy) -> Horizon:
    decision = decide(state, policy)
    if decision.chosen is None:
        return Horizon(state.left.seconds, 0.0, 0.0, 0.0)
    to_come = ahead(state, policy)
    net = chosen_candidate(decision).net
    return Horizon(state.left.seconds, net, to_come.seconds.mean, to_come.dollars.mean)


def best(promised: tuple[Horizon, ...], left: Limits) -> float:
    """The most net for its share of what is left, over all horizons: dollars for all of it.

    This is the index by which tasks that lose promise as they go on are interleaved (Gittins), with what is
    left of each limit as its unit (Toyoda's rule where several limits bind).
    """
    within_reach = [each for each in promised if each.seconds <= left.seconds] or promised[:1]
    return max(each.net / each.share(left) for each in within_reach)
