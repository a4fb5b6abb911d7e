"""Amounts as an audit's page shows them. What is not known, or is no number, is `unknown`, never 0."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from agent.audit.results import AutonomyUse, CacheUse, Gap, Total
from agent.units import show_seconds
from policies.amounts import LEGIBLE, NOTHING, show_money
from policies.autonomy import Confirmation

NOT_KNOWN = "unknown"
RIGHT = "P(right) when submitted, once verified:"
"""It was decided at this; the summary of a run says what the checks that it passed tell at its end."""

MINUS = "−"

BY_FLAG = "by flag: --apply or --commit said so in advance; nobody was asked, and no attention is counted"

EXPECTED = (
    "what choices gave up is expected, by the table when they were made, and failure modes name some of it "
    "by its cause; what is said in hindsight is as it turned out"
)
"""Why what choices gave up and the gap in hindsight need not agree."""


def money(dollars: float | None) -> str:
    """`$0.42`, `−$1.20`."""
    if dollars is None or math.isnan(dollars):
        return NOT_KNOWN
    return show_money(dollars).replace("-$", f"{MINUS}$", 1)


def signed(dollars: float | None) -> str:
    """Dollars with a sign and without the dollar, for a column of them: `+1.20`, `−0.00034`, `0`."""
    if dollars is None or math.isnan(dollars):
        return NOT_KNOWN
    if abs(dollars) < NOTHING:
        return "0"
    return ("+" if dollars > 0 else MINUS) + show_money(abs(dollars)).lstrip("$")


def seconds(span: float | None) -> str:
    """`3m 10s`."""
    if span is None or math.isnan(span):
        return NOT_KNOWN
    if LEGIBLE <= abs(span) < math.inf:
        return f"{span:.3g}s"
    return show_seconds(span) if span >= 0 else MINUS + show_seconds(-span)


def chance(probability: float | None) -> str:
    """`87%`; what is not quite certain is never 0% or 100%."""
    if probability is None or math.isnan(probability):
        return NOT_KNOWN
    if 0 < probability < 0.005 or 0.995 < probability < 1:
        return "<0.5%" if probability < 0.5 else ">99.5%"
    return f"{probability:.0%}"


def number(value: float | None) -> str:
    """`1,234`, `12.3`, `0.0123`."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    return digits(value).replace("-", MINUS, 1) if value < 0 else digits(value)


def digits(value: float) -> str:
    """Three digits, or all of a large number; an ASCII minus."""
    return f"{value:,.0f}" if 1000 <= abs(value) < LEGIBLE else f"{value:.3g}"


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Each path by its last part, or by as many as tell it from the others; of those the first and the last:
    `trial-1/…/trajectory.json`."""
    parts = {path: Path(path).parts or (path,) for path in paths}
    names = dict[str, str]()
    for depth in range(1, max(map(len, parts.values()), default=0) + 1):
        tails = Counter(each[-depth:] for each in parts.values())
        for path, each in parts.items():
            if path not in names and (tails[each[-depth:]] == 1 or depth == len(each)):
                between = "/…/" if depth > 2 else "/"
                names[path] = each[-1] if depth == 1 else f"{each[-depth].rstrip('/')}{between}{each[-1]}"
    return names


def moment(time: float | None) -> str:
    """A time in UTC."""
    try:
        return NOT_KNOWN if time is None else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return NOT_KNOWN


def unknown_part(total: Total) -> str:
    """Of a sum over several parts, of how many not everything is in it."""
    parts = total.known + total.unknown
    return f"{total.unknown:,} of {parts:,} not known in full" if total.unknown and parts > 1 else ""


def net_part(net: Total) -> str:
    """Of a sum of nets: over which runs, where it is not known of all."""
    runs = net.known + net.unknown
    if not net.unknown or not net.known:
        return ""
    return f"over {net.known:,} of {runs:,} runs, those of which all is known"


def told(total: Total) -> bool:
    """Whether a sum says anything: 0 of which nothing is known does not."""
    return not total.unknown or total.known > 0 or total.total != 0


def at_least(total: Total) -> str:
    """Before a sum of amounts that cannot be negative."""
    return "at least " if total.unknown else ""


def gap_interval(gap: Gap) -> str:
    """By how much the best is worth more under the model."""
    assert gap.mean is not None and gap.low is not None and gap.high is not None
    beyond = ", and seldom far more" if gap.mean > gap.high else ""
    between = f"{show_money(gap.low)} to {show_money(gap.high)} with a probability of 90%{beyond}"
    return f"{show_money(gap.mean)} on average, {between}{over(gap.runs, gap.of)}"


def over(known: int, of: int) -> str:
    """After what is known of some of several runs only: of how many."""
    if of < 2:
        return ""
    return f", over {count(of, 'run')}" if known == of else f", over {known:,} of {of:,} runs"


def untold(parts: Iterable[CacheUse]) -> str:
    """Of which requests it is not known what caches saved, and why; "" for none."""
    each = list(parts)
    silent, unpriced = sum(use.silent for use in each), sum(use.unpriced for use in each)
    words = [f"{count(silent, 'request')} that reported no usage"] if silent else []
    words += [f"{count(unpriced, 'request')} whose rates are not known"] if unpriced else []
    return " and ".join(words)


def used(use: AutonomyUse) -> str:
    """The level of confirmation of a delivery, and who approved it, or that nobody was asked for it."""
    by = " by flag" if use.by_flag else f" by {', '.join(use.approved)}" if use.approved else ""
    return f"{Confirmation(use.used).word}{by}"


def count(many: int, what: str) -> str:
    """`1 run`, `1,204 runs`."""
    return f"{many:,} {what}{'' if many == 1 else 's'}"
