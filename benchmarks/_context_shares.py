"""The tables of `benchmarks.context`: needed pieces by kind and rank, beside the shipped shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks._context_needs import Needs
from policies.context import ORDER, SHARES, PieceKind, share_of

JUDGED: Mapping[PieceKind, float] = {
    "callee": 0.12,
    "type": 0.08,
    "caller": 0.04,
    "import": 0.04,
    "neighbour": 0.02,
}
"""P(a repair needs a piece of this kind where there is one), by judgement: three in ten need more than tests
and suspects."""

MEASURED = tuple(kind for kind in ORDER if kind not in ("test", "asked"))
RANKS = ((1, 1), (2, 2), (3, 3), (4, 6), (7, 40))
Z = 1.645


@dataclass(frozen=True)
class Row:
    """Of the pieces of a kind with rank `first` to `last`: how many there are, are the place of the defect,
    or hold a name that is needed; what share that is, its interval, and the mean of the shipped shares."""

    kind: PieceKind
    first: int
    last: int
    there: int
    places: int
    names: int
    share: float
    interval: tuple[float, float]
    shipped: float


@dataclass(frozen=True)
class Sum:
    """Of a kind: the cases that need a piece of it, what share that is `of` those that have one, its
    interval, and what the shipped shares sum up to in the mean one of them; for the kinds of JUDGED the
    blend, and the first share that gives it."""

    kind: PieceKind
    of: int
    cases: int
    share: float
    interval: tuple[float, float]
    shipped: float
    blended: float | None = None
    first: float | None = None


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 90 % interval of a share; (0, 1) of none."""
    if not of:
        return (0.0, 1.0)
    share, more = hits / of, Z * Z / of
    middle = (share + more / 2) / (1 + more)
    half = Z / (1 + more) * math.sqrt(share * (1 - share) / of + more / (4 * of))
    return (max(0.0, middle - half), min(1.0, middle + half))


def rows_of(found: Sequence[Needs], kind: PieceKind) -> list[Row]:
    """A kind by rank, as far as there are pieces."""
    rows = []
    for first, last in RANKS:
        ranks = [rank for each in found for rank in range(first, min(last, each.offered(kind)) + 1)]
        if not ranks:
            continue
        needed = [need for each in found for need in each.of(kind) if first <= need.rank <= last]
        places = sum(not need.names for need in needed)
        rows.append(
            Row(
                kind=kind,
                first=first,
                last=last,
                there=len(ranks),
                places=places,
                names=len(needed) - places,
                share=len(needed) / len(ranks),
                interval=interval(len(needed), len(ranks)),
                shipped=sum(share_of(kind, rank) for rank in ranks) / len(ranks),
            )
        )
    return rows


def sum_of(found: Sequence[Needs], kind: PieceKind) -> Sum:
    """A kind in all its ranks, of which there is a piece in some case."""
    offered = [each.offered(kind) for each in found if each.offered(kind)]
    of, cases = len(offered), sum(bool(each.of(kind)) for each in found)
    shipped = sum(share_of(kind, rank) for most in offered for rank in range(1, most + 1)) / of
    whole = Sum(kind, of, cases, cases / of, interval(cases, of), shipped)
    if kind not in JUDGED:
        return whole
    blended = (whole.share + JUDGED[kind]) / 2
    return replace(whole, blended=blended, first=SHARES[kind].first * blended / shipped)


def show_table(title: str, found: Sequence[Needs]) -> list[Row | Sum]:
    """Print the shares of some cases, and return them."""
    head = f"{'kind':<10} {'rank':>5} {'there':>6} {'place':>6} {'names':>6} {'share':>7}"
    print(f"\n{title}: {len(found)} cases\n{head}  {'90 % interval':<14} shipped")
    tables: list[Row | Sum] = []
    for kind in (each for each in MEASURED if any(needs.offered(each) for needs in found)):
        for row in rows_of(found, kind):
            rank = f"{row.first}" if row.first == row.last else f"{row.first}-{row.last}"
            print(f"{kind:<10} {rank:>5} {row.there:>6} {row.places:>6} {row.names:>6} {_shares(row)}")
            tables.append(row)
        whole = sum_of(found, kind)
        blend = "" if whole.first is None else f"  blended {whole.blended:.3f}: first {whole.first:.4f}"
        print(f"{kind:<10} {'all':>5} {whole.of:>6} {'needed':>6} {whole.cases:>6} {_shares(whole)}{blend}")
        tables.append(whole)
    return tables


def _shares(row: Row | Sum) -> str:
    return f"{row.share:>7.3f}  {row.interval[0]:.3f} to {row.interval[1]:.3f} {row.shipped:>7.3f}"


def show_summary(collections: Mapping[str, Sequence[Needs]]) -> None:
    """Print, of each set of cases, where the place of the defect is, and what is enough to repair it."""
    print(f"\n{'':<37}  place in                enough beside the tests")
    print(f"{'':<30} {'cases':>6}  {'1st':>4} {'suspects':>9} {'pieces':>7} {'place':>8} {'suspects':>9}")
    for name, found in collections.items():
        places = [[need for need in each.needs if not need.names] for each in found]
        suspected = [each.placed and _only_suspects(each, names=False) for each in found]
        figures = (
            sum(any(need.kind == "suspect" and need.rank == 1 for need in each) for each in places),
            sum(suspected),
            sum(each.placed for each in found),
            sum(each.placed and not any(need.names for need in each.needs) for each in found),
            sum(each.placed and _only_suspects(each, names=True) for each in found),
        )
        print(
            f"{name:<30} {len(found):>6}  {figures[0]:>4} {figures[1]:>9} {figures[2]:>7} {figures[3]:>8}"
            f" {figures[4]:>9}"
        )


def _only_suspects(each: Needs, *, names: bool) -> bool:
    return all(need.kind == "suspect" for need in each.needs if names or not need.names)
