"""The plots over many predictions: reliability of probabilities, and bills against what was predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.audit.markup import Markup, Part, joined, tag
from agent.audit.results_sums import Accuracy, Bin
from agent.audit.shown import chance
from agent.audit.svg import Axis, Scale, across, canvas, figure, level, upright, words
from tools.plain import plain_line

TALL = 190
ROW = 36
_LEAST_RATIO, _MOST_RATIO = 1e-4, 1e4
_RATIOS = (0.001, 0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0, 1000.0)


def reliability(key: str, title: str, bins: Sequence[Bin]) -> Markup:
    """Predicted probabilities against how often they came true, with 95 % intervals and counts."""
    full = [each for each in bins if each.n]
    x = Axis(Scale(0, 1), "predicted probability", chance)
    y = Axis(Scale(0, 1), "came true", chance)
    most = max((each.n for each in full), default=1)
    marks: list[Part] = [
        upright(y, TALL, -24),
        level(x, TALL),
        tag("line", x1="0", y1=TALL, x2="100%", y2=0, class_="ideal"),
        words("n", 0, -8, "tick", "end", -6),
    ]
    for each in full:
        marks += [
            _dot(each, most),
            words(_short(each.n), (each.low + each.high) / 2, -8, "tick small", "middle"),
        ]
    says = "; ".join(
        f"predicted {chance(each.predicted)}: {chance(each.rate)} of {each.n:,} came true" for each in full
    )
    return figure(key, title, None, canvas(key, title, says, TALL, marks))


def _dot(each: Bin, most: int) -> Markup:
    """One group of predictions: its rate, larger the more there are, and the interval of the rate."""
    at = across(each.predicted)
    told = (
        f"predicted {chance(each.predicted)}, came true {chance(each.rate)} of {each.n:,} "
        f"(95% interval {chance(each.least)} to {chance(each.most)})"
    )
    least, rate, top = (round(TALL * (1 - share), 1) for share in (each.least, each.rate, each.most))
    whisker = tag("line", x1=at, x2=at, y1=least, y2=top, class_="whisker")
    return tag(
        "g", tag("title", told), whisker,
        tag("circle", cx=at, cy=rate, r=round(3 + 4 * math.sqrt(each.n / most), 1), class_="dot"),
    )  # fmt: skip


def _short(count: int) -> str:
    return (
        f"{count:,}"
        if count < 1000
        else f"{count / 1000:.0f}k"
        if count >= 10_000
        else f"{count / 1000:.1f}k"
    )


def ratios(key: str, title: str, rows: Sequence[Accuracy]) -> Markup | None:
    """What was billed over what was predicted: one line for each kind of step, on a logarithmic axis."""
    spans = [
        (each, *_span(each)) for each in rows if each.typical is not None and 0 < each.typical < math.inf
    ]
    if not spans:
        return None
    low = min(0.5, *(least for _, least, _, _ in spans)) / 1.15
    high = max(2.0, *(most for _, _, _, most in spans)) * 1.15
    scale = Scale(max(low, _LEAST_RATIO), min(high, _MOST_RATIO), logarithmic=True)
    tall = ROW * len(spans)
    one = across(scale.share(1))
    marks: list[Part] = [tag("line", x1=one, x2=one, y1=0, y2=tall, class_="ideal"), _ratio_axis(scale, tall)]
    for position, (each, least, typical, most) in enumerate(spans):
        y = ROW * position + 24
        marks += [
            words(plain_line(each.of, 28), 0, y - 9, "label"),
            words(f"×{typical:.2g} · n={_short(each.n)}", 1, y - 9, "label soft", "end"),
            tag(
                "line",
                x1=across(scale.share(least)),
                x2=across(scale.share(most)),
                y1=y,
                y2=y,
                class_="whisker",
            ),
            tag("circle", cx=across(scale.share(typical)), cy=y, r=5, class_="dot"),
        ]
    reading = (
        "Billed over predicted, by step. Dot: the geometric mean of the ratios; line: times and over their "
        "typical spread; dashed: just as predicted."
    )
    says = "; ".join(f"{plain_line(each.of, 60)}: {typical:.2g} times" for each, _, typical, _ in spans)
    return figure(key, title, reading, canvas(key, title, says, tall, marks), wide=True)


def _span(each: Accuracy) -> tuple[float, float, float]:
    typical = each.typical or 1.0
    spread = each.spread if each.spread is not None and 1 <= each.spread < math.inf else 1.0
    return typical / spread, typical, typical * spread


def _ratio_axis(scale: Scale, tall: float) -> Markup:
    inside = [ratio for ratio in _RATIOS if scale.low <= ratio <= scale.high]
    if scale.high / scale.low > 100:
        inside = [ratio for ratio in inside if math.log10(ratio).is_integer()]
    parts = [words(f"×{ratio:g}", scale.share(ratio), tall + 18, "tick", "middle") for ratio in inside]
    return joined([*parts, words("billed ÷ predicted", 0.5, tall + 36, "axis", "middle")])
