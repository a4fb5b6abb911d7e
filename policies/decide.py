"""The decision: every possible step priced by MTA eq. 1, the best one chosen, or none.

    net_i = G_i - ΔC_i - λ·ΔL_i - ρ·ΔR_i - ρ_irr·ΔR_irr_i,    G_i = E[W(b')|i] - W_stop(b)

W comes from the lookahead; W_stop is the better of submitting, deferring and giving up at once. Submitting
and deferring are rows on the same footing: the better of them has net 0 plus what going on after a failed
final verification is worth. The policy is a pure function; it keeps what it solved, keyed by its inputs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeAlias

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.belief import Belief
from policies.estimates import Estimates
from policies.limits import reserve
from policies.lookahead import NOTHING, Lookahead, Parts, own
from policies.moves import Model, Move
from policies.posterior import Spent, telling
from policies.power import Flakiness
from policies.progress import check_size, failure_counts
from policies.reason import reason_for
from policies.tabled import TabledProgramme
from policies.timed import TimedProgramme
from policies.vocabulary import (
    UNLIMITED,
    ActionClass,
    Candidate,
    Check,
    Decision,
    Gain,
    Limits,
    Prices,
    Quote,
    Step,
    StepKind,
)

EPSILON = 1e-9
"""Dollars: a smaller gain is rounding error, and stopping wins ties."""

KEPT_PROGRAMMES = 8

EXACT_UP_TO = 100
"""Failure counts (per tier and knowledge) up to which a task is planned state by state, without tables."""

NUDGE = 0.1
"""Shadow prices are differences over at least a tenth of what is left: W is a staircase in a limit."""


_Key: TypeAlias = tuple[Estimates, Prices, ActionClass, tuple[Flakiness, ...], float, tuple[Spent, ...]]
"""Estimates, prices, delivery, how the targets went, loss units left, what failed attempts cost (where that
tells of the task)."""


class Policy(Protocol):
    """Chooses the next step. Pure: the same inputs give the same decision."""

    def decide(
        self,
        belief: Belief,
        options: tuple[Step, ...],
        estimates: Estimates,
        prices: Prices,
        limits_left: Limits,
        delivery: ActionClass,
    ) -> Decision:
        """The decision among `options`, the steps possible and allowed now."""
        ...


class Row(NamedTuple):
    """A step with its move, what it leads to, and its worth in dollars: own price + E[W(b')].

    A refused step leads nowhere and is worth -infinity.
    """

    step: Step
    move: Move
    later: Parts
    worth: float


class MarginalPolicy:
    """The rule of MTA eq. 1 with an exact lookahead.

    shadow_prices: report those of binding limits, which takes two more solves; without, they are 0.
    exact_up_to: failure counts up to which a task is planned state by state, in place of EXACT_UP_TO.
    """

    def __init__(
        self,
        schedule: Schedule = DEFAULT_SCHEDULE,
        *,
        shadow_prices: bool = True,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        self.schedule = schedule
        self._shadow_prices = shadow_prices
        self._exact_up_to = exact_up_to
        self._programmes: dict[_Key, Lookahead] = {}
        self._stricter: dict[Schedule, MarginalPolicy] = {}

    def under(self, schedule: Schedule) -> MarginalPolicy:
        """This policy under another schedule. Kept: a run has one or two."""
        if schedule not in self._stricter:
            self._stricter[schedule] = MarginalPolicy(
                schedule, shadow_prices=self._shadow_prices, exact_up_to=self._exact_up_to
            )
        return self._stricter[schedule]

    def decide(
        self,
        belief: Belief,
        options: tuple[Step, ...],
        estimates: Estimates,
        prices: Prices,
        limits_left: Limits,
        delivery: ActionClass,
    ) -> Decision:
        """Price every option and choose. Raises KeyError for a tier, check or subject without estimate, and
        ValueError for more tiers than can be planned together."""

        spending = telling(estimates, belief.spending)  # what tells nothing needs no plan of its own

        def planned(limits: Limits) -> Lookahead:
            key = (estimates, prices, delivery, belief.flakiness, limits.loss, spending)
            programme = self._programme(key)
            programme.start(programme.model.state(belief, limits))
            return programme

        def rows_under(limits: Limits) -> list[Row]:
            programme = planned(limits)
            return [_row(programme, belief, step, limits) for step in options]

        rows = rows_under(limits_left)
        unlimited = rows if limits_left == Limits() else rows_under(Limits())
        stop = _stop(rows, prices)
        candidates = tuple(
            _candidate(row, free, stop, prices) for row, free in zip(rows, unlimited, strict=True)
        )
        chosen, wanted = _choose(rows), _choose(unlimited)
        limit_binds = _worth(wanted) > _worth(chosen) + EPSILON
        limit_alone = limit_binds and (chosen is None or is_terminal(chosen.step))
        step = chosen.step if chosen else None
        reason = reason_for(step, candidates, limit_alone, limits_left)
        decision = Decision(step, candidates, reason, limit_alone)
        if wanted is None or not limit_binds or not self._shadow_prices:
            return decision  # complementary slackness: the shadow price of a slack limit is 0

        def slope(more: Limits, amount: float) -> float:
            programme, best = planned(more), _worth(chosen)
            for row in sorted(unlimited, key=lambda row: -row.worth):
                if row.worth <= best + EPSILON:
                    break  # nothing is worth more under limits than without
                best = max(best, _row(programme, belief, row.step, more).worth)
            return (best - _worth(chosen)) / amount

        dollars, seconds = _nudges(wanted.move, estimates, limits_left)
        return replace(
            decision,
            shadow_dollars=slope(replace(limits_left, dollars=limits_left.dollars + dollars), dollars),
            shadow_seconds=slope(replace(limits_left, seconds=limits_left.seconds + seconds), seconds),
        )

    def _programme(self, key: _Key) -> Lookahead:
        """Solved once per price vector; older programmes are forgotten."""
        if key not in self._programmes:
            if len(self._programmes) >= KEPT_PROGRAMMES:
                del self._programmes[next(iter(self._programmes))]
            check_size(key[0].tiers, key[0].attempts)
            large = failure_counts(key[0]) > self._exact_up_to
            model = Model(*key[:3], self.schedule, *key[3:], round_seconds=large)
            self._programmes[key] = TabledProgramme(model) if large else TimedProgramme(model)
        return self._programmes[key]


def is_terminal(step: Step) -> bool:
    """True for the steps that end the task."""
    return step.kind in (StepKind.SUBMIT, StepKind.DEFER)


def _row(programme: Lookahead, belief: Belief, step: Step, limits: Limits) -> Row:
    move = move_of(programme.model, belief, limits, step)
    if move.refused:
        return Row(step, move, NOTHING, -math.inf)
    later = programme.later_parts(move)
    return Row(step, move, later, own(move).plus(later).worth(programme.model.prices))


def move_of(model: Model, belief: Belief, limits: Limits, step: Step) -> Move:
    """What `step` would do at `belief` with exactly `limits` left. ValueError for one that makes no sense."""
    state, estimates = model.state(belief, limits), model.estimates
    if step.subject and step.subject in state.preparations[:1]:
        return model.prepare(state, estimates.preparation(step.subject))
    match step:
        case Step(kind=StepKind.READ, subject=subject):
            return model.read(state, estimates.read(subject))
        case Step(kind=StepKind.PLAN, tier=str(tier)):
            return model.plan(state, estimates.tier(tier))
        case Step(kind=StepKind.ACT, tier=str(tier)):
            return model.act(state, estimates.tier(tier))
        case Step(kind=StepKind.VERIFY, check=Check() as check):
            return model.verify(state, estimates.check(check))
        case Step(kind=StepKind.SUBMIT):
            return model.submit(state)
        case Step(kind=StepKind.DEFER):
            return model.defer(state)
    raise ValueError(f"{step.name} names no tier, check or preparation that is due")


def _stop(rows: list[Row], prices: Prices) -> Parts:
    """W_stop in its parts: submitting or deferring and nothing after it, or giving up."""
    endings = [own(row.move) for row in rows if is_terminal(row.step) and not row.move.refused]
    return max((NOTHING, *endings), key=lambda parts: parts.worth(prices))


def _candidate(row: Row, unlimited: Row, stop: Parts, prices: Prices) -> Candidate:
    """A row of the table; a refused step is shown as it would be without limits."""
    shown = unlimited if row.move.refused else row
    move = shown.move
    later = shown.later.plus(Parts(right=move.right))
    gain = Gain(
        total=later.worth(prices) - stop.worth(prices),
        value=prices.value * (later.right - stop.right),
        later_costs=_costs(stop, prices) - _costs(later, prices),
        later_losses=_losses(stop, prices) - _losses(later, prices),
    )
    quote = Quote(
        gain=gain,
        dollars=move.dollars,
        seconds=move.seconds,
        loss=move.loss,
        irreversible_loss=move.irreversible,
        attention=move.attention,
        worst_dollars=move.worst_dollars,
        worst_seconds=move.worst_seconds,
        probability=move.probability,
    )
    return Candidate(row.step, quote, quote.net(prices), row.move.refused)


def _costs(parts: Parts, prices: Prices) -> float:
    return parts.dollars + parts.attention + prices.latency * parts.seconds


def _losses(parts: Parts, prices: Prices) -> float:
    return prices.risk * parts.loss + prices.irreversible * parts.irreversible


def _choose(rows: list[Row]) -> Row | None:
    """i* = argmax net_i (MTA eq. 1). Stopping wins ties; None when nothing beats giving up."""
    chosen: Row | None = None
    for row in sorted(rows, key=lambda row: not is_terminal(row.step)):
        if row.worth > _worth(chosen) + EPSILON:
            chosen = row
    return chosen


def _worth(row: Row | None) -> float:
    return row.worth if row else 0.0


def _nudges(wanted: Move, estimates: Estimates, left: Limits) -> tuple[float, float]:
    """Dollars and seconds over which to take shadow prices: at least what the wanted step lacks, and enough
    for one more attempt of the cheapest and the quickest tier."""
    cheapest = min((t.worst_dollars for t in estimates.tiers if t.worst_dollars > 0), default=1.0)
    quickest = min((t.seconds for t in estimates.tiers if t.seconds > 0), default=1.0)
    lacking = wanted.seconds + reserve(estimates.final, UNLIMITED) - left.seconds
    return (
        _finite(max(NUDGE * left.dollars, wanted.worst_dollars - left.dollars, cheapest)),
        _finite(max(NUDGE * left.seconds, lacking, quickest)),
    )


def _finite(amount: float) -> float:
    """A limit that does not exist is nudged by 1 unit: its slope is 0."""
    return amount if math.isfinite(amount) else 1.0
