"""What `agent replay --what-if` prints; every part fits 80 columns."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from agent.replaying.step import belief_in_words, tell
from agent.replaying.what_if import BranchStep, Difference, Ending, Expectation, Side, WhatIf
from agent.units import show_seconds
from agent.view import LEGEND, Indented, candidate_table
from agent.words import said
from policies.amounts import show_money
from policies.outlook import HIGH, LOW, Range
from policies.vocabulary import Candidate
from tools.plain import plain


def show_what_if(found: WhatIf, console: Console) -> None:
    """Print the answer."""
    tell(console, "recorded", _side(found.recorded))
    tell(console, "what if", _side(found.other))
    for note in found.notes:
        tell(console, "note", note)
    if found.difference is None:
        same = f"all {found.followed} decisions are the recorded ones"
        tell(console, "the same", same)
        _ending("it ends", found.ending or found.as_recorded, console)
        if found.ending and found.ending.outcome != found.as_recorded.outcome:
            _ending("recorded", found.as_recorded, console)
        _compared(found, console)
        return
    _difference(found.followed, found.difference, console)
    console.print(candidate_table(found.difference.decision, found.other.prices))
    console.print(Indented(Text(LEGEND, style="dim")))
    tell(console, "reason", found.difference.decision.reason)
    console.print(Text("from there on", style="bold"))
    for step in found.branch:
        tell(console, f"{step.number:>3}. ", f"{step.step}: {_known(step)}")
    if found.expected is not None:
        _expected(found.expected, console)
    if found.ending is not None:
        _ending("it ends", found.ending, console)
    _ending("recorded", found.as_recorded, console)
    _compared(found, console)


def _side(side: Side) -> str:
    prices, limits = side.prices, side.limits
    return (
        f"policy {side.policy} · value {show_money(prices.value)} · time {show_money(prices.latency)}/s · "
        f"risk {show_money(prices.risk)} · irreversible {show_money(prices.irreversible)} · "
        f"budget {show_money(limits.dollars)} · deadline {show_seconds(limits.seconds)}"
    )


def _difference(followed: int, found: Difference, console: Console) -> None:
    where = (
        f"step {found.number} (line {found.line} of the trace), after {followed} decisions that are the same"
    )
    console.print(Text(f"differs at {where}", style="bold"))
    if found.recorded == found.other:
        tell(console, "both", f"{found.other}, but its recorded result would not have come")
    else:
        now = _net(found.recorded_row, "not in the table")
        tell(console, "recorded", f"{found.recorded} ({_net(found.recorded_then, 'no row')}; here {now})")
        tell(console, "other", f"{found.other} ({_net(found.other_row, 'no row pays')})")
    if found.by_version:
        tell(
            console,
            "note",
            "this version of agent would not choose the recorded step at the recorded prices, either: what "
            "differs may come from the version alone",
        )


def _net(row: Candidate | None, without: str) -> str:
    if row is None:
        return without
    return f"refused: {plain(row.refused, 200)}" if row.refused else f"net {row.net:+.3f}"


def _known(step: BranchStep) -> str:
    if step.observation is None:
        return "nothing more is bought"
    words = said(step.observation)[0]
    if not step.at:
        return words
    took = f"{show_money(step.bill.dollars)}, {show_seconds(step.bill.seconds)}"
    if step.implied:
        words = words.partition(" (")[0]  # of a run that was not there, nothing was counted
        return f"{words} (what step {step.at} showed decides it; its bill is the expected {took})"
    return f"{words} (recorded as step {step.at}: {took})"


def _expected(found: Expectation, console: Console) -> None:
    """What nobody knows, and what the model expects of it."""
    outlook = found.outlook
    tell(
        console,
        f"{found.number:>3}. ",
        f"{found.step}: its result was never recorded. So what follows is not known; the plan's own model "
        "expects, from here on:",
    )
    tell(console, "belief", belief_in_words(found.belief))
    tell(console, "net", f"{_range(outlook.net)}, V counted where a right patch comes out")
    tell(
        console,
        "patch",
        f"right and delivered with {outlook.right:.0%}, wrong and delivered with {outlook.wrong:.1%}"
        + (f", handed to a person with {outlook.handed:.0%}" if outlook.handed else ""),
    )
    tell(console, "dollars", f"{_range(outlook.dollars)}, after {show_money(found.spent.dollars)} so far")
    seconds = outlook.seconds
    tell(
        console,
        "time",
        f"{show_seconds(seconds.mean)}, {LOW:.0%} to {HIGH:.0%} of the cases: {show_seconds(seconds.low)} to "
        f"{show_seconds(seconds.high)}, after {show_seconds(found.spent.seconds)} so far",
    )
    left = f" {outlook.left_out:.1%} of the cases were not followed to their end." if outlook.left_out else ""
    tell(
        console,
        "of that",
        "each step is taken at what it is expected to take, and the estimates for right: the ranges say how "
        f"attempts and checks may turn out, not how far the estimates are off.{left}",
    )


def _compared(found: WhatIf, console: Console) -> None:
    """Both runs on one footing, or why there is none."""
    console.print(Text("net of both at the prices of the what-if", style="bold"))
    step = found.difference.number if found.difference else 0
    for label, footing in (("recorded", found.compared.recorded), ("what if", found.compared.other)):
        if footing is None:
            tell(console, label, "not known, as no end is recorded")
            continue
        there = f"{_mean(footing.from_there)} from step {step} on, " if step else ""
        tell(console, label, f"{there}{_mean(footing.in_all)} in all{_spread(footing.in_all)}")
    before = (
        f"before step {step} both took {show_money(found.compared.before)} of it, priced; " if step else ""
    )
    tell(
        console,
        "in that",
        f"{before}V counts with the chance that the patch is right, {found.compared.handed_share:.0%} of "
        "that where it is handed to a person; risk as it was expected, and the time of people who confirm "
        "or look at it",
    )


def _mean(amounts: Range) -> str:
    return show_money(amounts.mean)


def _spread(amounts: Range) -> str:
    if amounts.low == amounts.high:
        return ""
    low, high = show_money(amounts.low), show_money(amounts.high)
    return f" (expected; {LOW:.0%} to {HIGH:.0%} of the cases: {low} to {high})"


def _range(amounts: Range) -> str:
    low, high = show_money(amounts.low), show_money(amounts.high)
    return f"{show_money(amounts.mean)}, {LOW:.0%} to {HIGH:.0%} of the cases: {low} to {high}"


def _ending(label: str, ending: Ending, console: Console) -> None:
    outcome = ending.outcome or "cut off"
    right = f", right with {ending.right:.0%}" if ending.right is not None else ""
    took = f"{show_money(ending.dollars)}, {show_seconds(ending.seconds)}"
    tell(console, label, f"{outcome} after {took}{right}; {ending.explanation or 'no end is recorded'}")
