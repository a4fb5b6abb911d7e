"""The price of going on where a run stopped: the tiers that could still be asked, and what would have to be
otherwise for one of them to pay. Pure functions of the state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from agent.errors import UsageError
from agent.forecast import estimates
from agent.options import exhausted, options
from agent.settings import REPAIR
from agent.state import State
from agent.task import Record
from agent.tiers.models import PRESETS, model_settings, prior_of
from policies.decide import MarginalPolicy
from policies.vocabulary import ActionClass, Candidate, Decision, Limits, Outcome, Step, StepKind

MOST_DOUBLED = 10
"""How often V, or what is lacking of a limit, is doubled: more than 1,000 times is of no use to a person."""

HALVINGS = 5
"""After which a value of V is known to 2 %."""


class TierLeft(Record):
    """A tier that could be asked for a patch. configured: it is on the ladder; key: the variable that would
    put it there, where it is not. dollars, seconds: expected of its next attempt; chance: P(that is right);
    net: of it, over stopping, at the prices of the run; refused: which limit it would break, or ""."""

    tier: str
    configured: bool = True
    key: str = ""
    dollars: float
    seconds: float
    chance: float
    net: float
    refused: str = ""


class GoingOn(Record):
    """What it would take to go on. tiers: those that have something left to try, the cheapest first. done:
    those that have not, and why. value: V from which on it would pay, None where it does not at any that was
    looked at; more_dollars, more_seconds: that lack of a limit, where one alone stopped it. step: what would
    be done then, with its chance and expected dollars; net: of that, over stopping; right: by how much P(a
    right patch is delivered) rises by going on."""

    tiers: tuple[TierLeft, ...] = ()
    done: tuple[str, ...] = ()
    value: float | None = None
    more_dollars: float = 0.0
    more_seconds: float = 0.0
    step: str = ""
    chance: float = 0.0
    dollars: float = 0.0
    net: float = 0.0
    right: float = 0.0


def going_on(state: State) -> GoingOn:
    """What it would take from this state, in which the run has ended."""
    tiers = tuple(sorted(_tiers(state), key=lambda each: (not each.configured, each.dollars)))
    found = GoingOn(tiers=tiers, done=tuple(_done(state)))
    if state.ended is Outcome.LIMIT:
        return _within_more(state, found)
    return found if state.ended is Outcome.FLAKY else _worth_more(state, found)


def decided(state: State) -> Decision:
    """The plan's decision in this state, whatever policy the run had."""
    settings = state.settings
    policy = MarginalPolicy(state.schedule, shadow_prices=False)
    return policy.decide(
        state.belief, options(state), estimates(state), state.prices, state.left, settings.delivery
    )


def next_step(decision: Decision) -> Candidate | None:
    """The row of the step with which it would go on; None where it stops or hands over."""
    step = decision.chosen
    if step is None or step.kind is StepKind.DEFER:
        return None
    return next(row for row in decision.candidates if row.step == step)


def at_value(state: State, value: float) -> State:
    """The state if the task were worth so much."""
    prices = replace(state.settings.prices, value=value)
    update = {"prices": prices, "values": (), "value_caps": ()}
    return replace(state, settings=state.settings.model_copy(update=update))


def _worth_more(state: State, found: GoingOn) -> GoingOn:
    """From which V on it would go on; unsaid where it would by its own (another policy stopped it)."""
    if next_step(decided(state)) is not None:
        return found
    low = high = state.prices.value
    row = None
    for _ in range(MOST_DOUBLED):
        low, high = high, 2 * high
        if (row := next_step(decided(at_value(state, high)))) is not None:
            break
    if row is None or not high:
        return found
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        if (at := next_step(decided(at_value(state, middle)))) is None:
            low = middle
        else:
            high, row = middle, at
    return _then(found, row, high).model_copy(update={"value": high})


def _within_more(state: State, found: GoingOn) -> GoingOn:
    """How much more of which limit it would take."""
    for name, unit in (
        ("more_dollars", Limits(dollars=1.0, seconds=0.0)),
        ("more_seconds", Limits(0.0, 1.0)),
    ):
        low, high = 0.0, _lacking(state, name)
        row = next_step(decided(_with_more(state, unit, high)))
        for _ in range(MOST_DOUBLED):
            if row is not None:
                break
            low, high = high, 2 * high
            row = next_step(decided(_with_more(state, unit, high)))
        if row is None:
            continue
        for _ in range(HALVINGS if low else 0):
            middle = (low + high) / 2
            if (at := next_step(decided(_with_more(state, unit, middle)))) is None:
                low = middle
            else:
                high, row = middle, at
        return _then(found, row, state.prices.value).model_copy(update={name: high})
    return found


def _lacking(state: State, name: str) -> float:
    """What the least of the refused steps lacks, at least a cent or a second."""
    rows = [row.quote for row in state.decision.candidates if row.refused] if state.decision else []
    if name == "more_dollars":
        return min((max(0.01, q.worst_dollars - state.left.dollars) for q in rows), default=0.01)
    return min((max(1.0, q.seconds - state.left.seconds) for q in rows), default=1.0)


def _with_more(state: State, unit: Limits, many: float) -> State:
    limits = state.settings.limits
    more = Limits(limits.dollars + many * unit.dollars, limits.seconds + many * unit.seconds, limits.loss)
    return replace(state, settings=state.settings.model_copy(update={"limits": more}))


def _then(found: GoingOn, row: Candidate, value: float) -> GoingOn:
    quote = row.quote
    return found.model_copy(
        update={
            "step": row.step.name,
            "chance": quote.probability,
            "dollars": quote.dollars,
            "net": row.net,
            "right": max(0.0, quote.gain.value / value) if value else 0.0,
        }
    )


def _tiers(state: State) -> Iterator[TierLeft]:
    """Those on the ladder as the last table has them; of the models that ship, those that would be there with
    a key, where there is no model."""
    for row in state.decision.candidates if state.decision else ():
        if row.step.kind is StepKind.ACT:
            yield _left(row)
    if not state.belief.preparations and all(tier.name == REPAIR for tier in state.settings.tiers):
        yield from _unconfigured(state)


def _unconfigured(state: State) -> Iterator[TierLeft]:
    settings, known = state.settings, estimates(state)
    policy = MarginalPolicy(state.schedule, shadow_prices=False)
    for key, presets in PRESETS.items():
        for preset in presets:
            try:
                tier = prior_of(preset, model_settings(preset))
            except UsageError:  # a model whose price this installation does not know
                continue
            expected = replace(known, tiers=(*known.tiers, tier))
            step = Step(StepKind.ACT, ActionClass.DRAFT, tier=tier.name)
            offered = (*options(state), step)
            table = policy.decide(
                state.belief, offered, expected, state.prices, state.left, settings.delivery
            )
            row = next(each for each in table.candidates if each.step == step)
            yield _left(row).model_copy(update={"configured": False, "key": key})


def _left(row: Candidate) -> TierLeft:
    return TierLeft(
        tier=row.step.tier or "",
        dollars=row.quote.dollars,
        seconds=row.quote.seconds,
        chance=row.quote.probability,
        net=row.net,
        refused=row.refused,
    )


def _done(state: State) -> Iterator[str]:
    for tier in state.settings.tiers:
        if tier.name in state.gone:
            yield f"{tier.name} cannot be asked: {state.gone[tier.name].message}"
        elif not state.suits(tier.name):
            yield f"{tier.name} can do nothing for what {state.runner} runs"
        elif exhausted(state, tier.name, tier.attempts):
            yield f"{tier.name} has nothing left to try"
