"""The audit as one HTML file that needs nothing else: no network, no script, nothing beside it.

No word of a trace is markup in it (`markup`), and a browser is told to load and run nothing at all (POLICY).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path

from agent.audit.markup import (
    Markup,
    Part,
    columns,
    facts,
    joined,
    money,
    quoted,
    row,
    seconds,
    soft,
    table,
    tag,
)
from agent.audit.page_amounts import cell, net, total
from agent.audit.page_kinds import kinds, took
from agent.audit.page_run import cards, gap, listed, run_parts, verdict
from agent.audit.page_sums import autonomy, caches, calibration, meter, modes
from agent.audit.plots_run import value_bar
from agent.audit.results import Mode, RunAudit
from agent.audit.results_sums import Audit
from agent.audit.runs import Run
from agent.audit.shown import count, digits, short_names
from agent.audit.sources import Audited, audit_paths
from policies.vocabulary import Prices

MOST_LISTED = 200
MOST_DETAILED = 10
"""Runs in the table, and with their steps; how many are left out is said."""

MOST_BROKEN = 50
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_MEANINGS = {
    "V": "value of the task, solved and delivered, in dollars",
    "V·ΔQ, gain G": "rise in attainable value that a step is predicted to cause: value, and what it saves in "
    "later costs and later losses",
    "ΔC": "money a step costs",
    "H": "price of a person's attention",
    "λΔL": "seconds a step takes, at λ dollars per second",
    "ρΔR": "loss a step itself can cause, at ρ dollars per loss unit; 1 is a wrong patch on the branch",
    "ρ_irrΔR_irr": "the part of that loss that cannot be undone, and its extra price",
    "net": "G − ΔC − H − λΔL − ρΔR − ρ_irrΔR_irr; the step with the highest net is taken, and none below 0",
    "chance": "that an attempt is right, or that a check or the final verification passes",
    "unknown": "the source does not say it; it is in no sum, and it is not 0",
}


def page_of(audited: Audited, prices: Prices, format_name: str = "") -> str:
    """The page of an audit of traces. Of many runs, the few it tells step by step are read again."""
    runs = audited.runs
    if not runs and audited.audit.runs:
        again = [Path(run.path) for run in in_detail(audited.audit)]
        runs = audit_paths(again, prices, nullcontext, format_name).runs
    return page(audited.audit, runs)


def page(audit: Audit, runs: Sequence[Run]) -> str:
    """The page. runs: those of the audit that were kept with their steps; others are shown without.

    The file is UTF-8. What is not known is shown as such, and what is left out is counted.
    """
    kept = {(run.path, run.run_id): run for run in runs}
    alone = len(audit.runs) == 1 and not audit.broken
    title = f"Audit of run {audit.runs[0].run_id}" if alone else f"Audit of {count(len(audit.runs), 'run')}"
    body = _of_one(audit, kept) if alone else _of_many(audit, kept)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(files(__package__).joinpath("page.css").read_text("utf-8"))),
    )
    main = tag("main", *body, *listed("Notes", audit.notes), _glossary())
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', main), lang='en').html}\n"


def in_detail(audit: Audit) -> tuple[RunAudit, ...]:
    """The runs of which the page tells every step, if it is given them: those where failure modes cost most,
    and then those that took most."""
    return tuple(_worst_first(audit)[:MOST_DETAILED])


def _worst_first(audit: Audit) -> list[RunAudit]:
    def worst(run: RunAudit) -> tuple[float, float]:
        return -run.modes_cost.total, -run.realised.dollars.total

    return sorted(audit.runs, key=worst)


def _of_one(audit: Audit, kept: dict[tuple[str, str], Run]) -> Iterator[Part]:
    one = audit.runs[0]
    yield tag("h1", "Audit of one run")
    yield tag("h2", verdict(one), " ", quoted(one.task or one.run_id, 300), class_="lead")
    yield from run_parts(one, kept.get((one.path, one.run_id)), "run", _formulas(audit))
    yield from calibration(audit)


def _of_many(audit: Audit, kept: dict[tuple[str, str], Run]) -> Iterator[Part]:
    yield tag("h1", f"Audit of {count(len(audit.runs), 'run')}")
    yield tag("h2", "net ", net(audit.realised.net), class_="lead")
    yield from _broken(audit)
    if not audit.runs:
        return
    yield cards(audit.realised)
    yield value_bar(audit.realised)
    yield tag("h3", "Gap to the best allocation in hindsight")
    yield gap(audit.gap)
    yield from _outcomes(audit)
    yield from modes(audit)
    yield from calibration(audit)
    yield tag("h2", "Where a dollar gains most", id="margins")
    yield from kinds(audit.kinds)
    if audit.margins is not None:
        most = f"{digits(audit.margins)} times the smallest (1 at an interior optimum)"
        yield tag("p", f"The largest gain of a last dollar is {most}.")
    yield from took(audit.kinds)
    yield from caches(audit)
    yield from autonomy(audit)
    yield from _listed(audit)
    yield from _detailed(audit, kept)


def _broken(audit: Audit) -> Iterator[Part]:
    if not audit.broken:
        return
    tampered = sum(each.tampered for each in audit.broken)
    said = f"{count(len(audit.broken), 'trace')} could not be audited"
    said += (
        f", {tampered:,} of them because the trace does not hold (altered, cut or reordered)."
        if tampered
        else "."
    )
    rows = (
        row(
            quoted(each.path, 400),
            tag("span", "does not hold", class_="bad") if each.tampered else "not read",
            quoted(each.problem, 400),
        )
        for each in audit.broken[:MOST_BROKEN]
    )
    left = len(audit.broken) - MOST_BROKEN
    more = soft(f"and {left:,} more") if left > 0 else None
    yield tag(
        "div",
        tag("p", tag("b", said)),
        table("", columns("trace", "", "why"), rows, "words"),
        more,
        class_="alert",
    )


def _outcomes(audit: Audit) -> Iterator[Part]:
    yield tag("h2", "Outcomes", id="outcomes")
    all_of_them = sum(audit.outcomes.values()) or 1
    rows = (
        row(quoted(name, 80), f"{number:,}", meter(number / all_of_them), f"{number / all_of_them:.0%}")
        for name, number in sorted(audit.outcomes.items(), key=lambda each: -each[1])
    )
    yield table("", columns("outcome", "runs", "", "share"), rows)


def _listed(audit: Audit) -> Iterator[Part]:
    yield tag("h2", "Runs", id="runs")
    left = len(audit.runs) - MOST_LISTED
    which = f" {left:,} more runs are not listed here; agent audit --json has them all." if left > 0 else ""
    yield soft(f"Where failure modes cost most comes first.{which}")
    head = columns(
        "run",
        "outcome",
        "V",
        "money",
        "time",
        "risk",
        "attention",
        "rework",
        "net",
        "gap (mean)",
        "failure modes",
        "choices",
        "steps",
    )
    shown = _worst_first(audit)[:MOST_LISTED]
    names = short_names(each.path for each in shown)
    rows = (_run_row(position, each, names[each.path]) for position, each in enumerate(shown))
    yield table("", head, rows, "runs")


def _run_row(position: int, each: RunAudit, file: str) -> Markup:
    name: Part = quoted(each.task or each.run_id, 120)
    if position < MOST_DETAILED:
        name = tag("a", name, href=f"#run-{position + 1}")
    name = joined([name, tag("small", quoted(file, 80))])
    known = each.realised
    rework = total(known.rework) if known.rework.total else "none"
    return row(
        name, verdict(each), total(known.value), cell(known.dollars), _time(each),
        total(known.risk), total(known.attention), rework, net(known.net),
        money(each.gap.mean), cell(each.modes_cost), money(each.given_up.dollars), f"{each.steps_taken:,}",
    )  # fmt: skip


def _time(each: RunAudit) -> Markup:
    """In dollars, as all of the row adds up to the net, and how long it was."""
    return joined([cell(each.realised.time), " ", tag("small", cell(each.realised.seconds, seconds))])


def _detailed(audit: Audit, kept: dict[tuple[str, str], Run]) -> Iterator[Part]:
    shown = in_detail(audit)
    yield tag("h2", "Runs in detail", id="details")
    if len(audit.runs) > len(shown):
        left = f"{len(audit.runs) - len(shown):,} more are left out: audit one of them alone."
        yield soft(f"The first {len(shown)} of the table; {left}")
    formulas, names = _formulas(audit), short_names(each.path for each in shown)
    for position, each in enumerate(shown, 1):
        worth = tag("span", "net ", net(each.realised.net), class_="nowrap")
        name = quoted(each.task or each.run_id, 200)
        head = tag("summary", verdict(each), " ", name, " · ", quoted(names[each.path], 80), " · ", worth)
        parts = run_parts(each, kept.get((each.path, each.run_id)), f"run-{position}", formulas)
        yield tag("details", head, *parts, class_="run", id=f"run-{position}")


def _formulas(audit: Audit) -> dict[Mode, str]:
    return {each.mode: each.formula for each in audit.modes}


def _glossary() -> Markup:
    meanings: dict[str, Part] = dict(_MEANINGS)
    return tag(
        "details", tag("summary", "What the words and columns mean"), facts(meanings), class_="glossary"
    )
