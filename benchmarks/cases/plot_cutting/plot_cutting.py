"""Cut a piece of land into plots that are not larger than the village allows."""

from __future__ import annotations

Plot = tuple[int, int]


def plots(width: int, depth: int, most: int) -> list[Plot]:
    """Width and depth of each plot, in metres; whatever is too large is halved across its longer side."""
    if width * depth <= most:
        return [(width, depth)]
    if width < depth:
        return [(w, d) for d, w in plots(depth, width, most)]
    if width == 1:
        raise ValueError("a square metre cannot be cut")
    half = width // 2
    return plots(half, depth, most) + plots(width - half, depth, most)


def fence(pieces: list[Plot]) -> int:
    """Metres of fence when every plot gets one of its own."""
    return sum(2 * (width + depth) for width, depth in pieces)
