"""Sum up what a scanner at the gate of a warehouse reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    scans: int
    boxes: int
    share_damaged: float
    heaviest: str


def parse(lines: Iterable[str]) -> Iterable[tuple[str, float, bool]]:
    """(box, kilograms, damaged) from "B17 12.5 ok"."""
    for line in lines:
        box, weight, state = line.split()
        yield box, float(weight), state == "damaged"


def summary(lines: Iterable[str]) -> Summary:
    """A box may be scanned more than once; it is damaged if any scan says so."""
    scans = list(parse(lines))
    if not scans:
        return Summary(0, 0, 0.0, "-")
    boxes = {box for box, _, _ in scans}
    damaged = {box for box, _, bad in scans if bad}
    heaviest = max(scans, key=lambda scan: scan[1])
    return Summary(len(scans), len(boxes), len(damaged) / len(boxes), heaviest[0])
