"""Observations in plain words, for the terminal and the summary. Untrusted text is neutralised by callers."""

from __future__ import annotations

from collections.abc import Callable

from agent.events import RequestDone, StepDone
from agent.observations import (
    AttemptDone,
    BaselineDone,
    CheckDone,
    CommitSeen,
    Counts,
    DeferralDone,
    EnvironmentDone,
    HistoryDone,
    IntakeDone,
    LocaliseDone,
    Observation,
    PlanDone,
    ReproductionDone,
    StepLost,
    StepRefused,
    SubmissionDone,
    TierBusy,
    TierFailed,
)
from agent.state import State
from agent.units import counted, show_seconds
from policies.amounts import show_money
from policies.vocabulary import Check, Outcome

SHORT_NOTES = 6
MOST_LINES = 200
"""Of an observation: far more than any of ours has, and what a trace of unknown origin gets."""

LOST = (
    "cut off without a result: booked at the seconds that passed or were reserved, whichever is less, and at "
    "its requests, one without an answer at its worst case"
)


def said(observation: Observation, *, verbose: bool = False) -> list[str]:
    """One line, or a few more when verbose or when something was refused; at most MOST_LINES and one more."""
    lines = _lines(observation, verbose)
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"and {more} more lines"] if more > 0 else [])]


def _lines(observation: Observation, verbose: bool) -> list[str]:
    match observation:
        case IntakeDone():
            dirty = f", {observation.dirty} not committed" if observation.dirty else ""
            return [
                f"base of {observation.files} files{dirty}, tree {observation.tree_hash[:12]}",
                *observation.notes,
            ]
        case EnvironmentDone():
            how = "from the cache" if observation.cached else "ready"
            notes = _in_short(observation.notes) if observation.cached and not verbose else observation.notes
            found = f"environment {how}: {observation.backend}, {observation.python}"
            return [found, *observation.warnings, *(line for note in notes for line in note.splitlines())]
        case ReproductionDone():
            return _reproduction(observation)
        case BaselineDone():
            problem = (
                [f"the suite's report is incomplete: {observation.problem}"]
                if not observation.complete
                else []
            )
            shown = [f"fails: {name}" for name in observation.failing[:5]]
            if observation.uncollected:
                shown.append(f"does not collect: {observation.uncollected}")
            return [f"suite: {counts(observation.counts)}", *problem, *shown]
        case LocaliseDone():
            top = ", ".join(observation.top[:3])
            others = ", ".join(observation.witnesses)
            alike = [f"for the same cause, as it seems, fails: {others}"] if others else []
            return [f"{observation.lines} suspicious lines ({observation.method}); first {top}", *alike]
        case AttemptDone():
            return _attempt(observation)
        case PlanDone():
            if not observation.note:
                return ["no usable plan"]
            return ["planned", *(observation.note.splitlines()[: None if verbose else SHORT_NOTES])]
        case CheckDone(check=Check.REVIEW):
            opinion = "holds it for right" if observation.passed else "holds it for wrong"
            return [f"a model {'gives no opinion' if observation.void else opinion}", *observation.reasons]
        case CheckDone():
            verdict = "passed" if observation.passed else "failed"
            shown = [*observation.reasons[:3], *at_random(observation.flaky), *again(observation.looked)]
            return [f"{verdict} ({counts(observation.counts)})", *shown]
        case SubmissionDone():
            return _submission(observation)
        case HistoryDone():
            return history(observation)
        case DeferralDone():
            return ["evidence handed over"]
        case StepRefused(outcome=outcome, message=message):
            return ["it cannot go on"] if outcome is Outcome.USAGE else [message]  # the run ends in that line
        case TierFailed(tier=tier, message=message):
            return [f"{tier} cannot be asked: {message}"]
        case TierBusy(tier=tier, message=message):
            return [f"{tier} is busy, and put off: {message}"]
        case StepLost():
            return [LOST]


def beyond(state: State) -> tuple[str, ...]:
    """Which tiers billed more than the worst case of their requests, and what that does to the budget."""
    over = state.booked - state.settings.limits.dollars
    budget = f", and the budget is exceeded by {show_money(over)}" if over > 0 else ""
    return tuple(
        f"{tier} billed {show_money(dollars)} beyond the worst case of its requests{budget}: it reports more "
        "tokens than it can have been sent or been allowed to write, so what it costs cannot be bounded"
        for tier, dollars in state.beyond.items()
    )


def requested(done: RequestDone, again: float | None = None) -> str:
    """A request that failed, or whose cost nobody knows: what is booked for it, and in how many seconds the
    same is asked again (None: it is not)."""
    booked = "nothing booked"
    if done.guessed:
        booked = f"booked at its worst case, {show_money(done.dollars)}, as the endpoint did not say its cost"
    why = done.message if done.failure else "it answered"
    retry = "" if again is None else f"; asked again in {show_seconds(again)}"
    return f"{done.tier}: {why}; {booked}{retry}"


def resumed(state: State) -> str:
    """What of the run is not paid for again, once it goes on, and what is."""
    lost = state.lost + (state.intent is not None and not state.delivering)
    results = state.steps - state.lost
    have, are = ("has", "is") if results == 1 else ("have", "are")
    kept = f"{counted(results, 'step')} {have} a recorded result and {are} not paid for again"
    if not lost:
        return kept
    was = "was" if lost == 1 else "were"
    return f"{kept}; {counted(lost, 'step')} {was} cut off without one: booked, and bought again if it pays"


def lost(step: StepDone, request: RequestDone | None) -> str:
    """What was booked for the step in which a run was cut off, and for a request of it without an answer."""
    bill = step.bill
    booked = f"{show_money(bill.dollars)}, {show_seconds(bill.seconds)}"
    said = f"{step.step.name} was cut off, and is booked at {booked}"
    if request is None:
        return said
    worst = show_money(request.dollars)
    return f"{said}: a request to {request.tier} without an answer was booked at its worst case, {worst}"


def _in_short(notes: tuple[str, ...]) -> list[str]:
    """The first notes, which matter most, each in one line."""
    first = [note.splitlines()[0] for note in notes[:SHORT_NOTES] if note]
    more = len(notes) > SHORT_NOTES or any(len(note.splitlines()) > 1 for note in notes)
    return [*first, *(["--verbose shows more about this environment"] if more else [])]


def counts(tests: Counts) -> str:
    """`41 tests: 40 passed, 1 failed`."""
    parts = [f"{tests.passed} passed", f"{tests.failed} failed"]
    if tests.skipped:
        parts.append(f"{tests.skipped} skipped")
    if tests.uncollected:
        parts.append(f"{tests.uncollected} files not collected")
    return f"{tests.collected} test{'' if tests.collected == 1 else 's'}: {', '.join(parts)}"


def _reproduction(seen: ReproductionDone) -> list[str]:
    lines = []
    for position, (target, passes) in enumerate(zip(seen.targets, seen.passes, strict=True)):
        if position < 5:
            hangs = ", taken to hang" if target in seen.hanging else ""
            lines.append(f"{target}: failed {seen.runs - passes} of {seen.runs} times{hangs}")
    if len(seen.targets) > 5:
        lines.append(f"and {len(seen.targets) - 5} more")
    return lines or ["no target"]


def _attempt(seen: AttemptDone) -> list[str]:
    dropped = [f"dropped: {reason}" for reason in seen.dropped[:3]]
    progress = f" ({seen.next_index} of {seen.total} candidates tried)" if seen.total else ""
    if seen.read:
        pieces = ", ".join(f"{piece.path}:{piece.first}-{piece.last}" for piece in seen.read[:5])
        missing = [f"and for {'; '.join(seen.missing)}"] if seen.missing else []
        return [f"it asks to read {pieces}", *missing, *([seen.note] if seen.note else [])]
    if seen.patch:
        rivals = ""
        if seen.clusters > 1:
            rivals = (
                f"; {seen.plausible} pass, in {seen.clusters} different ways, this one {seen.share:.0%} sure"
            )
        which = f": {seen.description}" if seen.description else ""
        if seen.again:
            why = f": {seen.note}" if seen.note else ""
            return [f"no candidate is likelier than the one in hand{progress}{rivals}{why}", *dropped]
        alike = (
            ["what fails for the same cause, as it seems, fails with it, too"] if seen.heals is False else []
        )
        return [f"a candidate passes the failing test{which}{progress}{rivals}", *alike, *dropped]
    return [
        f"no candidate passes the failing test{progress}{': ' + seen.note if seen.note else ''}",
        *dropped,
    ]


def again(seen: ReproductionDone | None) -> list[str]:
    """What further looks at the base showed."""
    if seen is None:
        return []
    which = zip(seen.targets, seen.passes, strict=True)
    return [f"without it, {test} fails {seen.runs - n} of {seen.runs} times" for test, n in which]


def commit(seen: CommitSeen) -> str:
    """A commit by its short id, day and subject."""
    return " ".join(filter(None, (seen.id[:12], seen.date, seen.subject)))


def history(seen: HistoryDone, named: Callable[[CommitSeen], str] = commit) -> list[str]:
    """Since when the tests fail, as far as the history tells, and what that rests on."""
    if seen.problem:
        return [f"the history cannot be searched: {seen.problem}"]
    many = f"{seen.looks} of {seen.commits} commits looked at"
    if seen.untold:
        many += f", {seen.untold} of them could not be run"
    if seen.passes is None:
        oldest = f", back to {named(seen.oldest)}" if seen.oldest else ""
        why = "" if seen.complete else "; time ran out"
        ends = "; the clone is shallow, its history ends there" if seen.shallow and seen.complete else ""
        return [f"not seen to pass at any commit{oldest}{why}{ends}", many]
    last = f"it passes at {named(seen.passes)}"
    if seen.uncommitted and not seen.since:
        return ["fails since what is not committed yet", last, many]
    since = [named(each) for each in seen.since]
    more = seen.suspects - len(since)
    if seen.suspects == 1 and not seen.uncommitted:
        return [f"fails since {since[0]}", last, many]
    why = "could not be told apart" if seen.complete else "were not told apart, as time ran out"
    also = ["what is not committed"] if seen.uncommitted else []
    others = [f"and {more} more"] if more else []
    return [f"fails since one of these, which {why}:", *since, *others, *also, last, many]


def at_random(flaky: tuple[str, ...]) -> list[str]:
    """Tests beside the targets that fail with the candidate, and by chance."""
    return [f"flaky, on the base as well, so it tells nothing: {test}" for test in flaky]


def _submission(seen: SubmissionDone) -> list[str]:
    if not seen.verified:
        return ["final verification failed", *seen.reasons[:3], *again(seen.looked)]
    return [
        f"verified cold in a fresh tree ({counts(seen.counts)})",
        *([f"without it, it fails: {seen.looked.runs} more looks at the base"] if seen.looked else []),
        *at_random(seen.flaky),
        *seen.delivered,
        *filter(None, [seen.shortfall]),
    ]
