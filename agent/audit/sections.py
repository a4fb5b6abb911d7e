"""An audit as sections of short lines and narrow tables, for the terminal and for Markdown alike.

Most important first: what it came to, what was lost and why, then where the money went and whether the
predictions can be trusted (`sections_sums`).
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.audit.realised import total
from agent.audit.results import Concern, Gap, Realised, RunAudit, StepAudit
from agent.audit.results_sums import Audit
from agent.audit.section import (
    LONG_NAME,
    LONG_PATH,
    LONG_SAID,
    UNKNOWN,
    Section,
    Table,
    shown_cell,
    shown_money,
    shown_net,
    shown_total,
    word,
)
from agent.audit.sections_sums import (
    autonomy_section,
    bills_section,
    caches_section,
    given_section,
    kinds_section,
    predictions,
)
from agent.audit.shown import (
    EXPECTED,
    at_least,
    gap_interval,
    net_part,
    over,
    short_names,
    told,
    unknown_part,
)
from agent.policies import MARGINAL
from agent.units import show_seconds
from policies.amounts import show_apart, show_money

SHOWN_BROKEN = 20
SHOWN_CONCERNS = 8
"""Of one failure mode; all of them are in the JSON."""

FEW = 10
"""Runs up to which each has a row, and is told step by step."""


def sections(audit: Audit) -> tuple[Section, ...]:
    """Everything, of one run or of many. What there is nothing to say about is left out."""
    single = audit.runs[0] if len(audit.runs) == 1 else None
    found = [
        _run(single) if single else _runs(audit),
        _broken(audit),
        Section("notes", tuple(word(note) for note in audit.notes)) if audit.notes else None,
        *_each(audit),
        _failures(audit, single),
        *(_steps(run, run is single) for run in audit.runs if run.steps),
        kinds_section(audit),
        bills_section(audit),
        *predictions(audit),
        caches_section(audit),
        given_section(single) if single else autonomy_section(audit),
    ]
    return tuple(section for section in found if section is not None)


# What it came to.


def _run(run: RunAudit) -> Section:
    how = f"steps chosen by '{word(run.policy)}'" if run.policy else "how steps were chosen is not recorded"
    said = [f"{word(run.agent, 60)}{f', {word(run.model, 60)}' if run.model else ''}: {how}"]
    if run.task:
        said.append(f"task: {word(run.task)}")
    if run.explanation:
        said.append(f"ended: {word(run.explanation)}")
    said += [f"note: {word(note)}" for note in run.notes]
    lines = (*said, *_realised(run.realised, "value", run.value_known), *_gap(run.gap))
    return Section(f"{word(run.path, 200)}: {run.ending}", lines)


def _runs(audit: Audit) -> Section:
    count = f"{len(audit.runs):,} run{'' if len(audit.runs) == 1 else 's'}"
    if audit.broken:
        count += f", and {len(audit.broken):,} that cannot be audited"
    ends = "; ".join(f"{number:,} {outcome}" for outcome, number in audit.outcomes.items())
    lines = (f"ended: {ends}",) if ends else ()
    if audit.runs:
        lines = (*lines, *_realised(audit.realised, "value delivered"), *_gap(audit.gap))
    return Section(count, lines)


def _each(audit: Audit) -> tuple[Section, ...]:
    """Rows for each run, where they are few: what it came to, which adds up, and what it could have."""
    if not 1 < len(audit.runs) <= FEW:
        return ()
    names = short_names(run.path for run in audit.runs)
    runs = tuple(enumerate(audit.runs, start=1))
    came = tuple(
        (str(number), word(names[run.path], LONG_PATH), run.ending, *_parts(run.realised))
        for number, run in runs
    )
    better = tuple(
        (
            str(number),
            word(run.agent, LONG_NAME),
            shown_money(run.gap.mean),
            shown_cell(run.modes_cost),
            shown_money(run.given_up.dollars),
        )
        for number, run in runs
    )
    columns = ("", "run", "ended", "value>", "spent>", "time>", "risk>", "people>", "net>")
    remarks = (
        "net: value less the others; time: at the price of waiting; people: attention and rework; +: and "
        f"more that is unknown; {UNKNOWN}: unknown",
    )
    losses = (
        "gap: to the best in hindsight, on average; modes: what the failure modes below cost; choices: what "
        "was given up by choices against the table",
    )
    return (
        Section("each run", (), Table(columns, came), remarks),
        Section(
            "each run, in hindsight and by its own tables",
            (),
            Table(("", "agent", "gap>", "modes>", "choices>"), better),
            losses,
        ),
    )


def _parts(came: Realised) -> tuple[str, ...]:
    """Of one run, dollars."""
    costs = (came.value, came.dollars, came.time, came.risk, came.people)
    return (*map(shown_cell, costs), shown_money(came.net.exact))


def _realised(came: Realised, value: str, how: str = "") -> tuple[str, ...]:
    """The net and what it is made of, with a word for the value, and how that is known."""
    parts = [
        f"{value} {shown_total(came.value)}{f' ({how})' if how else ''}",
        f"spent {shown_total(came.dollars)}",
        _time(came),
        f"risk {shown_total(came.risk)}",
        f"attention {shown_total(came.attention)}",
    ]
    if came.rework.total:
        parts.append(f"rework {shown_total(came.rework)}")
    runs = came.net.known + came.net.unknown
    these = f"; of all {runs:,}" if net_part(came.net) else ""
    lines = [f"net {shown_net(came.net)}{these}: {' - '.join(parts)}"]
    if came.guessed > 0:
        lines.append(
            f"{show_money(came.guessed)} of what was spent are worst cases: nothing said what it cost"
        )
    return tuple(lines)


def _time(came: Realised) -> str:
    """λΣL, and ΣL itself."""
    if not told(came.seconds):
        return f"time {UNKNOWN}"
    words = [show_seconds(came.seconds.total), unknown_part(came.time)]
    return f"time {at_least(came.time)}{show_money(came.time.total)} ({', '.join(filter(None, words))})"


def _gap(gap: Gap) -> tuple[str, ...]:
    """What the best allocation would have been worth more."""
    lines = []
    if gap.proved is not None:
        instead = f" ({gap.instead})" if gap.instead else ""
        many = over(gap.proved_runs, gap.of)
        lines.append(f"in hindsight, by the records alone: {show_money(gap.proved)} more{instead}{many}")
    if gap.mean is not None:
        lines.append(f"in hindsight, under the model: more by {gap_interval(gap)}")
    else:
        lines.append(f"in hindsight, under the model: unknown: {gap.unknown}")
    return tuple(lines)


def _broken(audit: Audit) -> Section | None:
    if not audit.broken:
        return None
    lines = [f"{word(each.path, 200)}: {word(each.problem)}" for each in audit.broken[:SHOWN_BROKEN]]
    if len(audit.broken) > SHOWN_BROKEN:
        lines.append(f"and {len(audit.broken) - SHOWN_BROKEN:,} more")
    return Section("not audited", tuple(lines))


# What went wrong.


def _failures(audit: Audit, single: RunAudit | None) -> Section | None:
    if not audit.runs:
        return None
    if single is not None:
        return _findings(single)
    rows = tuple(
        (
            each.mode,
            f"{each.found:,}",
            f"{each.none:,}",
            f"{each.unknown:,}",
            shown_money(each.dollars),
        )
        for each in audit.modes
    )
    remarks = [
        f"{each.mode}: {show_money(dollars)} in {word(path, 200)}"
        for each in audit.modes
        for path, dollars in each.worst[:1]
    ]
    remarks += [
        f"{each.mode}, unknown: {each.missing[0]}" for each in audit.modes if each.unknown and each.missing
    ]
    remarks += _choices(audit)
    table = Table(("failure mode", "found in>", "not in>", "unknown>", "cost>"), rows)
    return Section("what went wrong, in runs", (), table, tuple(remarks))


def _choices(audit: Audit) -> list[str]:
    """What choices gave up, over all runs, and where most."""
    if not audit.given_up.known:
        return []
    lines = [f"given up by choices against the table: {shown_total(audit.given_up)}"]
    worst = max(audit.runs, key=lambda run: run.given_up.dollars or 0.0)
    if worst.given_up.dollars:
        lines.append(f"most of it: {show_money(worst.given_up.dollars)} in {word(worst.path, 200)}")
    return [*lines, EXPECTED]


def _findings(run: RunAudit) -> Section:
    lines, findings = list[str](), run.findings
    for finding in sorted(findings, key=lambda each: -(each.dollars or 0.0)):
        if finding.status == "found":
            lines.append(f"{finding.mode}: {shown_money(finding.dollars)}")
            lines += _concerns(finding.concerns)
    clean = ", ".join(finding.mode for finding in findings if finding.status == "none")
    if clean:
        lines.append(f"none found of: {clean}")
    lines += [f"{each.mode}: unknown: {each.missing}" for each in findings if each.status == "unknown"]
    lines.append(f"given up by choices against the table: {shown_money(run.given_up.dollars)}")
    lines += _concerns(run.given_up.concerns)
    remarks = () if run.given_up.dollars is None else (EXPECTED,)
    return Section("what went wrong", tuple(lines), None, remarks)


def _concerns(concerns: Sequence[Concern]) -> list[str]:
    """The dearest first."""
    dear = sorted(concerns, key=lambda concern: -(concern.dollars or 0.0))
    lines = [
        f"  {_where(each)}: {shown_money(each.dollars)}: {word(each.seen)}" for each in dear[:SHOWN_CONCERNS]
    ]
    if len(dear) > SHOWN_CONCERNS:
        lines.append(f"  and {len(dear) - SHOWN_CONCERNS:,} steps more")
    return lines


def _where(concern: Concern) -> str:
    """Which step; 0 is the run as a whole."""
    name = word(concern.name, 60)
    return f"step {concern.step}, {name}" if concern.step else name


# Step by step.


def _steps(run: RunAudit, alone: bool) -> Section:
    """Each step: what it came to, what was predicted and paid, and, where there was an alternative, why it
    was taken; the marginal policy's reasons name the net and the next best."""
    lines = []
    for step in run.steps:
        verdict = ""
        if step.kind == "act" and step.succeeded is not None:
            verdict = " (right)" if step.succeeded else " (not right)"
        came = f": {word(step.said, LONG_SAID)}" if step.said else ""
        lines.append(f"{step.number}. {word(step.name, LONG_NAME)}{came}{verdict}")
        lines.append(f"  {_bought(step)}")
        if step.rival_net is not None and step.net is not None:
            nets = "" if run.policy == MARGINAL else f" ({_nets(step.net, step.rival, step.rival_net)})"
            lines.append(f"  why: {word(step.reason)}{nets}")
    remarks = [
        "gain: of all that may come after it, so gains of steps do not add up; price: dollars, attention, "
        "time and risk together, as predicted; paid: the same as realised, by what is known now",
        _all_paid(run),
    ]
    if not any(step.full is not None for step in run.steps):
        remarks = []
    title = "step by step" if alone else f"step by step: {word(run.path, 200)}"
    return Section(title, tuple(lines), None, tuple(remarks))


def _nets(net: float, rival: str, rival_net: float) -> str:
    """What was chosen beside the best other row, which may be the better one."""
    own, other = show_apart(net, rival_net)
    return f"net {own}; {'better was' if rival_net > net else 'next best'} '{word(rival, LONG_NAME)}' {other}"


def _all_paid(run: RunAudit) -> str:
    """What the steps add up to, which is what the run took but for rework."""
    rework = run.realised.rework.total
    besides = f"; besides, {show_money(rework)} of rework" if rework else ""
    return f"all steps together paid {shown_total(total(step.full for step in run.steps))}{besides}"


def _bought(step: StepAudit) -> str:
    """What was predicted, and what was paid."""
    if step.gain is None or step.price is None:
        return f"{_paid(step)}; nothing was predicted"
    chance = f", P {step.probability:.0%}" if step.kind in ("act", "verify", "submit") else ""
    return f"gain {show_money(step.gain)} for {show_money(step.price)}{chance}; {_paid(step)}"


def _paid(step: StepAudit) -> str:
    """The full price, or what is known of it."""
    if step.full is not None:
        return f"paid {show_money(step.full)}"
    time = UNKNOWN if step.seconds is None else show_seconds(step.seconds)
    return f"spent {shown_money(step.dollars)} and {time}, risk unknown"
