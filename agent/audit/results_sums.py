"""What an audit of one run or of many says, as data: what `--json FILE` writes. See `results` for one run.

Units, None and texts are as there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from agent.audit.results import CacheUse, Gap, Kind, KindGain, Mode, Realised, RunAudit, Total
from agent.task import Record
from policies.vocabulary import ActionClass

SCHEMA_VERSION = 1


class Broken(Record):
    """A trace that could not be audited, and why. tampered: it does not hold (else it cannot be read)."""

    path: str
    problem: str
    tampered: bool


class ModeSum(Record):
    """A failure mode over all runs: in how many it was found, was not, or cannot be told; what it cost where
    it could be told, None where nothing tells; the runs in which it cost most. missing: what the sources
    lack, most frequent first."""

    mode: Mode
    formula: str
    found: int
    none: int
    unknown: int
    steps: int
    dollars: float | None
    worst: tuple[tuple[str, float], ...]
    missing: tuple[str, ...] = ()


class Bin(Record):
    """Predictions in [low, high), `high` included in the last: how many, their mean, how often they came
    true, and the 95 % Wilson interval of that."""

    low: float
    high: float
    n: int
    predicted: float
    rate: float
    least: float
    most: float


class Reliability(Record):
    """How well the probabilities of one kind of step, of one tier or check, were calibrated. brier =
    reliability - resolution + uncertainty + within, where `within` is what the bins do not tell apart."""

    kind: Kind
    of: str
    n: int
    predicted: float
    rate: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    bins: tuple[Bin, ...]


class Accuracy(Record):
    """How predicted dollars or seconds compare with the bill, for one step of one tier or check. ratio: sum
    billed over sum predicted; typical: geometric mean of the ratios, spread: e to their standard deviation
    (1.0: always the same); covered: share of bills within the worst case that was reserved."""

    what: Literal["dollars", "seconds"]
    of: str
    n: int
    predicted: float
    billed: float
    ratio: float | None
    typical: float | None
    spread: float | None
    covered: float


class Drift(Record):
    """Attempts of a tier against what was predicted of them. expected, right: how many right ones; p_value:
    of so large a difference, two-sided, if the predictions were right."""

    tier: str
    n: int
    expected: float
    right: int
    p_value: float


class CacheBand(Record):
    """What prompt caches were worth to runs whose V is in [low, high) dollars (high None: no end)."""

    low: float
    high: float | None
    runs: int
    value: Total
    use: CacheUse


class AutonomySum(Record):
    """Deliveries of one action class: how many at each level used, how many below the level required by
    schedule and prices, and above it; by_flag: how many were confirmed by a flag, and nobody was asked."""

    delivery: ActionClass
    free: int
    confirm: int
    multi_party: int
    laxer: int
    stricter: int
    by_flag: int = 0
    cost: float


class Audit(Record):
    """An audit of one run or of many. runs: in the order of their paths; broken: those that could not be
    audited. given_up: by choices against their tables, over runs. margins: the largest over the
    smallest gain of a last dollar among read, plan, act and verify (1.0 at an interior optimum; None with
    fewer than two of them)."""

    version: int = SCHEMA_VERSION
    runs: tuple[RunAudit, ...]
    broken: tuple[Broken, ...]
    outcomes: dict[str, int]
    realised: Realised
    gap: Gap
    kinds: tuple[KindGain, ...]
    margins: float | None
    modes: tuple[ModeSum, ...]
    given_up: Total
    calibration: tuple[Reliability, ...]
    accuracy: tuple[Accuracy, ...]
    drift: tuple[Drift, ...]
    cache: tuple[CacheBand, ...]
    autonomy: tuple[AutonomySum, ...]
    notes: tuple[str, ...] = ()


def as_json(audit: Audit) -> Iterator[str]:
    """The audit as JSON in pieces, one run a line: of ten thousand runs it is not held in memory twice."""
    yield '{"runs":['
    for place, run in enumerate(audit.runs):
        yield f"{',' if place else ''}\n{run.model_dump_json()}"
    yield f"\n],{audit.model_dump_json(exclude={'runs'})[1:]}\n"
