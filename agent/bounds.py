"""What a trace may say of numbers and sizes: it is of unknown origin, and audits add up what it says."""

from __future__ import annotations

from agent.autonomy.patterns import check_pattern
from agent.errors import TraceError
from agent.events import (
    ApprovalGiven,
    ApprovalRejected,
    ApprovalRequested,
    DeliveryApproved,
    Event,
    PatchesMerged,
    RequestDone,
    RunResumed,
    StepDecided,
    StepDone,
)
from agent.state import State
from agent.task import Settings
from policies.vocabulary import Quote

MOST_TIERS, MOST_ATTEMPTS = 1_000, 1_000_000
"""Of attempts of one tier. What a trace says of these and of the pieces of a prompt is believed up to here:
they are held in memory, and gone through. (Grids of difficulties are bounded where they are made.)"""

MOST_RULES = 1_000
"""Of a schedule, by path."""

MOST_BYTES, MOST_LINES = 2**27, 1_000_000
"""Of the pieces of a run's prompts."""

MOST_NUMBER = 1e12
"""Dollars, seconds, loss units, tokens: no sum of so many overflows."""


def check_time(time: float) -> None:
    """Raises TraceError for a run that begins at no time."""
    if not abs(time) <= MOST_NUMBER:
        raise TraceError("it begins at no time", 1)


def bounded(settings: Settings) -> Settings:
    """The settings, if what they ask for can be held in memory and added up."""
    if not all(price <= MOST_NUMBER for price in vars(settings.prices).values()):
        raise TraceError("its prices are beyond any run's", 1)
    values = (*settings.values, *settings.value_caps)
    schedule = settings.schedule
    rules = [rule.match for rule in (*schedule.paths, *schedule.branches)] + [match for match, _ in values]
    if len(rules) > MOST_RULES or not all(0 <= value <= MOST_NUMBER for _, value in values):
        raise TraceError("its rules by path are beyond any run's", 1)
    try:
        for rule in rules:
            check_pattern(rule)
    except ValueError as error:
        raise TraceError(f"its rules by path cannot be read: {error}", 1) from None
    tiers = settings.tiers
    if len(tiers) > MOST_TIERS or any(tier.most_attempts > MOST_ATTEMPTS for tier in tiers):
        raise TraceError("its settings ask for more tiers or attempts than any run has", 1)
    return settings


def check_numbers(event: Event) -> None:
    """Numbers that are none, or beyond any run, would make nonsense of every sum."""
    match event:
        case (
            RunResumed(time=time)
            | ApprovalRequested(time=time)
            | ApprovalGiven(time=time)
            | ApprovalRejected(time=time)
            | DeliveryApproved(time=time)
        ):
            numbers: tuple[float, ...] = (time,)
        case StepDecided(decision=decision):
            numbers = tuple(
                number
                for row in decision.candidates
                for number in (row.net, *vars(row.quote.gain).values(), *_amounts(row.quote))
            )
        case StepDone(bill=bill):
            numbers = _never_negative(bill.dollars, bill.seconds, bill.loss)
        case PatchesMerged(value=value, dollars=dollars, seconds=seconds):
            numbers = _never_negative(value, dollars, seconds)
        case RequestDone(usage=usage):
            tokens = vars(usage).values() if usage else ()
            numbers = _never_negative(event.dollars, event.seconds, event.waited, *tokens)
        case _:
            return
    if not all(abs(number) <= MOST_NUMBER for number in numbers):
        raise TraceError("it holds a number beyond any run, or none at all")


def _never_negative(*amounts: float) -> tuple[float, ...]:
    if any(amount < 0 for amount in amounts):
        raise TraceError("it bills less than nothing")
    return amounts


def _amounts(quote: Quote) -> tuple[float, ...]:
    """What a step is expected to take; its worst case may be unlimited."""
    return (
        quote.dollars,
        quote.seconds,
        quote.loss,
        quote.irreversible_loss,
        quote.attention,
        quote.probability,
    )


def check_pieces(state: State) -> None:
    """Prompts are sized from what a trace says of the pieces."""
    pieces = (*(state.localised.pieces if state.localised else ()), *state.read)
    size = sum(max(0, piece.size) for piece in pieces)
    lines = sum(max(0, piece.last - piece.first + 1) for piece in pieces)
    if size > MOST_BYTES or lines > MOST_LINES:
        raise TraceError(
            f"its pieces of the repository are larger than {MOST_BYTES} bytes or {MOST_LINES} lines"
        )
