"""`agent explain`: what would be done at given prices, and what would change it, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.intake import tier_estimates
from agent.ladder import build
from agent.memory import LearntTemplate, counted, recall, templates_in_words
from agent.policies import MARGINAL
from agent.schedule import in_words, stakes_of
from agent.settings import Resolved
from agent.task import Record
from agent.units import show_seconds
from policies.amounts import show_money
from policies.estimates import TierEstimate
from policies.explain import MISJUDGED, Change, Ranged, Regret, Reign, explain
from policies.rehearsal import Opening, Plan, Planned, Question
from policies.stakes import Stakes
from policies.vocabulary import ActionClass, Check, Limits, Prices, StepKind
from tools.plain import plain

REPEATS = (
    "verify repeat: the failing tests once more, each time because what it may still show (that they are "
    "flaky and passed by chance) is worth more than its seconds"
)

LEAST_SHOWN = 1e-5
"""Dollars; what changes from less than that on is said to change above 0."""

OTHERS = "this is the plan of the default policy; your settings name a baseline, which follows none"

PRICE_NAMES = {"value": "value", "latency": "time", "risk": "risk", "irreversible": "irreversible"}


class Explained(Record):
    """What `--json` holds. Money in dollars, time in seconds.

    `learnt_from`: so many finished runs (0: the estimates are the shipped ones); `problem`: with what is kept
    of them, or ""; `templates`: of the embedded tier, those of which something else is expected than shipped.
    `opening`: the steps up to the first attempt; `choices`: the opening from each value on,
    up to `most_value`; `plan_changes`: values at which any step changes; `changes`: the nearest price on
    either side at which the opening changes; `ranges`: up to where each price was looked at; `regret`: bounds
    for the choice of the next tier; `stakes`: of delivering what the plan finds first, null if nothing;
    `complete`: nothing was left out; `notes`: on the repository's settings."""

    prices: Prices
    limits: Limits
    delivery: ActionClass
    tiers: tuple[TierEstimate, ...]
    learnt_from: int
    templates: Mapping[str, LearntTemplate]
    problem: str
    opening: Opening
    plan: Plan
    choices: tuple[Reign, ...]
    most_value: float
    plan_changes: tuple[float, ...]
    changes: tuple[Change, ...]
    ranges: tuple[Ranged, ...]
    regret: Regret
    stakes: Stakes | None
    decisions: int
    complete: bool
    notes: tuple[str, ...]


def explained(resolved: Resolved, apply: bool) -> Explained:
    """Ask the policy. `apply`: the patch would be applied to the tree, as by `agent fix --apply`.

    Raises UsageError for a tier that cannot be read.
    """
    known = recall(tier_estimates(resolved, build(resolved)), resolved)
    delivery = ActionClass.COMMIT if apply else ActionClass.DRAFT
    question = Question(known.estimates, resolved.prices, resolved.limits, delivery)
    found = explain(question, resolved.schedule)
    verified, suite = found.plan.verified, known.estimates.check(Check.SUITE)
    stakes = stakes_of(resolved.schedule, delivery, verified, resolved.prices, suite) if verified else None
    policy = (OTHERS,) if resolved.policy != MARGINAL else ()
    return Explained(
        prices=resolved.prices,
        limits=resolved.limits,
        delivery=delivery,
        tiers=known.estimates.tiers,
        learnt_from=known.runs,
        templates=known.templates,
        problem=known.problem,
        opening=found.opening,
        plan=found.plan,
        choices=found.choices,
        most_value=found.most_value,
        plan_changes=found.plan_changes,
        changes=found.changes,
        ranges=found.ranges,
        regret=found.regret,
        stakes=stakes,
        decisions=found.decisions,
        complete=found.complete,
        notes=(*policy, *resolved.notes),
    )


def show(found: Explained, console: Console) -> None:
    """Print it; every part fits 80 columns, and no line of a log ends in blanks."""
    if console.is_terminal:
        _print(found, console)
        return
    with console.capture() as captured:
        _print(found, console)
    lines = captured.get().splitlines()
    console.print(Text("\n".join(line.rstrip() for line in lines)), soft_wrap=True)


def _print(found: Explained, console: Console) -> None:
    console.print(_heading(found))
    for note in found.notes:
        console.print(Text(f"note: {plain(note)}", style="dim"))
    repeated = any(f"{StepKind.VERIFY} {Check.REPEAT}" in step.then for step in found.plan.steps)
    ending = found.plan.ending + (f"\n{REPEATS}" if repeated else "")
    _section(console, "The plan, as long as every attempt fails", _plan(found), ending)
    also = ", ".join(show_money(amount) for amount in found.plan_changes)
    _section(
        console,
        f"How it begins, by value (up to {show_money(found.most_value)})",
        _by_value(found),
        f"Some step of the plan changes at {also}." if also else "",
    )
    incomplete = (
        f"Not everything was looked for, after {found.decisions} decisions: not every change of the plan, if "
        "any. Fewer tiers (--tier) or no limits (--budget none --deadline none) are quicker."
    )
    _section(
        console,
        "What each price would have to be for it to begin otherwise",
        _by_price(found),
        "" if found.complete else incomplete,
    )
    if found.plan.steps:
        console.print(Text(_regret(found)))
    if found.stakes is not None:
        console.print()
        console.print(Text(f"Delivering what it finds (a {found.delivery})", style="bold"))
        console.print(Text("\n".join(in_words(found.stakes))))


def _regret(found: Explained) -> str:
    """How far the choice of the next tier may be off."""
    known, misjudged = show_money(found.regret.known), show_money(found.regret.misjudged)
    return (
        f"If there were one attempt and no limit, these estimates would choose {found.regret.chosen}: "
        f"within {known} of the best choice for the task, on average, if they are right; within {misjudged} "
        f"if every chance of success is off by up to {MISJUDGED:g}."
    )


def _section(console: Console, title: str, table: Table, remark: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(table)
    if remark:
        console.print(Text(remark, style="dim"))


def _heading(found: Explained) -> Table:
    prices, limits = found.prices, found.limits
    table = Table.grid(padding=(0, 2))
    rows = {
        "prices": f"value {show_money(prices.value)} · time {show_money(prices.latency)}/s · "
        f"risk {show_money(prices.risk)} · irreversible {show_money(prices.irreversible)}",
        "limits": f"budget {show_money(limits.dollars)} · deadline {show_seconds(limits.seconds)}",
        "tiers": ", ".join(f"{tier.name} ({show_money(tier.dollars)})" for tier in found.tiers),
        "estimates": f"learnt from {counted(found.learnt_from)}" if found.learnt_from else "as shipped",
    }
    if moved := templates_in_words(found.templates):
        rows[""] = moved
    if found.problem:
        rows["note"] = plain(found.problem)
    if found.plan.steps:
        rows["worth"] = (
            f"{show_money(found.plan.worth)} before it begins; a right patch is delivered with "
            f"probability {found.plan.right:.2f}"
        )
    for name, text in rows.items():
        table.add_row(name, Text(text))
    return table


def _plan(found: Explained) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "step", "chance", "dollars", "time", "net", "when there is a candidate"):
        table.add_column(
            column, justify="right" if column in ("chance", "dollars", "time", "net") else "left"
        )
    preparing = found.plan.preparing
    if preparing:
        seconds = sum(step.seconds for step in preparing)
        together = replace(preparing[0], step="prepare", seconds=seconds)
        table.add_row("", *_cells(together))
    for number, step in enumerate(found.plan.steps, start=1):
        table.add_row(f"{number}.", *_cells(step))
    return table


def _cells(planned: Planned) -> tuple[Text, ...]:
    dollars = show_money(planned.dollars) if planned.dollars else "0"
    cells = (
        planned.step,
        f"{planned.probability:.0%}",
        dollars,
        show_seconds(planned.seconds),
        f"{planned.net:+.2f}",
        ", ".join(planned.then),
    )
    return tuple(Text(cell) for cell in cells)


def _by_value(found: Explained) -> Table:
    table = Table.grid(padding=(0, 2))
    for reign in found.choices:
        table.add_row("from", Text(show_money(reign.value), justify="right"), Text(_words(reign.choice)))
    return table


def _by_price(found: Explained) -> Table:
    table = Table.grid(padding=(0, 2))
    changes: dict[str, list[Change]] = {}
    ranges = {looked.price: looked.most for looked in found.ranges}
    for change in found.changes:
        changes.setdefault(change.price, []).append(change)
    now = {name: getattr(found.prices, name) for name in PRICE_NAMES}
    now |= {f"tier {tier.name}": tier.dollars for tier in found.tiers}
    for price, amount in now.items():
        table.add_row(
            Text(PRICE_NAMES.get(price, price)),
            _amount(price, amount),
            _change(price, changes.get(price, []), ranges.get(price), found.limits.dollars),
        )
    return table


def _change(price: str, changes: list[Change], most: float | None, budget: float) -> Text:
    """most: up to where it was looked at, None if it was not, or not in full. A tier may also be dearer than
    `budget` allows."""
    lines = [
        f"{_at(change)}: {_words(change.choice)}"
        + (" (the budget)" if price.startswith("tier ") and change.at > max(budget, change.now) else "")
        for change in changes
    ]
    if not lines:
        looked = f"no change found from $0.00 to {_amount(price, most)}" if most is not None else ""
        lines = [looked or "not looked for"]
    return Text("\n".join(lines))


def _at(change: Change) -> str:
    if change.at == 0:
        return _amount(change.price, 0.0)
    if change.now < change.at < LEAST_SHOWN:
        return f"more than {_amount(change.price, 0.0)}"
    return f"{_amount(change.price, change.at)} or {'more' if change.at > change.now else 'less'}"


def _amount(price: str, dollars: float) -> str:
    """To a cent for V, to three digits for the others."""
    amount = f"${dollars:.3f}" if price != "value" and 0.1 <= dollars < 1 else show_money(dollars)
    return f"{amount}/s" if price == "latency" else amount


def _words(opening: Opening) -> str:
    return ", then ".join(opening)
