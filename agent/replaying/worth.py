"""What a run came to beside what another choice would have: both at the same prices, in the same terms.

The terms are those of the plan's own model (`policies.outlook`): V counts with the chance that the patch is
right, a share of it where one is handed to a person; less money, priced seconds, priced expected loss and
attention. So a figure here is not that of an audit, which knows whether a fix was verified.
"""

from __future__ import annotations

from agent.deliver import confirmed
from agent.forecast import estimates
from agent.state import State
from agent.task import Record, Settings
from policies.autonomy import Confirmation
from policies.belief import hand_right
from policies.outlook import Range
from policies.vocabulary import Bill, Outcome


class Footing(Record):
    """Net dollars at the other prices: of all of a run, and of what follows where both part (of all of it,
    where they part nowhere). A range only as far as it is expected, and not known."""

    from_there: Range
    in_all: Range


class Compared(Record):
    """Both on one footing. before: dollars, at the other prices, of all that was taken until they part; it is
    in `in_all`, not in `from_there`. None: no end is recorded. handed_share: the part of V that a right patch
    counts with where it is handed to a person."""

    before: float
    recorded: Footing | None
    other: Footing | None
    handed_share: float


def compared(
    before: float, recorded: Range | float | None, other: Range | float | None, handed_share: float
) -> Compared:
    """Of a recorded run and a branch that come to this in all, `before` taken until they part."""
    return Compared(
        before=before,
        recorded=_footing(recorded, before),
        other=_footing(other, before),
        handed_share=handed_share,
    )


def _footing(net: Range | float | None, before: float) -> Footing | None:
    if net is None:
        return None
    all_of_it = Range(net, net, net) if isinstance(net, float) else net
    return Footing(from_there=shifted(all_of_it, before), in_all=all_of_it)


def shifted(amounts: Range, by: float) -> Range:
    """The same range, `by` dollars higher."""
    return Range(amounts.mean + by, amounts.low + by, amounts.high + by)


def priced(bill: Bill, settings: Settings) -> float:
    """Dollars of a bill: money + λ·seconds + (ρ + ρ_irr·share)·loss (MTA eq. 1)."""
    prices = settings.prices
    risk = settings.schedule.risks.of(settings.delivery).price(prices) * bill.loss
    return bill.dollars + prices.latency * bill.seconds + risk


def worth(state: State) -> float | None:
    """What a run came to in all at the prices of its settings, dollars; None where no end is recorded."""
    if state.ended is None:
        return None
    settings, right = state.settings, right_of(state) or 0.0
    value = people = 0.0
    if state.ended is Outcome.FIXED:
        value = state.prices.value * right
        people = state.schedule.attention_of(_confirmed(state), settings.delivery)
    elif state.ended is Outcome.DEFERRED:
        value = state.prices.value * estimates(state).defer_share * right
        people = settings.schedule.attention.glance
    spent = Bill(state.booked, state.spent.seconds, state.spent.loss)
    return value - people - priced(spent, settings)


def right_of(state: State) -> float | None:
    """P(the patch that was handed out is right); None where none was."""
    verified = state.submission is not None and state.submission.verified
    if not verified and state.deferral is None:
        return None
    return hand_right(state.belief, estimates(state), verified=verified)


def _confirmed(state: State) -> Confirmation:
    """How far people confirmed what was delivered. Traces before schema 3 do not say it: then to ask for a
    commit was to confirm it."""
    if state.answer is not None and state.answer.yes:
        return Confirmation.CONFIRM
    if state.submission is not None and state.submission.confirmed is not None:
        return state.submission.confirmed
    return confirmed(state)
