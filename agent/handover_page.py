"""What a person is handed when no step pays any more: one page of Markdown, and a few lines for the screen.

Text of the repository, its tests and of models is neutralised, and stands in code spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agent.errors import AgentError
from agent.going_on import TierLeft
from agent.handover import Candidate, Handover
from agent.trace import write_whole
from agent.units import show_seconds
from agent.words import commit, history
from policies.amounts import show_money
from policies.vocabulary import Outcome
from tools.plain import plain_line

PAGE = "handover.md"
MOST_LINE = 1000
QUOTE = "\N{MODIFIER LETTER GRAVE ACCENT}"
"""In place of a backtick, which would end a code span."""

TITLES = {
    Outcome.NOT_FIXED: "Not fixed: no step is worth its price",
    Outcome.DEFERRED: "A person must decide",
    Outcome.LIMIT: "Not fixed: a hard limit stopped it",
    Outcome.FLAKY: "Flaky: it fails only sometimes",
}


def write_page(folder: Path, found: Handover, run_id: str, head: str) -> str:
    """Write the page beside the trace; returns its path, or "" where that cannot be done: the report says the
    same."""
    path = folder / PAGE
    try:
        write_whole(path, page(found, str(folder), run_id, head).encode())
    except AgentError:
        return ""
    return str(path)


def drop_page(folder: Path) -> None:
    """Take the page away once nobody has to take over any more."""
    with suppress(OSError):
        (folder / PAGE).unlink(missing_ok=True)


def in_short(found: Handover) -> list[str]:
    """The same in a few lines."""
    if found.candidate is not None and found.candidate.verified:
        return _asked(found)
    told = history(found.history) if found.history else [found.unsearched]
    said = " ".join(told[:2]) if told[0].endswith(":") else told[0]
    lines = [f"history     {said}"] if said else []
    best = next((tier for tier in found.going_on.tiers if tier.chance > 0), None)
    if best is not None:
        lines.append(f"going on    {best.tier}: {_tier(best)}")
    return [*lines, *_asked(found)]


def _asked(found: Handover) -> list[str]:
    asked = found.question
    return [f"question    {asked.text} {asked.then}"] if asked is not None else []


def page(found: Handover, trace: str, run_id: str, head: str) -> str:
    """The page as Markdown."""
    sections = {
        "What fails": _failing(found),
        "Since when": _since(found),
        "What was ruled out": _ruled_out(found),
        "The best candidate": _candidate(found.candidate),
        "The price of going on": _going_on(found),
        "One question": _question(found),
        "The run": _run(found, trace, run_id, head),
    }
    lines = [f"# {TITLES.get(found.outcome, str(found.outcome))}", "", code(found.explanation), ""]
    for title, said in sections.items():
        lines += [f"## {title}", "", *(f"- {line}" for line in said), ""]
    return "\n".join(lines)


def code(text: str) -> str:
    """Text of anybody as Markdown that shows it as it is: on one line, neutralised, in a code span."""
    return f"`{plain_line(text, MOST_LINE).replace('`', QUOTE) or ' '}`"


def _own(words: str) -> str:
    """Our own words as Markdown: a dollar sign would begin a formula."""
    return words.replace("$", "\\$")


def _money(dollars: float) -> str:
    return _own(show_money(dollars))


def _failing(found: Handover) -> Iterator[str]:
    for each in found.failures:
        often = f", failed {each.failed} of {each.looks} times alone" if each.looks else ""
        yield f"{code(each.test)}{often}{': ' + code(each.said) if each.said else ''}"
    if found.failing > len(found.failures):
        yield f"and {found.failing - len(found.failures)} more"
    if found.suspects:
        yield f"suspicious lines, the most first: {', '.join(map(code, found.suspects))}"


def _since(found: Handover) -> list[str]:
    if found.history is not None:
        return history(found.history, lambda seen: code(commit(seen)))
    return [_own(found.unsearched or "not looked for: the run ended before")]


def _ruled_out(found: Handover) -> Iterator[str]:
    for each in found.tried:
        of = f" of {each.of}" if each.of else ""
        what = "candidate patches gone through" if each.of else f"attempt{'' if each.tried == 1 else 's'}"
        none = "" if found.candidate else ", none of which holds"
        yield f"{code(each.tier)}: {each.tried}{of} {what}{none}"
    yield from map(code, found.ruled_out)
    if not found.tried and not found.ruled_out:
        yield "nothing was tried"


def _candidate(best: Candidate | None) -> Iterator[str]:
    if best is None:
        yield "none is in hand"
        return
    if best.description:
        yield code(best.description)
    how = "verified finally, cold, in a fresh tree" if best.verified else f"passed: {', '.join(best.passed)}"
    yield f"right with probability {best.right:.2f}, as far as what it has passed can tell ({how})"
    if best.rivals:
        yield f"{best.rivals} more pass as well and do something else"
    yield f"patch: {code(best.path)}" if best.path else "its patch is in the trace"


def _going_on(found: Handover) -> Iterator[str]:
    further = found.going_on
    if found.candidate is not None and found.candidate.verified:
        yield "nothing more has to be bought: the patch is verified"
    yield from (f"{code(tier.tier)}: {_own(_tier(tier))}" for tier in further.tiers)
    yield from map(code, further.done)
    if further.value is not None:
        yield (
            f"it would go on from a value of about {_money(further.value)} on, with {code(further.step)}; "
            f"yours is {_money(found.value)}"
        )
    elif found.outcome is Outcome.NOT_FIXED:
        yield "no value of a fix that was looked at makes it go on with the tiers there are"
    if further.more_dollars:
        yield f"it would go on with {_money(further.more_dollars)} more, with {code(further.step)}"
    if further.more_seconds:
        yield f"it would go on with {show_seconds(further.more_seconds)} more, with {code(further.step)}"


def _tier(tier: TierLeft) -> str:
    line = (
        f"about {show_money(tier.dollars)} and {show_seconds(tier.seconds)} an attempt, right with a chance "
        f"of {tier.chance:.0%}, net {show_money(tier.net)} at your prices"
    )
    if tier.refused:
        line += f"; refused: it {tier.refused}"
    return line if tier.configured else f"{line}; not configured (set {tier.key})"


def _question(found: Handover) -> Iterator[str]:
    asked = found.question
    if asked is None:
        yield "none: no answer would change enough to be worth asking for"
        return
    yield _own(f"**{asked.text}**")
    yield _own(f"{asked.then} The answer is worth about {show_money(asked.worth)}.")


def _run(found: Handover, trace: str, run_id: str, head: str) -> list[str]:
    diagnosis = [f"diagnosis of a model, not checked: {code(found.diagnosis)}"] if found.diagnosis else []
    return [
        *diagnosis,
        f"it took {_money(found.dollars)} and {show_seconds(found.seconds)}",
        f"run {code(run_id)}, trace {code(trace)}",
        f"head hash {code(head)}",
    ]
