"""An audit on the terminal: plain text when piped, and nothing cut in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from agent.audit.results_sums import Audit
from agent.audit.section import Section, Table
from agent.audit.sections import sections

HANGING = 2


def show(console: Console, audit: Audit) -> None:
    """Print it, most important first."""
    for place, section in enumerate(sections(audit)):
        if place:
            console.print()
        _show(console, section)


def _show(console: Console, section: Section) -> None:
    console.print(Text(section.title, style="bold"))
    _wrapped(console, section.lines)
    if section.table is not None:
        console.print(_table(section.table))
    _wrapped(console, section.remarks, "dim")


def _wrapped(console: Console, lines: Iterable[str], style: str = "") -> None:
    """Lines, and what does not fit into one further in, below it; printed together, as there may be tens of
    thousands."""
    parts = [part for line in lines for part in _parts(console, line, style)]
    if parts:
        console.print(Text("\n").join(parts), soft_wrap=True)


def _parts(console: Console, line: str, style: str) -> Iterator[Text]:
    if cell_len(line) <= console.width - HANGING:
        yield Text(line.rstrip(), style)
        return
    text = line.lstrip()
    indent = len(line) - len(text)
    for place, part in enumerate(Text(text, style).wrap(console, console.width - indent - HANGING)):
        part.rstrip()
        yield Text.assemble(" " * (indent + (HANGING if place else 0)), part)


def _table(table: Table) -> RichTable:
    shown = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for column in table.columns:
        right = column.endswith(">")
        shown.add_column(
            column.rstrip(">"), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
