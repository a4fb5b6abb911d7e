"""`agent menu`: what to offer at which price when task values differ, with MTA eq. 5 checked line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent import flags, ladder
from agent.errors import AgentError, UsageError
from agent.intake import tier_estimates
from agent.memory import Recalled, counted, recall, templates_in_words
from agent.outputs import fail
from agent.settings import resolve
from agent.units import money
from agent.view import make_console
from policies.amounts import show_money
from policies.belief import Belief
from policies.menu import Inequality, Menu, Quality, Values, histogram, inequalities, lognormal, menu
from policies.router import Router
from policies.vocabulary import ActionClass, Prices
from tools.plain import plain

app = typer.Typer(add_completion=False, rich_markup_mode=None)

MOST_VALUES = 1000
"""Of a histogram; more say nothing more about a distribution."""

SHOWN_VALUES = 20

LOGNORMAL = "lognormal"

TaskValues = Annotated[
    str,
    typer.Option(
        "--values",
        metavar="VALUES",
        help="Task values: 5,20,50, or with weights 5:6,20:3,50:1, or lognormal:MEDIAN:SIGMA.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Tier:
    """What a tier's first attempt is expected to come to. dollars: money alone. full_price: with the priced
    time and loss, which the buyer bears."""

    name: str
    quality: float
    dollars: float
    full_price: float


@app.command("menu", help="Price a menu of tiers for tasks of different values, and check its incentives.")
def menu_command(
    values: TaskValues,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    tier: flags.TierNames = None,
    memory: flags.Remembered = None,
    as_json: Json = False,
) -> None:
    """Print the offers, and every inequality of MTA eq. 5."""
    given = {
        "latency_price": latency_price,
        "risk_price": risk_price,
        "irreversible_price": irreversible_price,
        "tier": tier,
        "memory": flags.word(memory),
    }
    try:
        show_menu(make_console(), values, given, as_json)
    except AgentError as error:
        fail(str(error), error.exit_code)


def show_menu(console: Console, text: str, given: Mapping[str, object], as_json: bool) -> None:
    """Work the menu out and print it. `given`: prices and tiers as in `agent fix`. Raises UsageError."""
    values = task_values(text)
    known, tiers = _tiers(given)
    try:
        found = menu(values, [Quality(tier.name, tier.quality, tier.full_price) for tier in tiers])
    except ValueError as error:
        raise UsageError(f"menu: {error}") from None
    checked = inequalities(found)
    if as_json:
        typer.echo(json.dumps(_record(found, checked, tiers, known), indent=2))
        return
    _print_values(console, found)
    _print_offers(console, found, tiers)
    _print_source(console, known)
    _print_inequalities(console, checked)


def task_values(text: str) -> Values:
    """The distribution that `--values` means. Raises UsageError."""
    try:
        if text.strip().startswith(LOGNORMAL):
            parts = text.split(":")
            if len(parts) != 3:
                raise ValueError("it needs a median and a sigma")
            return lognormal(money(parts[1]), float(parts[2]))
        pairs = [_weighted(part) for part in text.split(",")]
        if len(pairs) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values")
        return histogram(pairs)
    except ValueError as error:
        forms = "write 5,20,50 or 5:6,20:3 or lognormal:20:1"
        raise UsageError(f"values: '{text[:60]}' is no distribution: {error} ({forms})") from None


def _weighted(part: str) -> tuple[float, float]:
    value, colon, weight = part.partition(":")
    return money(value), float(weight) if colon else 1.0


def _tiers(given: Mapping[str, object]) -> tuple[Recalled, tuple[Tier, ...]]:
    """What is expected, and the configured tiers at the start of a task about which nothing is known,
    delivered as a patch file."""
    resolved = resolve(given, None)
    recalled = recall(tier_estimates(resolved, ladder.build(resolved)), resolved)
    known = recalled.estimates
    router = Router(known, Belief(), resolved.schedule.risks.of(ActionClass.DRAFT))
    choices = [(each.name, router.writes(each).choice(router.weights)) for each in known.tiers]
    prices: Prices = resolved.prices
    return recalled, tuple(Tier(name, c.quality, c.dollars, c.full_price(prices)) for name, c in choices)


def _print_values(console: Console, found: Menu) -> None:
    values = found.values
    if len(values.dollars) > SHOWN_VALUES:
        low, high = show_money(values.dollars[0]), show_money(values.dollars[-1])
        pooled = len(set(found.ironed)) < len(values.dollars)
        how = "ironed" if pooled else "not ironed, as it rises"
        console.print(
            Text(f"{len(values.dollars)} values of equal share, {low} to {high}; virtual value {how}")
        )
        return
    table = _table("V", "share", "virtual value", "ironed", "offer", left=("offer",))
    for value, share, virtual, ironed, offer in zip(
        values.dollars, values.shares, found.virtual, found.ironed, found.offered, strict=True
    ):
        name = found.offers[offer].name if offer >= 0 else "none"
        table.add_row(show_money(value), f"{share:.1%}", show_money(virtual), show_money(ironed), Text(name))
    console.print(table)


def _print_offers(console: Console, found: Menu, tiers: tuple[Tier, ...]) -> None:
    console.print()
    if not found.offers:
        console.print(Text("no offer: no tier is worth its cost at any virtual value"))
        return
    dollars = {tier.name: tier for tier in tiers}
    table = _table("offer", "quality", "price", "to pay", "cost", "for values", "share", left=("offer",))
    for offer in found.offers:
        own = dollars[offer.name].full_price - dollars[offer.name].dollars
        table.add_row(
            Text(offer.name),
            f"{offer.quality:.2f}",
            show_money(offer.price),
            show_money(offer.price - own),
            show_money(offer.cost),
            f"{show_money(offer.lowest)}-{show_money(offer.highest)}",
            f"{offer.share:.1%}",
        )
    console.print(table)
    console.print(
        Text(
            "quality: P(the first attempt is right) on a task nothing is known about\n"
            "price and cost count the buyer's waiting and risk; to pay leaves them out"
        )
    )
    console.print(
        Text(
            f"per task: profit {show_money(found.profit)}, left to buyers {show_money(found.surplus)}; "
            f"{found.served:.0%} of tasks served"
        ),
        soft_wrap=True,
    )


def _print_source(console: Console, known: Recalled) -> None:
    """Where the qualities and costs come from."""
    source = f"learnt from {counted(known.runs)}" if known.runs else "as shipped"
    console.print(Text(f"estimates: {source}"))
    if moved := templates_in_words(known.templates):
        console.print(Text(moved))
    if known.problem:
        console.print(Text(f"note: {plain(known.problem)}"))


def _print_inequalities(console: Console, checked: tuple[Inequality, ...]) -> None:
    if not checked:
        return
    console.print()
    table = _table(
        "eq. 5", "meant for", "instead", "at V", "worth", "", "instead", "", left=("meant for", "eq. 5")
    )
    for each in checked:
        table.add_row(
            kind(each),
            Text(each.offer or "none"),
            Text(each.instead or "none"),
            show_money(each.value),
            show_money(each.mine),
            ">=",
            show_money(each.other),
            "holds" if each.holds else "FAILS",
        )
    console.print(table)
    held = sum(each.holds for each in checked)
    console.print(Text(f"{held} of {len(checked)} inequalities hold, each at the V where it is tightest"))


def kind(each: Inequality) -> str:
    """Incentive compatibility, or individual rationality (against taking no offer)."""
    return "IC" if each.instead else "IR"


def _record(
    found: Menu, checked: tuple[Inequality, ...], tiers: tuple[Tier, ...], known: Recalled
) -> dict[str, object]:
    return {
        "learnt_from": known.runs,
        "problem": known.problem,
        "templates": {name: each._asdict() for name, each in known.templates.items()},
        "tiers": [asdict(tier) for tier in tiers],
        **asdict(found),
        "inequalities": [{"kind": kind(each), **asdict(each)} for each in checked],
    }


def _table(*headings: str, left: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", overflow="fold")
    return table
