"""Sums on the page: what is known of them, and that there is more."""

from __future__ import annotations

from collections.abc import Callable

from agent.audit import shown
from agent.audit.markup import UNKNOWN, Part, joined, money, tag
from agent.audit.results import Total


def total(amount: Total, say: Callable[[float], Part] = money) -> Part:
    """A sum of amounts that cannot be negative: at least what is known, and of how many parts that is not
    everything."""
    if not shown.told(amount):
        return UNKNOWN
    return joined([shown.at_least(amount), say(amount.total), _left_out(amount)])


def net(amount: Total) -> Part:
    """A sum of nets, and over which runs."""
    over = shown.net_part(amount)
    some = tag("small", f" {over}") if over else None
    return joined([money(amount.total), some]) if shown.told(amount) else UNKNOWN


def cell(amount: Total, say: Callable[[float], Part] = money) -> Part:
    """A sum in a table, where how many parts are not known in full is left out."""
    return joined([shown.at_least(amount), say(amount.total)]) if shown.told(amount) else UNKNOWN


def _left_out(amount: Total) -> Part:
    left = shown.unknown_part(amount)
    return tag("small", f" ({left})") if left else None
