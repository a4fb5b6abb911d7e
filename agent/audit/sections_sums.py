"""Where the money went, and whether the predictions can be trusted, as sections."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.audit.results import CacheUse, RunAudit
from agent.audit.results_sums import Accuracy, Audit, Reliability
from agent.audit.section import (
    FREE,
    LONG_NAME,
    UNKNOWN,
    Section,
    Table,
    shown_amount,
    shown_cell,
    shown_money,
    shown_number,
    shown_total,
    word,
)
from agent.audit.shown import BY_FLAG, RIGHT, chance, digits, untold, used
from agent.units import show_seconds
from policies.amounts import show_money
from policies.autonomy import Confirmation

SURPRISING = 0.01
"""A p-value below which a tier is said to have drifted from its predictions."""


def kinds_section(audit: Audit) -> Section | None:
    """Gain per dollar of each kind of step."""
    if not any(each.steps for each in audit.kinds):
        return None
    rows = tuple(
        (
            each.kind,
            f"{each.steps:,}",
            shown_money(each.per_step(each.gain)),
            shown_money(each.per_step(each.price)),
            shown_number(each.per_dollar) if each.price > 0 else FREE,
            shown_number(each.last) if each.last_price > 0 else FREE,
        )
        for each in audit.kinds
        if each.steps
    )
    columns = ("kind", "steps>", "gain a step>", "price a step>", "per dollar>", "last>")
    remarks = [
        "gain and full price as predicted, means of the steps that had a prediction; per dollar: gain per "
        "full dollar; last: of the last one bought, equal between kinds at an optimum"
    ]
    if audit.margins is not None:
        remarks.append(
            "between read, plan, act and verify the last dollars differ by a factor of "
            f"{digits(audit.margins)}; steps are indivisible, so some difference stays"
        )
    return Section("gain per dollar", (), Table(columns, rows), tuple(remarks))


def bills_section(audit: Audit) -> Section | None:
    """What each kind of step took: all of it, and the money and the time of it."""
    if not audit.kinds:
        return None
    rows = tuple(
        (
            each.kind,
            f"{each.steps + each.unpredicted:,}",
            shown_cell(each.paid),
            shown_cell(each.dollars),
            shown_cell(each.seconds, show_seconds),
        )
        for each in audit.kinds
    )
    columns = ("kind", "steps>", "paid>", "money>", "time>")
    remarks = (
        "sums over all steps; paid: money, attention, time and risk, in dollars; +: and more that is "
        f"unknown; {UNKNOWN}: unknown",
    )
    return Section("where it went", (), Table(columns, rows), remarks)


def predictions(audit: Audit) -> tuple[Section | None, ...]:
    """Whether probabilities came true, bills kept to their quotes, and tiers to their estimates."""
    return _calibration(audit.calibration), _accuracy(audit.accuracy), _drift(audit)


def _calibration(found: Sequence[Reliability]) -> Section | None:
    if not found:
        return None
    rows = []
    for each in found:
        label = (
            f"{each.kind} {word(each.of, LONG_NAME)}"
            if each.kind == "act"
            else word(each.of or each.kind, 32)
        )
        rows.append(
            (
                word(label, LONG_NAME),
                f"{each.n:,}",
                f"{each.predicted:.0%}",
                f"{each.rate:.0%}",
                f"{each.brier:.3f}",
                f"{each.reliability:.3f}",
                f"{each.resolution:.3f}",
            )
        )
    columns = ("probability of", "n>", "said>", "came>", "Brier>", "off>", "tells>")
    remarks = (
        "off: how far from what was said (0: calibrated); tells: how well predictions tell cases apart; bins "
        "are in the JSON",
    )
    return Section("did probabilities come true", (), Table(columns, tuple(rows)), remarks)


def _accuracy(found: Sequence[Accuracy]) -> Section | None:
    if not found:
        return None
    rows = tuple(
        (
            f"{each.what} of {word(each.of, LONG_NAME)}",
            f"{each.n:,}",
            shown_amount(each.what, each.predicted),
            shown_amount(each.what, each.billed),
            shown_number(each.typical),
            shown_number(each.spread),
            f"{each.covered:.0%}",
        )
        for each in found
    )
    columns = ("", "n>", "quoted>", "billed>", "typical>", "spread>", "within>")
    remarks = (
        "typical: billed over quoted (1: as quoted), spread: the factor around it; within: bills within "
        "the worst case that was reserved at first",
    )
    return Section("did bills keep to their quotes", (), Table(columns, rows), remarks)


def _drift(audit: Audit) -> Section | None:
    off = [each for each in audit.drift if each.p_value < SURPRISING]
    if not off:
        return None
    lines = [
        f"{word(each.tier, 60)}: {each.right:,} of {each.n:,} attempts were right, {each.expected:.1f} were "
        f"predicted (p = {each.p_value:.2g}): its estimates are stale, or were never right"
        for each in off
    ]
    return Section("tiers that have drifted", tuple(lines))


def caches_section(audit: Audit) -> Section | None:
    """What prompt caches were worth, by V."""
    if not any(band.use.read or band.use.written for band in audit.cache):
        return None
    rows = tuple(
        (
            f"{show_money(band.low)} to {show_money(math.inf if band.high is None else band.high)}",
            f"{band.runs:,}",
            shown_total(band.value),
            *_cache(band.use),
        )
        for band in audit.cache
    )
    columns = ("V", "runs>", "value>", "read>", "saved>", "premium>", "gain>")
    left = untold(band.use for band in audit.cache)
    remarks = (f"+: and more, of {left}",) if left else ()
    return Section("prompt caches by V", (), Table(columns, rows), remarks)


def _cache(use: CacheUse) -> tuple[str, str, str, str]:
    if not use.priced:
        return f"{use.read:,}", UNKNOWN, UNKNOWN, UNKNOWN
    gain, more = use.saved - use.premium, "+" if use.untold else ""
    saved, premium = (f"{show_money(amount)}{more}" for amount in (use.saved, use.premium))
    return f"{use.read:,}", saved, premium, show_money(gain)


def given_section(run: RunAudit) -> Section | None:
    """Each delivery of one run: the level used, and who asked for which."""
    if not run.autonomy:
        return None
    lines = []
    for use in run.autonomy:
        levels = {
            "asked for by the schedule": use.scheduled,
            "with the prices": use.required,
            "best by the prices alone": use.optimum,
        }
        words = ", ".join(f"{Confirmation(level).word} {name}" for name, level in levels.items())
        given = f"{used(use)} used, {words}"
        lines.append(f"step {use.step}, {use.delivery}, {RIGHT} {chance(use.right)}: {given}")
    remarks = (BY_FLAG,) if any(use.by_flag for use in run.autonomy) else ()
    return Section("confirmation", tuple(lines), None, remarks)


def autonomy_section(audit: Audit) -> Section | None:
    """Deliveries of several runs, by action class."""
    if not audit.autonomy:
        return None
    rows = tuple(
        (
            each.delivery,
            f"{each.free:,}",
            f"{each.confirm:,}",
            f"{each.by_flag:,}",
            f"{each.multi_party:,}",
            f"{each.laxer:,}",
            f"{each.stricter:,}",
            show_money(each.cost),
        )
        for each in audit.autonomy
    )
    columns = (
        "delivered", "free>", "confirm>", "of it by flag>", "multi-party>", "laxer>", "stricter>", "cost>"
    )  # fmt: skip
    remarks = ["laxer, stricter: than schedule and prices required; the rest as required"]
    if any(each.by_flag for each in audit.autonomy):
        remarks.append(BY_FLAG)
    return Section("autonomy used", (), Table(columns, rows), tuple(remarks))
