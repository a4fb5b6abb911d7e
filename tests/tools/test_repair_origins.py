"""Which statements bind the names that are read where a module raises while it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.local_runtime import write_tree
from tools.inside.repair.origins import origins

CART = """\
import math
from .tables import CENTS, KINDS as NAMES
from .nowhere import FAR

LOW = 1
if LOW:
    HIGH = 2
PRICES = dict(
    zip(NAMES, CENTS, strict=HIGH))


def total(count=LOW):
    return FAR * HIGH * count


class Cart:
    ROOT = math.floor(LOW)
    TWICE = 2 * ROOT
    LOW = total()
"""
FILES = {
    "shop/cart.py": CART,
    "shop/tables.py": "KINDS = (1,)\nOTHER = 2\nCENTS = (5,)\n",
    "src/far/deep.py": "from shop.tables import OTHER\nfrom far.more import X\nY = X + OTHER\n",
    "src/far/more/__init__.py": "X, Z = 1, 2\n",
    "broken.py": "def (\n",
}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (
            ("shop/cart.py", 9),
            {("shop/cart.py", 2), ("shop/cart.py", 7), ("shop/tables.py", 1), ("shop/tables.py", 3)},
        ),
        (("shop/cart.py", 12), {("shop/cart.py", 5), ("shop/cart.py", 19)}),
        (("shop/cart.py", 17), {("shop/cart.py", 1), ("shop/cart.py", 5), ("shop/cart.py", 19)}),
        (("shop/cart.py", 18), {("shop/cart.py", 17)}),
        (("shop/cart.py", 19), {("shop/cart.py", 12)}),
        (
            ("src/far/deep.py", 3),
            {
                ("src/far/deep.py", 1),
                ("src/far/deep.py", 2),
                ("shop/tables.py", 2),
                ("src/far/more/__init__.py", 1),
            },
        ),
        (("shop/cart.py", 99), set()),
        (("broken.py", 1), set()),
        (("nowhere.py", 1), set()),
    ],
)
def test_origins(tmp_path: Path, place: tuple[str, int], expected: set[tuple[str, int]]) -> None:
    write_tree(tmp_path, FILES)
    assert set(origins(str(tmp_path), *place)) == expected
