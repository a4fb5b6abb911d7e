"""Dollars as people read them."""

from __future__ import annotations

import math
from functools import lru_cache

LARGE, LEGIBLE = 1e5, 1e12
"""Dollars from which on cents, or all but three digits, tell a person nothing."""

SMALL, NOTHING = 0.1, 1e-9
"""Dollars below which cents are not enough, and below which there is nothing but rounding."""


def show_money(dollars: float, digits: int = 3) -> str:
    """`$2.00`, `$0.013`, `$0.000123`, `-$0.50`, `$20,000,000`, `$1.8e+62` or `no limit`; `$0.00` is
    nothing at all. digits: significant ones below ten cents, one less after the point from there on."""
    amount = abs(dollars)
    if math.isinf(dollars):
        return "no limit"
    if amount < NOTHING:
        return "$0.00"
    if amount >= LEGIBLE:
        text = f"{amount:.3g}"
    elif amount >= LARGE:
        text = f"{amount:,.0f}"
    else:
        places = digits - 1 - (math.floor(math.log10(amount)) if amount < SMALL else 0)
        whole, _, parts = f"{amount:.{places}f}".partition(".")
        text = f"{whole}.{parts.rstrip('0'):0<2}"
    return f"-${text}" if dollars < 0 else f"${text}"


@lru_cache(maxsize=4096)
def show_apart(one: float, other: float) -> tuple[str, str]:
    """Two different amounts, with as many digits as it takes to see that they are. Cached, as a lookahead
    says the same of many states."""
    shown = show_money(one), show_money(other)
    for digits in range(4, 16):
        if shown[0] != shown[1]:
            break
        shown = show_money(one, digits), show_money(other, digits)
    return shown
