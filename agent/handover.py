"""What a person is handed when no step pays any more: as data. `handover_page` says it in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from agent.approvals.request import awaits
from agent.forecast import estimates
from agent.going_on import GoingOn, decided, going_on, next_step
from agent.history import history_row
from agent.observations import HistoryDone
from agent.settings import REPAIR
from agent.state import State
from agent.targets import reason
from agent.task import Record
from agent.units import show_seconds
from policies.amounts import show_money
from policies.belief import hand_right
from policies.questions import (
    About,
    Question,
    about_delivery,
    about_limit,
    about_rivals,
    about_value,
    worth_asking,
)
from policies.stakes import utility
from policies.vocabulary import Outcome, StepKind
from tools.plain import plain_line

HANDED_OVER = frozenset({Outcome.NOT_FIXED, Outcome.DEFERRED, Outcome.LIMIT, Outcome.FLAKY})
"""How a run ends that leaves a person with a failing test."""

MOST_FAILURES, MOST_NOTES, MOST_SUSPECTS = 10, 20, 5
MOST_LINE = 300


class Failure(Record):
    """A failing test: what was said last when it failed (one line, neutralised), in how many looks alone it
    failed, of how many."""

    test: str
    said: str
    failed: int = 0
    looks: int = 0


class Tried(Record):
    """What a tier tried: candidates that were gone through, of how many (0: it has no list of them)."""

    tier: str
    tried: int
    of: int = 0


class Candidate(Record):
    """The best candidate. path: of its patch, "" where it could not be written; right: P(it is right), as far
    as what it has passed can tell; passed: the checks it has; rivals: others that pass as well and behave
    otherwise; verified: finally, cold, in a fresh tree."""

    path: str
    description: str
    right: float
    passed: tuple[str, ...] = ()
    rivals: int = 0
    verified: bool = False


class Asked(Record):
    """The one question. worth: dollars that the answer is expected to be worth; then: what a yes would do."""

    about: About
    text: str
    then: str
    worth: float


class Handover(Record):
    """One page for a person. failing: how many tests fail, the first of which are in `failures`. history:
    None where it was not searched, for the reason in `unsearched`. ruled_out: in words."""

    outcome: Outcome
    explanation: str
    failing: int
    failures: tuple[Failure, ...]
    suspects: tuple[str, ...] = ()
    history: HistoryDone | None = None
    unsearched: str = ""
    tried: tuple[Tried, ...] = ()
    ruled_out: tuple[str, ...] = ()
    diagnosis: str = ""
    candidate: Candidate | None = None
    going_on: GoingOn = GoingOn()
    question: Asked | None = None
    value: float
    dollars: float
    seconds: float


def handover_of(state: State, candidate: str) -> Handover | None:
    """What a run that ended in this state hands over; None where it ended otherwise, or before it had seen a
    test fail. `candidate`: the file of its best patch, or ""."""
    if state.ended not in HANDED_OVER or not state.targets:
        return None
    verified = state.submission is not None and state.submission.verified
    further = GoingOn() if verified else going_on(state)
    return Handover(
        outcome=state.ended,
        explanation=plain_line(state.explanation, MOST_LINE),
        failing=len(state.targets),
        failures=tuple(_failures(state)),
        suspects=state.localised.top[:MOST_SUSPECTS] if state.localised else (),
        history=state.history,
        unsearched="" if state.history else _unsearched(state),
        tried=tuple(_tried(state)),
        ruled_out=tuple(dict.fromkeys(plain_line(note, MOST_LINE) for note in state.notes[-MOST_NOTES:])),
        diagnosis=plain_line(state.plan, 4 * MOST_LINE),
        candidate=_candidate(state, candidate),
        going_on=further,
        question=_question(state, further),
        value=state.prices.value,
        dollars=state.booked,
        seconds=state.spent.seconds,
    )


def _failures(state: State) -> Iterator[Failure]:
    seen = state.reproduction
    if seen is None:
        for test in state.targets[:MOST_FAILURES]:
            yield Failure(test=plain_line(test), said="")
        return
    later = state.looked_again
    more = dict(zip(later.targets, later.passes, strict=True)) if later is not None else {}
    each = zip(seen.targets, seen.passes, seen.messages or ("",) * len(seen.targets), strict=False)
    for test, passes, message in list(each)[:MOST_FAILURES]:
        said = plain_line(reason(message), MOST_LINE) if message.strip() else ""
        looks = seen.runs + (later.runs if later is not None and test in more else 0)
        failed = looks - passes - more.get(test, 0)
        yield Failure(test=plain_line(test), said=said, failed=failed, looks=looks)


def _unsearched(state: State) -> str:
    """Why nobody looked for the commit since which it fails."""
    if state.submission is not None and state.submission.verified:
        return "not looked for, as there is a verified patch"
    if state.intake is not None and not state.intake.commits:
        return "there is no history here to look at"
    if state.ended is Outcome.FLAKY or (state.reproduction and any(state.reproduction.passes)):
        return "what fails only sometimes cannot be told from a look at each commit"
    if state.settings.surveyed and len(state.targets) > 1:
        if state.ended is Outcome.LIMIT:
            came = "there was no time" if state.left.seconds <= 0 else "a hard limit came before"
            return f"not looked for: {came}"
        return "not looked for: these tests are looked at one by one first"
    row = history_row(state)
    if row is None:
        return "there is no commit before this one" if state.reproduction else ""
    quote = row.quote
    price = show_money(state.prices.latency * quote.seconds)
    if row.refused:
        return f"not looked for: it {row.refused}"
    if row.net > 0:  # (of an older trace, or one that ended by what is no choice)
        return f"not looked for; it takes about {show_seconds(quote.seconds)}"
    saved = show_money(quote.gain.total)
    return (
        f"not looked for: it would take about {show_seconds(quote.seconds)}, {price} of time at your prices, "
        f"and spares you about {saved} of looking"
    )


def _tried(state: State) -> Iterator[Tried]:
    for name, search in state.searches.items():
        tried = search.next_index if name == REPAIR else len(search.used)
        if tried:
            yield Tried(tier=name, tried=tried, of=search.total)


def _candidate(state: State, path: str) -> Candidate | None:
    hand = state.hand
    if hand is None:
        return None
    verified = state.submission is not None and state.submission.verified
    believed = state.belief.hand
    passed = sorted(str(check) for check in believed.passed) if believed is not None else ()
    return Candidate(
        path=path,
        description=plain_line(hand.description, MOST_LINE),
        right=hand_right(state.belief, estimates(state), verified=verified),
        passed=("target", *passed),
        rivals=max(0, hand.clusters - 1),
        verified=verified,
    )


def _question(state: State, further: GoingOn) -> Asked | None:
    """The question whose answer is worth most, if one is worth its glance."""
    best = worth_asking(_questions(state, further), state.schedule.attention)
    if best is None:
        return None
    text, then = _words(state, further, best.about)
    return Asked(about=best.about, text=text, then=then, worth=best.worth)


def _questions(state: State, further: GoingOn) -> Iterator[Question]:
    prices, hand = state.prices, state.belief.hand
    if state.submission is not None and state.submission.verified and state.submission.undelivered:
        yield about_delivery(_delivering(state))
        return
    if further.value is not None:
        yield about_value(prices.value, further.value, further.right)
    if further.more_dollars:
        yield about_limit("budget", further.net)
    if further.more_seconds:
        yield about_limit("deadline", further.net)
    if hand is not None and hand.share < 1 and next_step(decided(state)) is None:
        meant = decided(replace(state, belief=replace(state.belief, hand=hand._replace(share=1.0))))
        if (row := next_step(meant)) is not None:
            handed = next((r.net for r in meant.candidates if r.step.kind is StepKind.DEFER), 0.0)
            right = hand_right(state.belief, estimates(state))
            yield about_rivals(right, row.net - handed)


def _delivering(state: State) -> float:
    """Dollars by which it is better to deliver what was verified, confirmed, than to hand it over."""
    settings, known = state.settings, estimates(state)
    assert state.submission is not None
    c = hand_right(state.belief, known, verified=True)
    level = state.submission.required
    level = state.schedule.scheduled(settings.delivery) if level is None else level
    delivered = utility(level, settings.delivery, c, state.prices, state.schedule)
    handed = known.defer_share * c * state.prices.value - state.schedule.attention.glance
    return max(0.0, delivered - max(0.0, handed))


def _words(state: State, further: GoingOn, about: About) -> tuple[str, str]:
    """The question, and what a yes would do."""
    settings, hand = state.settings, state.hand
    of_job = "that much more for the job" if settings.surveyed else ""
    step = f"it would go on with {further.step}"
    if further.step.startswith(StepKind.ACT):
        step += f": about {show_money(further.dollars)}, chance {further.chance:.0%}"
    match about:
        case "value":
            needed = show_money(_up(further.value or 0.0))
            said = show_money(state.prices.value)
            return (
                f"Is a fix worth {needed} or more to you? You said {said}.",
                f"With --value {_up(further.value or 0.0):.2f} {step}.",
            )
        case "budget":
            more = show_money(_up(further.more_dollars))
            budget = f"--budget {_up(settings.limits.dollars + further.more_dollars):.2f}"
            return f"Is {more} more worth it to you?", f"With {of_job or budget} {step}."
        case "deadline":
            more = show_seconds(further.more_seconds)
            deadline = f"--deadline {math.ceil(settings.limits.seconds + further.more_seconds)}s"
            return f"May it take {more} longer?", f"With {of_job or deadline} {step}."
        case "rivals":
            assert hand is not None
            return (
                f"Is the candidate the one that is meant? {hand.plausible} patches pass the failing tests, "
                f"and do {hand.clusters} different things.",
                "If it is, it would be verified and delivered.",
            )
        case _:
            why = state.submission.undelivered if state.submission else ""
            return (
                f"May the verified patch be delivered as a {settings.delivery}?",
                f"It waits for that: {plain_line(why.partition('; ')[0], MOST_LINE)}."
                + (" The yes is `agent approvals approve`." if awaits(state) else ""),
            )


def _up(dollars: float) -> float:
    """Dollars rounded up to a cent, so that what is named is enough."""
    return math.ceil(round(dollars * 100, 6)) / 100
