"""Axes and marks of the page's plots: SVG that is as wide as the screen, with text that keeps its size.

Across, a plot is measured in shares of its width (percent); downwards in pixels. Shapes that would be
stretched (bars, steps) are drawn in a layer of their own without an aspect ratio. Labels of the axis to the
left stand outside of the SVG's box, where the style sheet leaves room for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent.audit.markup import Markup, Part, joined, tag

TICKS = 5
FLAT = 1e-9
"""Of its values, a span in which round ones cannot be told apart."""

LEAST_STEP = 5
"""Pixels that a step of a run takes at least; a plot of more than fit scrolls in its box."""


@dataclass(frozen=True)
class Scale:
    """From a value in [low, high] to a share in [0, 1]; logarithmic for values above 0 only."""

    low: float
    high: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value is; what is beyond an end is put on it."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def ticks(self) -> tuple[float, ...]:
        """Round values between the ends, some five of them; of an even scale."""
        span = self.high - self.low
        if not span > FLAT * max(abs(self.low), abs(self.high)):
            return (self.low,)
        step = 10 ** math.floor(math.log10(span / TICKS))
        step *= next(factor for factor in (1, 2, 5, 10) if span / (factor * step) <= TICKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(position * step for position in range(first, last + 1))


@dataclass(frozen=True)
class Axis:
    """A scale, what it measures (with its unit), and how a tick is written."""

    scale: Scale
    title: str
    show: Callable[[float], str]


def figure(key: str, title: str, reading: Part, drawn: Markup, *, wide: bool = False) -> Markup:
    """A plot below its title and how to read it. `key`: unique in the page. wide: it has no axis to the
    left."""
    how = tag("span", " ", reading, class_="reading") if reading else None
    return tag(
        "figure",
        tag("figcaption", tag("strong", title), how),
        tag("div", drawn, class_="scroll plot wide" if wide else "scroll plot"),
        id=key,
    )


def canvas(key: str, title: str, says: str, height: float, marks: Iterable[Part], least: int = 0) -> Markup:
    """The SVG of the figure `key`: `title` and `says` tell those who cannot see it what it shows. Heights in
    pixels; `least`: pixels across below which it scrolls."""
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", says, id=f"{key}-desc"),
        *marks,
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        height=height,
        style=f"min-width:{least}px" if least else None,
    )


def stretched(across: float, height: float, *marks: Part) -> Markup:
    """A layer whose shapes are stretched: `across` units wide, `height` pixels high."""
    return tag(
        "svg",
        *marks,
        width="100%",
        height=height,
        viewBox=f"0 0 {across:g} {height:g}",
        preserveAspectRatio="none",
    )


def wide_enough(slots: int) -> int:
    """Pixels that so many steps need; 0 where they fit a phone."""
    return LEAST_STEP * slots if slots > 60 else 0


def across(share: float) -> str:
    """A share of the width, as an attribute."""
    return f"{100 * share:.2f}%"


def words(text: Part, share: float, y: float, class_: str = "", anchor: str = "", dx: float = 0) -> Markup:
    """Text at a share of the width, `dx` pixels from there."""
    return tag(
        "text", text, x=across(share), y=y, class_=class_ or None, text_anchor=anchor or None, dx=dx or None
    )


def upright(axis: Axis, height: float, title_at: float = -10) -> Markup:
    """The axis to the left: a line across at each tick, and its title above."""
    parts = [words(axis.title, 0, title_at, "axis", dx=-44)]
    for tick in axis.scale.ticks():
        y = round(height * (1 - axis.scale.share(tick)), 1)
        zero = abs(tick) < 1e-12
        parts.append(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="zero" if zero else "grid"))
        parts.append(words(axis.show(tick), 0, y + 4, "tick", "end", -6))
    return joined(parts)


def level(axis: Axis, height: float) -> Markup:
    """The axis below: a tick and its value, and its title below them."""
    parts = []
    for tick in axis.scale.ticks():
        at = axis.scale.share(tick)
        parts.append(tag("line", x1=across(at), x2=across(at), y1=height, y2=height + 4, class_="zero"))
        parts.append(words(axis.show(tick), at, height + 18, "tick", "middle"))
    return joined([*parts, words(axis.title, 0.5, height + 36, "axis", "middle")])


def numbered(names: Sequence[str], places: Sequence[float], height: float, title: str) -> Markup:
    """The axis below, of what has a name and a place in [0, 1]; of numbered ones as many are named as a phone
    has room for."""
    every = next((each for each in (1, 2, 5, 10, 20, 50) if len(names) / each <= 10), 100)
    parts = [
        words(name, place, height + 18, "tick", "middle")
        for position, (name, place) in enumerate(zip(names, places, strict=True))
        if not name[:1].isdigit() or position == 0 or (position + (every > 2)) % every == 0
    ]
    return joined([*parts, words(title, 0.5, height + 36, "axis", "middle")])
