"""What the page says over all runs of an audit: failure modes, calibration, caches, autonomy."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from agent.audit.markup import (
    UNKNOWN,
    Markup,
    Part,
    chance,
    columns,
    joined,
    money,
    number,
    quoted,
    row,
    soft,
    table,
    tag,
)
from agent.audit.page_amounts import total
from agent.audit.page_steps import NAME
from agent.audit.plots_sums import ratios, reliability
from agent.audit.results_sums import Accuracy, Audit, AutonomySum, Bin, CacheBand, Drift, ModeSum, Reliability
from agent.audit.shown import EXPECTED, count
from policies.calibration import wilson

MOST_CURVES = 8
LEAST_PREDICTIONS = 10
"""A group of fewer predictions has no curve of its own, but its row in the table."""

MOST_ROWS = 100
MOST_RATIOS = 12


def modes(audit: Audit) -> Iterator[Part]:
    """The seven failure modes: where they were found, and what they cost."""
    yield tag("h2", "Failure modes", id="modes")
    most = max((each.dollars or 0.0 for each in audit.modes), default=0.0)
    head = columns("mode", "cost", "", "runs with it", "without", "cannot be told", "steps", "formula")
    yield table("", head, (_mode(each, most) for each in audit.modes), "modes")
    details = [part for each in audit.modes for part in (*_worst(each), *_missing(each))]
    if details:
        yield tag("details", tag("summary", "Where each cost most, and what is missing"), tag("ul", *details))
    if audit.given_up.known:
        yield tag("p", "Given up by choices against the table: ", tag("b", total(audit.given_up)), ".")
        yield soft(EXPECTED.capitalize(), ".")


def _mode(each: ModeSum, most: float) -> Markup:
    share = (each.dollars or 0.0) / most if most > 0 else 0.0
    counts = (f"{many:,}" for many in (each.found, each.none, each.unknown, each.steps))
    cost = (money(each.dollars), "" if each.dollars is None else meter(share, "warn"))
    return row(each.mode, *cost, *counts, tag("span", each.formula, class_="soft"))


def _worst(each: ModeSum) -> Iterator[Part]:
    if each.worst:
        runs = joined(
            (joined([money(dollars), " in ", quoted(path, 300)]) for path, dollars in each.worst), "; "
        )
        yield tag("li", tag("b", each.mode), " cost ", runs)


def _missing(each: ModeSum) -> Iterator[Part]:
    if each.missing:
        texts = joined((quoted(text, 300) for text in each.missing), "; ")
        yield tag("li", tag("b", each.mode), f" cannot be told in {count(each.unknown, 'run')}: ", texts)


def meter(share: float, class_: str = "") -> Part:
    """A bar for a share; the figure beside it says the same."""
    bar = tag("i", style=f"width:{100 * min(1.0, max(0.0, share)):.1f}%")
    return tag("span", bar, class_=f"meter {class_}".strip(), aria_hidden="true")


def calibration(audit: Audit) -> Iterator[Part]:
    """How well probabilities, dollars and seconds were predicted."""
    yield tag("h2", "Calibration", id="calibration")
    if not audit.calibration and not audit.accuracy:
        yield tag("p", "No prediction came with its truth: calibration is ", UNKNOWN, ".")
        return
    curves = list(_curves(audit.calibration))
    if curves:
        yield soft(
            "Reliability: each dot is a group of predictions, larger the more there are (n, on top). On the "
            "dashed line they came true as often as predicted; the line through a dot is the 95% interval."
        )
        yield tag("div", *curves, class_="plots three")
    elif audit.calibration:
        few = sum(each.n for each in audit.calibration)
        yield soft(f"{count(few, 'prediction')} with a truth are too few for a reliability curve.")
    yield tag("div", *_bills(audit.accuracy), class_="plots")
    yield tag("details", tag("summary", "The figures behind these plots"), *_tables(audit))


def _tables(audit: Audit) -> Iterator[Part]:
    if audit.calibration:
        yield table("Probabilities", _PROBABILITIES, map(_calibrated, audit.calibration[:MOST_ROWS]))
    if audit.accuracy:
        yield table("Dollars and seconds", _AMOUNTS, map(_accurate, audit.accuracy[:MOST_ROWS]))
    if audit.drift:
        title = "Drift: attempts against what was predicted of them"
        yield table(title, _DRIFT, map(_drifted, audit.drift[:MOST_ROWS]))
    left = sum(max(0, len(rows) - MOST_ROWS) for rows in (audit.calibration, audit.accuracy, audit.drift))
    if left:
        yield soft(f"{left:,} more rows are left out here; the audit as JSON has them.")


_PROBABILITIES = columns(
    "what", "n", "predicted", "came true", "Brier", "reliability", "resolution", "uncertainty", "within bins"
)
_AMOUNTS = columns(
    "what", "", "n", "predicted", "billed", "ratio", "typical ratio", "its spread", "within worst case"
)
_DRIFT = columns("tier", "attempts", "expected right", "right", "p-value")


def _curves(found: tuple[Reliability, ...]) -> Iterator[Part]:
    """The curve of all predictions, and those of the largest groups."""
    everything = sum(each.n for each in found)
    if everything < LEAST_PREDICTIONS:
        return
    yield reliability("reliability-all", f"All: {count(everything, 'prediction')}", _pooled(found))
    groups = sorted((each for each in found if each.n >= LEAST_PREDICTIONS), key=lambda each: -each.n)
    if len(groups) > 1:
        for place, each in enumerate(groups[:MOST_CURVES], 1):
            yield reliability(
                f"reliability-{place}", f"{_what(each)}: {count(each.n, 'prediction')}", each.bins
            )


def _pooled(found: tuple[Reliability, ...]) -> list[Bin]:
    """The bins of all groups together."""
    together = defaultdict[tuple[float, float], list[Bin]](list)
    for each in found:
        for one in each.bins:
            together[one.low, one.high].append(one)
    pooled = []
    for (low, high), bins in sorted(together.items()):
        n = sum(one.n for one in bins)
        if n:
            predicted = math.fsum(one.n * one.predicted for one in bins) / n
            right = math.fsum(one.n * one.rate for one in bins)
            least, most = wilson(round(right), n)
            pooled.append(
                Bin(low=low, high=high, n=n, predicted=predicted, rate=right / n, least=least, most=most)
            )
    return pooled


def _bills(accuracy: tuple[Accuracy, ...]) -> Iterator[Part]:
    for what in ("dollars", "seconds"):
        rows = sorted((each for each in accuracy if each.what == what), key=lambda each: -each.n)
        left = len(rows) - MOST_RATIOS
        more = f"; {left:,} more are in the table" if left > 0 else ""
        yield ratios(f"ratio-{what}", f"Predicted and billed {what}{more}", rows[:MOST_RATIOS])


def _what(each: Reliability) -> str:
    return each.of if each.of.startswith(each.kind) else f"{each.kind} {each.of}".strip()


def _calibrated(each: Reliability) -> Markup:
    scores = (each.brier, each.reliability, each.resolution, each.uncertainty, each.within)
    return row(
        quoted(_what(each), NAME), f"{each.n:,}", chance(each.predicted), chance(each.rate),
        *(f"{score:.4f}" for score in scores),
    )  # fmt: skip


def _accurate(each: Accuracy) -> Markup:
    amounts = [
        money(amount) if each.what == "dollars" else f"{amount:,.1f}s"
        for amount in (each.predicted, each.billed)
    ]
    spread = UNKNOWN if each.spread is None else joined(["×÷ ", number(each.spread)])
    return row(
        quoted(each.of, NAME), each.what, f"{each.n:,}", *amounts, number(each.ratio), number(each.typical),
        spread, chance(each.covered),
    )  # fmt: skip


def _drifted(each: Drift) -> Markup:
    return row(
        quoted(each.tier, NAME),
        f"{each.n:,}",
        f"{each.expected:.1f}",
        f"{each.right:,}",
        number(each.p_value),
    )


def _p_value(p: float) -> Part:
    return "<0.0001" if p < 0.0001 else number(p)


def caches(audit: Audit) -> Iterator[Part]:
    """What prompt caches were worth, by V."""
    bands = [each for each in audit.cache if each.use.read or each.use.written]
    if not bands:
        return
    yield tag("h2", "Prompt caches by value of the task", id="caches")
    most = max((each.use.saved - each.use.premium for each in bands), default=0.0)
    head = columns(
        "V of the run", "runs", "V delivered", "tokens read", "tokens written", "reading saved",
        "writing cost on top", "worth", "", "requests left out",
    )  # fmt: skip
    yield table("", head, (_band(each, most) for each in bands))


def _band(each: CacheBand, most: float) -> Markup:
    use = each.use
    end = joined([" to ", money(each.high)]) if each.high is not None else " and more"
    worth = use.saved - use.premium if use.priced else None
    saved, premium = (money(amount if use.priced else None) for amount in (use.saved, use.premium))
    return row(
        joined([money(each.low), end]), f"{each.runs:,}", total(each.value), f"{use.read:,}",
        f"{use.written:,}", saved, premium, money(worth),
        meter((worth or 0.0) / most if most > 0 else 0.0), f"{use.untold:,}",
    )  # fmt: skip


def autonomy(audit: Audit) -> Iterator[Part]:
    """What was delivered at which confirmation."""
    if audit.autonomy:
        yield tag("h2", "Autonomy against the schedule", id="autonomy")
        head = columns(
            "delivery", "free", "confirmed", "by several", "below what was required", "above it", "cost"
        )
        yield table("", head, map(_delivered, audit.autonomy))


def _delivered(each: AutonomySum) -> Markup:
    laxer = tag("span", f"{each.laxer:,}", class_="bad") if each.laxer else "0"
    counts = (f"{many:,}" for many in (each.free, each.confirm, each.multi_party))
    return row(str(each.delivery), *counts, laxer, f"{each.stricter:,}", money(each.cost))
