"""The tables of `benchmarks.repair`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks._repair_run import Result

WIDTH = 150


def show(results: Sequence[Result], verbose: bool, together: bool = True) -> None:
    """Figures of each set, and of all if they can be taken `together`; then the cases that were not mended;
    `verbose`: those that were, too."""
    console = Console(width=WIDTH)
    sets = _sets(results)
    if together and len(sets) > 1:
        sets["all"] = list(results)
    console.print(_figures(sets))
    for title, wanted in (
        (("not fixed", _unfixed), ("fixed", _fixed)) if verbose else (("not fixed", _unfixed),)
    ):
        if rows := [each for each in results if wanted(each)]:
            console.print(_listing(title, rows))
    for each in results:
        if each.problem:
            console.print(f"not run: {escape(each.name)}: {escape(each.problem)}")


def line(result: Result) -> str:
    """A result in one line."""
    how = (
        f"not run: {result.problem}"
        if result.problem
        else f"fixed in {result.seconds:.1f} s, {'identical' if result.identical else 'different'}"
        if result.fixed
        else f"not fixed in {result.seconds:.1f} s"
    )
    return f"{result.name} ({result.kind}): {how}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed; NaN without any."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def _unfixed(result: Result) -> bool:
    return not result.fixed and not result.problem


def _fixed(result: Result) -> bool:
    return result.fixed


def _sets(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results by set, in the order in which they are shown."""
    found: dict[str, list[Result]] = {}
    for each in results:
        found.setdefault(each.collection, []).append(each)
    return found


def _figures(sets: dict[str, list[Result]]) -> Table:
    table = Table(box=None, title="defects mended by the embedded repair tier")
    table.add_column("")
    for heading in (
        "cases", "fixed", "", "identical", "different", "regressed", "tests edited", "median s", "p90 s",
        "candidates/s", "refused",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, results in sets.items():
        run = [each for each in results if not each.problem]
        fixed = [each for each in run if each.fixed]
        searching = sum(each.enumerating_and_trying for each in run)
        seconds = [each.seconds for each in fixed]
        table.add_row(
            name,
            str(len(run)),
            str(len(fixed)),
            f"{len(fixed) / len(run):.0%}" if run else "",
            str(sum(each.identical for each in fixed)),
            str(sum(not each.identical for each in fixed)),
            str(sum(bool(each.regressed) for each in fixed)),
            str(sum(each.edits_tests for each in fixed)),
            f"{percentile(seconds, 0.5):.1f}" if fixed else "",
            f"{percentile(seconds, 0.9):.1f}" if fixed else "",
            f"{sum(each.tried for each in run) / searching:.0f}" if searching else "",
            str(sum(each.refused for each in run)),
        )
    return table


def _listing(title: str, results: Sequence[Result]) -> Table:
    table = Table(box=None, title=title, title_justify="left")
    for heading in ("case", "kind", "place", "s", "tried", "of", "refused", "template", "patch, or why not"):
        table.add_column(heading, justify="right" if heading in ("s", "tried", "of", "refused") else "left")
    for each in results:
        kind = each.kind + (" (hangs)" if each.hangs else "")
        counts = (f"{each.seconds:.0f}", str(each.tried), str(each.candidates), str(each.refused))
        table.add_row(
            each.name,
            kind,
            each.where,
            *counts,
            each.template,
            escape(" ".join(each.patch.split()) or each.note),
        )
    return table
