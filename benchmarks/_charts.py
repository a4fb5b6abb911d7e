"""Lines over a logarithmic or even axis, as SVG written by hand: no network, no library, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 130, 20, 50
COLOURS = ("#0b6", "#c33", "#36c", "#c80", "#717", "#088", "#555")


def chart(xs: Sequence[float], lines: Mapping[str, Sequence[float]], x_title: str, y_title: str) -> str:
    """One SVG picture: a line per name, x values at even distances in their order."""
    low = min(0.0, *(min(line) for line in lines.values()))
    high = max(max(line) for line in lines.values()) or 1.0
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x_of(position: int) -> float:
        return LEFT + wide * position / max(1, len(xs) - 1)

    def y_of(value: float) -> float:
        return TOP + tall * (high - value) / (high - low or 1.0)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(0):.1f}" y2="{y_of(0):.1f}" stroke="#999"/>',
        f'<line x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#999"/>',
    ]
    for position, x in enumerate(xs):
        parts.append(
            f'<text x="{x_of(position):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:g}</text>'
        )
    for value in (low, (low + high) / 2, high):
        parts.append(f'<text x="{LEFT - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    middle = LEFT + wide / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_title)}</text>')
    parts.append(f'<text x="{LEFT}" y="14">{escape(y_title)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x_of(n):.1f},{y_of(y):.1f}" for n, y in enumerate(line))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{2 if number else 3}"/>'
        )
        height = TOP + 16 * (number + 1)
        parts.append(f'<text x="{WIDTH - RIGHT + 12}" y="{height}" fill="{colour}">{escape(name)}</text>')
    return "\n".join((*parts, "</svg>", ""))
