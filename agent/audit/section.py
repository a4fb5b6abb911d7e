"""The pieces of an audit in words: sections, tables, amounts. Text from a trace is neutralised here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.audit.results import Total
from agent.audit.shown import at_least, digits, net_part, told, unknown_part
from agent.units import show_seconds
from policies.amounts import show_money
from tools.plain import plain_line

UNKNOWN, FREE = "?", "free"
LONG_NAME, LONG_PATH, LONG_SAID, LONG_TEXT = 24, 40, 120, 300


@dataclass(frozen=True)
class Table:
    """columns: headings; one that ends in `>` is set right. rows: as many cells each."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading, lines, a table, and remarks below it."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None
    remarks: tuple[str, ...] = ()


def word(text: str, limit: int = LONG_TEXT) -> str:
    """Untrusted text on one line, neutralised."""
    return plain_line(text, limit)


def shown_total(total: Total, say: Callable[[float], str] = show_money) -> str:
    """A sum of amounts that cannot be negative: at least what is known."""
    if not told(total):
        return UNKNOWN
    return f"{at_least(total)}{say(total.total)}{_left_out(total)}"


def shown_net(total: Total) -> str:
    """A sum of nets, and over which runs."""
    return " ".join(filter(None, [show_money(total.total), net_part(total)])) if told(total) else UNKNOWN


def shown_cell(total: Total, say: Callable[[float], str] = show_money) -> str:
    """A sum in a table; `+` where it is more by what is not known."""
    return f"{say(total.total)}{'+' if total.unknown else ''}" if told(total) else UNKNOWN


def _left_out(total: Total) -> str:
    left = unknown_part(total)
    return f" ({left})" if left else ""


def shown_money(dollars: float | None) -> str:
    """Dollars, where they are known."""
    return UNKNOWN if dollars is None else show_money(dollars)


def shown_number(number: float | None) -> str:
    """Three digits, where it is known."""
    return UNKNOWN if number is None else digits(number)


def shown_amount(what: str, amount: float) -> str:
    """Dollars, or seconds."""
    return show_money(amount) if what == "dollars" else show_seconds(amount)
