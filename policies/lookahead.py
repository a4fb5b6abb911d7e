"""W(b): the expected worth of going on optimally, by an exact dynamic programme with stopping everywhere.

    W(b) = max(0, max over moves of own(move) + Σ p·W(b'))
    own(move) = V·right - ΔC - λ·ΔL - ρ·ΔR - ρ_irr·ΔR_irr - H                                  (MTA eq. 1)

The recursion is lazy and memoised over reachable states (`policies.progress.State`); difficulty is integrated
over its grid in `policies.posterior`. Going along the plan is a look-up.

What is approximated, and the README of this package says what it loses:
- a candidate that is put down without having failed a check counts as failed;
- what is left of a limit is rounded down and charged at expected cost (dollars to three digits, seconds in
  `policies.timed`); the step decided next is held to what is really left, at its worst case;
- reads and plans are not planned with a candidate in hand (it is put down first);
- sampling tiers make at most `Estimates.attempts` attempts together;
- the power of checks and the rate of overfitting do not depend on difficulty.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from policies.autonomy import delivery_terms
from policies.moves import Model, Move
from policies.progress import State
from policies.vocabulary import UNLIMITED, Prices


class Parts(NamedTuple):
    """What the future holds, in expectation: P(right patch delivered), weighted by the share of V it brings;
    dollars; seconds; loss and irreversible loss in loss units; attention in dollars."""

    right: float = 0.0
    dollars: float = 0.0
    seconds: float = 0.0
    loss: float = 0.0
    irreversible: float = 0.0
    attention: float = 0.0

    def plus(self, other: Parts, probability: float = 1.0) -> Parts:
        """Self + probability · other."""
        return Parts(
            self.right + probability * other.right,
            self.dollars + probability * other.dollars,
            self.seconds + probability * other.seconds,
            self.loss + probability * other.loss,
            self.irreversible + probability * other.irreversible,
            self.attention + probability * other.attention,
        )

    def worth(self, prices: Prices) -> float:
        """V·right less every priced cost, in dollars."""
        return (
            prices.value * self.right
            - self.dollars
            - self.attention
            - prices.latency * self.seconds
            - prices.risk * self.loss
            - prices.irreversible * self.irreversible
        )


NOTHING = Parts()


def own(move: Move) -> Parts:
    """A move's own part, without where it leads."""
    return Parts(move.right, move.dollars, move.seconds, move.loss, move.irreversible, move.attention)


class Lookahead(Protocol):
    """What the rule asks of a plan: what comes after a move, in expectation."""

    @property
    def model(self) -> Model:
        """The task that is planned."""
        ...

    def start(self, state: State) -> None:
        """Plan from `state` on."""
        ...

    def later_parts(self, move: Move) -> Parts:
        """E[W(b') | move] in its parts."""
        ...


class Programme:
    """W over the states of one model, exactly."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._best: dict[State, tuple[float, Move | None]] = {}
        self._parts: dict[State, Parts] = {}
        self._bounds: dict[State, float] = {}
        verifying = model.prices.latency * model.estimates.final.seconds
        self._right, self._wrong = (
            delivered
            - verifying
            - delivery_terms(model.delivery, c, model.prices, model.schedule).price(model.prices)
            for c, delivered in ((1.0, model.prices.value), (0.0, 0.0))
        )

    def start(self, state: State) -> None:
        """Nothing to prepare: states are solved as they are met."""

    def worth(self, state: State) -> float:
        """W(state) in dollars; at least 0, as giving up is always possible."""
        return self._solve(state)[0]

    def best(self, state: State) -> Move | None:
        """The optimal move, None to give up."""
        return self._solve(state)[1]

    def parts(self, state: State) -> Parts:
        """W(state) in its parts, following the optimal moves."""
        if state not in self._parts:
            move = self.best(state)
            self._parts[state] = NOTHING if move is None else own(move).plus(self.later_parts(move))
        return self._parts[state]

    def later_parts(self, move: Move) -> Parts:
        """E[W(b') | move] in its parts."""
        total = NOTHING
        for probability, after in move.branches:
            total = total.plus(self.parts(after), probability)
        return total

    def _solve(self, state: State) -> tuple[float, Move | None]:
        known = self._best.get(state)
        if known is not None:
            return known
        best: tuple[float, Move | None] = (0.0, None)
        for bound, price, move in self._ranked(state):
            if bound <= best[0]:
                break  # no later one can be better
            worth = price
            for probability, after in move.branches:
                worth += probability * self._solve(after)[0]
            if worth > best[0]:
                best = (worth, move)
        self._best[state] = best
        return best

    # Branch and bound: exact, and most of the states are never visited.

    def _ranked(self, state: State) -> list[tuple[float, float, Move]]:
        """(upper bound of its worth, own price, move), the most promising first."""
        prices, ranked = self.model.prices, []
        for move in self.model.moves(state):
            price = own(move).worth(prices)
            bound = price
            for probability, after in move.branches:
                bound += probability * self._bound(after)
            ranked.append((bound, price, move))
        ranked.sort(key=lambda entry: -entry[0])
        return ranked

    def _bound(self, state: State) -> float:
        """An upper bound of W(state)."""
        if not state.unlimited:
            return self._solve(state._replace(dollars=UNLIMITED, seconds=UNLIMITED))[0]
        if state.hand is None:
            return self._solve(state)[0]
        return self._bound_with_hand(state)

    def _bound_with_hand(self, state: State) -> float:
        """As if every check and the final verification were free and done: what they catch goes on without
        the candidate, and the rest is submitted, deferred or put down at once."""
        if state not in self._bounds:
            going_on = self._solve(self.model.progress.dropped(state))[0]
            c, missed = self.model.hand_right(state), self.model.missed(state)
            caught = (1 - c) * (1 - missed) * going_on
            submitted = c * self._right + (1 - c) * missed * self._wrong
            deferred = c * self.model.estimates.defer_share * self.model.prices.value
            self._bounds[state] = max(going_on, caught + max(submitted, deferred))
        return self._bounds[state]
