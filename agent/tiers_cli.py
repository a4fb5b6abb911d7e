"""`agent tiers`: the ladder, with the price, health, learned success and cost of each tier."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from agent import flags, ladder
from agent.errors import AgentError
from agent.intake import tier_estimates
from agent.memory import Recalled, counted, recall
from agent.outputs import check_outputs, fail, written
from agent.settings import Resolved, resolve
from agent.task import Record
from agent.tiers.endpoint import mended
from agent.tiers.interface import Tier
from agent.tiers.model import ModelTier
from agent.tiers.models import lacks_key
from agent.tiers.pricing import PriceVector, Rates
from agent.tiers.prompt import CallFailed
from agent.units import show_seconds
from agent.view import make_console
from policies.amounts import show_money
from policies.belief import Belief, success
from policies.estimates import TierEstimate
from tools.plain import plain

app = typer.Typer(add_completion=False, rich_markup_mode=None)

CHECK_SECONDS = 5.0


class TierShown(Record):
    """A tier of the ladder. price: dollars per million tokens by phase, and beyond which prompt size they
    are others; success: P(the first attempt is right) on a task nothing is known about; dollars, seconds: of
    one usual attempt; learnt: from so many finished runs (0: as shipped); health: "ok", or why it cannot be
    asked; "" where it was not looked at."""

    name: str
    what: str
    endpoint: str = ""
    price: PriceVector | None = None
    success: float
    dollars: float
    seconds: float
    learnt: int
    health: str = ""


class TiersShown(Record):
    """What `agent tiers` says."""

    tiers: tuple[TierShown, ...]
    notes: tuple[str, ...] = ()


@app.command("tiers", help="List the tiers with their prices, health, success and cost.")
def tiers_command(
    tier: flags.TierNames = None,
    memory: flags.Remembered = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no endpoint how it is.")] = False,
    json_out: flags.JsonOut = None,
) -> None:
    """Asking an endpoint for its models costs nothing."""
    console = make_console()
    try:
        check_outputs(Path.cwd(), None, json_out)
        with console.status("asking the endpoints …"):
            found = found_tiers({"tier": tier, "memory": flags.word(memory)}, check=not offline)
    except AgentError as error:
        fail(str(error), error.exit_code)
    show_tiers(console, found)
    written(json_out, found)


def found_tiers(given: Mapping[str, object], check: bool) -> TiersShown:
    """The ladder as `agent fix` would have it. Raises UsageError."""
    resolved = resolve(given, None)
    tiers = ladder.build(resolved, keys=False)
    try:
        healths = _healths(tiers, check)
        recalled = recall(tier_estimates(resolved, tiers), resolved)
        shown = tuple(
            _shown(each, tiers.get(each.name), recalled, healths.get(each.name, ""))
            for each in recalled.estimates.tiers
        )
    finally:
        for tier in tiers.values():
            tier.close()
    notes = (*ladder.notes_on(resolved, tiers), *recalled.notes, *_hint(resolved, tiers))
    return TiersShown(tiers=shown, notes=notes)


def _healths(tiers: Mapping[str, Tier], check: bool) -> dict[str, str]:
    """Which models lack their key, and what the endpoints of the others say if they are to be asked."""
    models = {name: tier for name, tier in tiers.items() if isinstance(tier, ModelTier)}
    lacking = {name: lacks_key(tier.settings) for name, tier in models.items()}
    asked = {name: tier for name, tier in models.items() if check and not lacking[name]}
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        return lacking | dict(zip(asked, pool.map(_health, asked.values()), strict=True))


def _health(tier: ModelTier) -> str:
    try:
        tier.caller.client.check(CHECK_SECONDS)
    except CallFailed as failed:
        return mended(tier.settings, failed.kind, failed.message)
    return "ok"


def _shown(estimate: TierEstimate, tier: Tier | None, recalled: Recalled, health: str) -> TierShown:
    model = tier.settings if isinstance(tier, ModelTier) else None
    if tier is None:
        what = "embedded program repair"
    else:
        what = f"{model.provider} {model.model}" if model else "scripted replies"
    return TierShown(
        name=estimate.name,
        what=what,
        endpoint=model.base_url if model else "",
        price=model.price if model else None,
        success=success(Belief(), estimate.name, recalled.estimates),
        dollars=estimate.dollars,
        seconds=estimate.seconds,
        learnt=recalled.runs,
        health=health,
    )


def _hint(resolved: Resolved, tiers: Mapping[str, Tier]) -> tuple[str, ...]:
    if tiers or len(resolved.tier_names) > 1:
        return ()
    return (
        "set ANTHROPIC_API_KEY or OPENAI_API_KEY for a ladder of models, or describe tiers in your settings",
    )


def show_tiers(console: Console, found: TiersShown) -> None:
    """Print the ladder as a table, and what a person should know of it."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in (
        "tier",
        "what",
        "prefill",
        "cached",
        "written",
        "decode",
        "success",
        "attempt",
        "health",
    ):
        words = name in ("tier", "what", "health")
        justify: JustifyMethod = "left" if words else "right"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=not words)
    for tier in found.tiers:
        usual = f"{show_money(tier.dollars)}\n{show_seconds(tier.seconds)}"
        table.add_row(
            Text(plain(tier.name)),
            Text(plain(f"{tier.what} {tier.endpoint}".strip())),
            *_rates(tier.price.rates if tier.price else None),
            f"{tier.success:.0%}",
            usual,
            Text(plain(tier.health)),
        )
        for step in tier.price.steps if tier.price else ():
            table.add_row("", Text(f"prompts beyond {step.beyond:,} tokens"), *_rates(step.rates), "", "", "")
    console.print(table)
    sources = dict.fromkeys(tier.price.source for tier in found.tiers if tier.price)
    learnt = max((tier.learnt for tier in found.tiers), default=0)
    lines = [
        "prices in dollars per million tokens" + (f", from {', '.join(sources)}" if sources else ""),
        "success: P(the first attempt is right) on a task nothing is known about, "
        + (f"learnt from {counted(learnt)}" if learnt else "as shipped"),
        "attempt: what a usual one costs, and how long it takes",
        *(f"note: {note}" for note in found.notes),
    ]
    for line in lines:
        console.print(Text(plain(line), style="dim"), soft_wrap=True)


def _rates(rates: Rates | None) -> tuple[str, str, str, str]:
    if rates is None:
        return ("", "", "", "")
    return (f"{rates.prefill:g}", f"{rates.cached:g}", f"{rates.written:g}", f"{rates.decode:g}")
