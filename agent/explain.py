"""`agent explain`: what would be done at given prices, and what would change it, in words and as data."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.intake import tier_estimates
from agent.ladder import build
from agent.settings import Resolved
from agent.task import Record
from agent.units import show_money, show_seconds
from policies.estimates import TierEstimate
from policies.explain import MOST_VALUE, Change, Reign, explain
from policies.priors import default_estimates
from policies.rehearsal import Opening, Plan, Planned, Question
from policies.vocabulary import ActionClass, Limits, Prices

PRICE_NAMES = {"value": "value", "latency": "time", "risk": "risk", "irreversible": "irreversible"}


class Explained(Record):
    """What `--json` holds. Money in dollars, time in seconds. `opening`: the steps up to the first attempt;
    `choices`: the opening from each value on; `plan_changes`: values at which any step changes; `changes`:
    the nearest price on either side at which the opening changes; `complete`: nothing was left out."""

    prices: Prices
    limits: Limits
    delivery: ActionClass
    tiers: tuple[TierEstimate, ...]
    opening: Opening
    plan: Plan
    choices: tuple[Reign, ...]
    plan_changes: tuple[float, ...]
    changes: tuple[Change, ...]
    decisions: int
    complete: bool


def explained(resolved: Resolved, apply: bool) -> Explained:
    """Ask the policy. `apply`: the patch would be applied to the tree, as by `agent fix --apply`.

    Raises UsageError for a tier that cannot be read.
    """
    tiers = tier_estimates(resolved, build(resolved))
    delivery = ActionClass.COMMIT if apply else ActionClass.DRAFT
    question = Question(default_estimates(tiers), resolved.prices, resolved.limits, delivery)
    found = explain(question, resolved.schedule)
    return Explained(
        prices=resolved.prices,
        limits=resolved.limits,
        delivery=delivery,
        tiers=tiers,
        opening=found.opening,
        plan=found.plan,
        choices=found.choices,
        plan_changes=found.plan_changes,
        changes=found.changes,
        decisions=found.decisions,
        complete=found.complete,
    )


def show(found: Explained, console: Console) -> None:
    """Print it; every part fits 80 columns."""
    console.print(_heading(found))
    _section(console, "The plan, as long as every attempt fails", _plan(found), found.plan.ending)
    also = ", ".join(show_money(amount) for amount in found.plan_changes)
    _section(
        console,
        f"How it begins, by value (up to {show_money(MOST_VALUE)})",
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
    }
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
    for change in found.changes:
        changes.setdefault(change.price, []).append(change)
    now = {name: getattr(found.prices, name) for name in PRICE_NAMES}
    now |= {f"tier {tier.name}": tier.dollars for tier in found.tiers}
    for price, amount in now.items():
        table.add_row(
            Text(PRICE_NAMES.get(price, price)), _amount(price, amount), *_change(changes.get(price))
        )
    return table


def _change(changes: list[Change] | None) -> tuple[Text, ...]:
    if not changes:
        return (Text("no other price changes it"),)
    lines = [
        f"{_amount(change.price, change.at)} or {'more' if change.at > change.now else 'less'}: "
        f"{_words(change.choice)}"
        for change in changes
    ]
    return (Text("\n".join(lines)),)


def _amount(price: str, dollars: float) -> str:
    """To a cent for V, to three digits for the others."""
    if price == "value" or not 0.01 <= dollars < 1:
        amount = show_money(dollars)
    else:
        amount = f"${dollars:.3f}"
    return f"{amount}/s" if price == "latency" else amount


def _words(opening: Opening) -> str:
    return ", then ".join(opening)
