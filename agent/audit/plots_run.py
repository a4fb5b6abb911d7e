"""The plots of one run: what the value was spent on, spend and value by step, belief over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.audit.markup import Markup, Part, joined, tag
from agent.audit.results import Realised
from agent.audit.runs import Run
from agent.audit.shown import chance, count, money
from agent.audit.slots import Slot, axis_title, slots_of
from agent.audit.svg import Axis, Scale, canvas, figure, numbered, stretched, upright, wide_enough, words

TALL = 220
BAR = 28
LABELLED = 4
LEAST_LABELLED = 13
"""So many bars have their step's name beside them, if they are so many pixels high."""

LONG_LABEL = 18
"""Characters; of a longer label a phone shows the amount only."""

IN_SCALE = 4.0
"""A value of at most so many times what was taken is drawn in the scale of the spending."""

REWORK = "rework"
_LEAST = 1e-9


def value_bar(realised: Realised) -> Markup | None:
    """To one scale: what the value delivered was spent on, and what was left of it; None where V or the
    spending is not known."""
    value, net = realised.value.exact, realised.net.exact
    taken = [
        (class_, name, amount.exact)
        for class_, name, amount in (
            ("money", "money", realised.dollars), ("time", "time", realised.time),
            ("risk", "risk", realised.risk), ("people", "attention", realised.attention),
            ("people", "rework", realised.rework),
        )
    ]  # fmt: skip
    parts = [(class_, name, amount) for class_, name, amount in taken if amount is not None and amount >= 0]
    if value is None or net is None or len(parts) < len(taken):
        return None
    spent = sum(amount for *_, amount in parts)
    whole = max(value, spent)
    if not 0 < whole < math.inf:
        return None
    if net > 0:
        parts.append(("net", "net", net))
    shown = [
        (class_, f"{name} {money(amount)}", amount / whole) for class_, name, amount in parts if amount > 0
    ]
    rects, at = list[Part](), 0.0
    for class_, says, share in shown:
        rects.append(
            tag("rect", tag("title", says), x=1000 * at, width=1000 * share, height=BAR, class_=class_)
        )
        at += share
    if 0 < value < spent:
        rects.append(tag("rect", x=1000 * value / whole - 2, width=4, height=BAR, class_="ink"))
    legend = [tag("li", _key(class_, says)) for class_, says, _ in shown]
    if net <= 0:
        legend.append(tag("li", _key("ink", f"value {money(value)}, so the net is {money(net)}")))
    says = f"{money(value)} delivered: {', '.join(says for _, says, _ in shown)}"
    drawing = tag(
        "svg", tag("title", says), stretched(1000, BAR, *rects), role="img", width="100%", height=BAR
    )
    return tag("div", drawing, tag("ul", *legend, class_="legend"), class_="valuebar")


@dataclass(frozen=True)
class _Column:
    """A bar after the steps: from where the net was to where it went. words: beside it."""

    name: str
    class_: str
    words: str
    start: float
    end: float


def waterfall(key: str, run: Run, realised: Realised) -> Markup | None:
    """What each step took of the net, and at the end what came besides. None where nothing is known of what
    any step took."""
    slots = slots_of(run)
    if not any(slot.known for slot in slots):
        return None
    spent = sum(slot.price for slot in slots)
    if not math.isfinite(spent + realised.rework.total):
        return None
    columns = _after(realised, spent, partly=any(slot.unknown for slot in slots))
    heights = [0.0, -spent, *(column.end for column in columns)]
    low, high = min(heights), max(heights)
    axis = Axis(Scale(low, high) if high - low > _LEAST else Scale(-1.0, 0.0), "net so far, dollars", _tick)
    broad = max(1, len(slots) // 20)  # in slots: those of many steps are thin
    total = len(slots) + broad * len(columns)
    starts = [len(slots) + broad * place for place in range(len(columns))]
    middles = [*(place + 0.5 for place in range(len(slots))), *(start + broad / 2 for start in starts)]
    names = [*(slot.label for slot in slots), *(column.name for column in columns)]
    ends = [_column(start, broad, column, axis) for start, column in zip(starts, columns, strict=True)]
    bars, labels = _stairs_of(slots, total, axis)
    labels += [
        _label_of(start, broad, total, column, axis) for start, column in zip(starts, columns, strict=True)
    ]
    marks = [
        upright(axis, TALL),
        stretched(total, TALL, *bars, *ends),
        *labels,
        numbered(names, [middle / total for middle in middles], TALL, axis_title(slots)),
    ]
    dearest = sorted(slots, key=lambda slot: -slot.price)[:LABELLED]
    most = ", ".join(f"step {slot.label} {slot.name} {money(slot.price)}" for slot in dearest)
    says = f"{count(len(run.steps), 'step')} took {money(spent)} together. Most of it: {most}."
    reading, least = _reading(slots, columns, spent, realised), wide_enough(total)
    title = "Spend and value by step"
    return figure(key, title, reading, canvas(key, title, says, TALL, marks, least))


def _reading(slots: Sequence[Slot], columns: Sequence[_Column], spent: float, realised: Realised) -> Markup:
    """How to read the waterfall, and what is not in it."""
    parts: list[Part] = [
        "Each bar takes what its step took: ", _key("money", "money"), ", ", _key("time", "time at λ"), ", ",
        _key("risk", "risk at ρ"),
    ]  # fmt: skip
    if any(slot.people for slot in slots):
        parts += [", ", _key("people", "attention at H")]
    parts.append(".")
    parts += [f" {column.name}: {column.words}." for column in columns if _crowded(column)]
    if _beyond(realised, spent):
        value = money(realised.value.exact)
        parts.append(joined([" The value delivered, ", value, ", is beyond this scale: see the bar on top."]))
    if unknown := sum(slot.unknown for slot in slots):
        parts.append(f" Of {count(unknown, 'bar')} not everything is known: the known part is drawn.")
    return joined(parts)


def _beyond(realised: Realised, spent: float) -> bool:
    """Whether the value is too large to be drawn in the scale of what was taken, rework included."""
    return (realised.value.exact or 0.0) > IN_SCALE * (spent + realised.rework.total)


def _after(realised: Realised, spent: float, *, partly: bool) -> list[_Column]:
    """The columns after the steps, which took `spent`: rework, the value, and the net; in place of the last
    two just what was taken where that is all that is known (`partly`: not even that), or the value is beyond
    the scale."""
    value, net = realised.value.exact, realised.net.exact
    rework = realised.rework.total
    taken = spent + rework
    columns = list[_Column]()
    if rework > _LEAST:
        columns.append(_Column(REWORK, "people", money(-rework), -spent, -taken))
    says = f"{money(-taken)} and more" if partly else money(-taken)
    everything = [*columns, _Column("all", "net", says, 0.0, -taken)]
    if partly or value is None or net is None or not math.isfinite(net) or _beyond(realised, spent):
        return everything
    if value > 0:
        columns.append(_Column("V", "value", f"{money(value)} delivered", net - value, net))
    return [*columns, _Column("net", "net", money(net), 0.0, net)] if columns else everything


def _stairs_of(slots: Sequence[Slot], total: int, axis: Axis) -> tuple[list[Part], list[Part]]:
    """The bars of the steps, and the names of the dearest."""
    bars, labels, at = list[Part](), list[Part](), 0.0
    largest = sorted((slot.price for slot in slots), reverse=True)[:LABELLED]
    for position, slot in enumerate(slots):
        bars.append(_pillar(position, at, slot, axis))
        pixels = TALL * slot.price / (axis.scale.high - axis.scale.low)
        if slot.price >= largest[-1] and pixels >= LEAST_LABELLED:
            labels.append(_beside(position, total, at - slot.price / 2, slot, axis))
        at -= slot.price
    return bars, labels


def _column(start: int, broad: int, column: _Column, axis: Axis) -> Markup:
    rect = _rect(start, column.start, column.end, axis, column.class_, broad)
    return tag("g", tag("title", f"{column.name}: {column.words}"), rect)


def _crowded(column: _Column) -> bool:
    """Whether steps' bars are where its label would be: it is said in the words on top."""
    return column.name == REWORK or (column.name == "V" and column.end <= 0)


def _label_of(start: int, broad: int, total: int, column: _Column, axis: Axis) -> Markup | None:
    """The value left of its bar, near its top, and the net above its bar."""
    top = _y(max(column.start, column.end), axis)
    if _crowded(column):
        return None
    if column.name == "V":
        return words(column.words, start / total, top + 12, "label", "end", -4)
    return words(column.words, (start + broad) / total, top - 5, "label", "end")


def beliefs(key: str, run: Run) -> Markup | None:
    """P(the candidate in hand is right) and P(solvable) after each step; None where nothing is known."""
    slots = slots_of(run)
    seen = [slot.belief for slot in slots]
    last = next((each for each in reversed(seen) if each), None)
    if last is None:
        return None
    axis = Axis(Scale(0, 1), "probability", chance)
    solvable = tag(
        "path", d=_stairs([each.solvable if each else None for each in seen]), class_="line second"
    )
    right = tag("path", d=_stairs([each.right if each else None for each in seen]), class_="line first")
    reading = joined(
        [
            "After each step: ", _key("first", "P(right)"), ", that the candidate in hand is right (0 "
            "without one); ", _key("second", "P(solvable)"),
            ", that a further attempt of the likeliest tier is.",
        ]
    )  # fmt: skip
    marks = [
        upright(axis, TALL),
        stretched(len(slots), TALL, solvable, right),
        *_ends(("P(right)", last.right, "first"), ("P(solvable)", last.solvable, "second")),
        numbered([slot.label for slot in slots], _middles(len(slots)), TALL, axis_title(slots)),
    ]
    says = f"At the end P(right) is {chance(last.right)} and P(solvable) {chance(last.solvable)}."
    title = "Belief over time"
    return figure(key, title, reading, canvas(key, title, says, TALL, marks, wide_enough(len(slots))))


def _ends(one: tuple[str, float, str], other: tuple[str, float, str]) -> list[Markup]:
    """The labels at the ends of two lines, so that neither lies on the other."""
    upper, lower = (one, other) if one[1] >= other[1] else (other, one)
    high, low = (min(max(TALL * (1 - share) - 6, 10), TALL - 6) for _, share, _ in (upper, lower))
    if low - high < 15:
        high = min(high, TALL - 21)
        low = high + 15
    return [
        words(f"{name} {chance(share)}", 1, round(y, 1), f"label {class_}", "end", -4)
        for (name, share, class_), y in ((upper, high), (lower, low))
    ]


def _stairs(series: Sequence[float | None]) -> str:
    """A path that is level over each slot, with gaps where nothing is known."""
    path, drawing = "", False
    for position, share in enumerate(series):
        if share is None or not 0 <= share <= 1:
            drawing = False
            continue
        y = f"{TALL * (1 - share):.1f}"
        path += f"V{y}" if drawing else f"M{position} {y}"
        path += f"H{position + 1}"
        drawing = True
    return path


def _pillar(position: int, at: float, slot: Slot, axis: Axis) -> Markup:
    """What a step took, in its parts, hanging from where the net was before."""
    parts: list[Part] = [tag("title", slot.words)]
    for class_, amount in (
        ("money", slot.money),
        ("time", slot.time),
        ("risk", slot.risk),
        ("people", slot.people),
    ):
        if amount > 0:
            parts.append(_rect(position, at, at - amount, axis, class_))
            at -= amount
    return tag("g", *parts)


def _rect(position: int, start: float, end: float, axis: Axis, class_: str, broad: int = 1) -> Markup:
    top, bottom = sorted((_y(start, axis), _y(end, axis)))
    height = max(round(bottom - top, 2), 0.75)
    return tag("rect", x=position + 0.1, y=top, width=broad - 0.2, height=height, class_=class_)


def _beside(position: int, total: int, middle: float, slot: Slot, axis: Axis) -> Markup:
    """A step's name on the side of its bar where no other bar is: right of it in the left half."""
    amount, y = money(-slot.price), round(_y(middle, axis) + 4, 1)
    long = len(slot.name) + len(amount) > LONG_LABEL
    name = tag("tspan", f"{slot.name[:24]} ", class_="long" if long else "short")
    text = joined([name, amount])
    if position + 0.5 < total / 2:
        return words(text, (position + 0.95) / total, y, "label", dx=3)
    return words(text, (position + 0.05) / total, y, "label", "end", -3)


def _middles(slots: int) -> list[float]:
    return [(position + 0.5) / slots for position in range(slots)]


def _y(value: float, axis: Axis) -> float:
    return round(TALL * (1 - axis.scale.share(value)), 2)


def _tick(dollars: float) -> str:
    return "0" if abs(dollars) < _LEAST else money(dollars).removesuffix(".00")


def _key(class_: str, text: str) -> Markup:
    """A word with the colour it stands for."""
    return tag("span", tag("i", class_=f"key {class_}"), text)
