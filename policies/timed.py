"""W under a deadline, for all seconds that may be left at once.

The programme of `policies.lookahead`, with what is left of the time as an axis: W of a state is a staircase
in it, whose steps are where one more move fits. A move shifts the staircases it leads to by its seconds, adds
them up, and the best move is taken in every place, a few array operations for all places together. So every
decision under the same estimates and prices, and the shadow price of the deadline, is a look-up.

Above what the plan without a deadline can need, that is the plan, and nothing else is worked out there.

What is approximated: the axis has one to two thousand points, and what is left is rounded down to one of them
wherever no candidate is in hand; not after a check, as states that hold a candidate have an axis of their
own, shifted by what the candidate has taken so far. W is never overstated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.limits import least_left
from policies.lookahead import NOTHING, Parts, Programme, own
from policies.moves import Model, Move
from policies.posterior import Vector
from policies.progress import State
from policies.vocabulary import UNLIMITED, Check, StepKind

POINTS = 2048
"""At most so many points, and more than half as many, are between no time and ample time."""

SLACK = 1e-9
"""Of the distance of two points: a rounding error of the machine is not rounded down to the point below."""

STOP = -1
"""In place of the number of a move: give up."""


class Stairs(NamedTuple):
    """W of one state at point k of the axis: with at least k · unit - phase seconds left.

    phase: seconds. worth: dollars, and chosen: the number of the best move or STOP, up to the point from
    which on the deadline does not bind. ample: W from there on.
    """

    phase: float
    worth: Vector
    chosen: NDArray[np.int16]
    ample: float
    moves: tuple[Move, ...]


class TimedProgramme(Programme):
    """The plan of a small task. Nothing depends on the order in which states are asked for."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        # A power of two, of which whole seconds, halves and quarters are multiples.
        self._unit = 2.0 ** math.ceil(math.log2(max(model.ample_seconds, 1e-6) / POINTS))
        self._needs: dict[State, float] = {}
        self._stairs: dict[State, Stairs] = {}
        self._parts_at: dict[tuple[State, int], Parts] = {}

    def worth(self, state: State) -> float:
        """W(state) in dollars; at least 0."""
        return self.parts(state).worth(self.model.prices)

    def parts(self, state: State) -> Parts:
        """W(state) in its parts, following the plan."""
        free = state._replace(seconds=UNLIMITED)
        if state.seconds == UNLIMITED or state.seconds >= self._need(free):
            return super().parts(free)
        left = max(0.0, state.seconds) + self._phase(free)
        return self._follow(free, math.floor(left / self._unit + SLACK))

    # States below are without a deadline: what is left of the time is the place in their stairs.

    def _follow(self, state: State, point: int) -> Parts:
        stairs = self._climbed(state)
        if point >= len(stairs.chosen):
            return super().parts(state)
        number = stairs.chosen[point]
        if number == STOP:
            return NOTHING
        key = (state, point)
        if key not in self._parts_at:
            move = stairs.moves[number]
            total = own(move)
            for probability, after in move.branches:
                then = self._climbed(after)
                total = total.plus(
                    self._follow(after, point + self._shift(stairs.phase, move, then)), probability
                )
            self._parts_at[key] = total
        return self._parts_at[key]

    def _climbed(self, state: State) -> Stairs:
        known = self._stairs.get(state)
        if known is not None:
            return known
        phase, ranked = self._phase(state), self._ranked(state)
        end = self._point(self._need(state) + phase)
        worth, chosen = np.zeros(end), np.full(end, STOP, dtype=np.int16)
        for number, (bound, price, move) in enumerate(ranked):
            begin = self._point(self._least(state, move) + phase)
            if begin >= end or bound <= worth[begin]:
                continue
            bound = price + sum(p * self._solve(after)[0] for p, after in move.branches)
            stop = begin + int(worth[begin:].searchsorted(bound))  # it cannot be better from there on
            if stop == begin:
                continue
            total = np.full(stop - begin, price)
            for probability, after in move.branches:
                then = self._climbed(after)
                first = begin + self._shift(phase, move, then)
                binding = max(0, len(then.worth) - first)
                total[:binding] += probability * then.worth[first : first + len(total)]
                total[binding:] += probability * then.ample
            so_far = worth[begin:stop]
            np.putmask(chosen[begin:stop], total > so_far, number)
            np.maximum(so_far, total, out=so_far)
        stairs = Stairs(phase, worth, chosen, self._solve(state)[0], tuple(move for *_, move in ranked))
        self._stairs[state] = stairs
        return stairs

    def _need(self, state: State) -> float:
        """Seconds with which no move of the plan without a deadline can be refused."""
        known = self._needs.get(state)
        if known is None:
            move, known = self.best(state), 0.0
            if move is not None:
                later = [move.seconds + self._need(after) for _, after in move.branches]
                known = max(self._least(state, move), *later, 0.0)
            self._needs[state] = known
        return known

    def _least(self, state: State, move: Move) -> float:
        """Seconds that have to be left for the move: `Model` refuses it with less."""
        if move.kind is None or move.kind is StepKind.DEFER:
            return 0.0
        if move.kind is StepKind.SUBMIT or state.preparations:
            return move.seconds
        return least_left(self.model.estimates.final, move.seconds)

    def _phase(self, state: State) -> float:
        """Seconds that the candidate in hand has taken so far, as far as its record tells."""
        hand, estimates = state.hand, self.model.estimates
        if hand is None:
            return 0.0
        seconds = estimates.tier(hand.tier).seconds
        for check in hand.passed | hand.failed:
            times = hand.repeats if check is Check.REPEAT else 1
            seconds += times * estimates.check(check).seconds
        return seconds

    def _point(self, seconds: float) -> int:
        """The first point at which so many seconds are left."""
        return math.ceil(seconds / self._unit - SLACK)

    def _shift(self, phase: float, move: Move, then: Stairs) -> int:
        """From a point before the move to that after it."""
        return math.floor((then.phase - phase - move.seconds) / self._unit + SLACK)
