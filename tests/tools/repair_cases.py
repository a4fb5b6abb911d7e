"""A small shop package and single defects in it, as a fixture for the repair tier's tests."""

from __future__ import annotations

from dataclasses import dataclass

SHOP: dict[str, str] = {
    "shop/__init__.py": '"""A shop — prices in €."""\n\nfrom .cart import Cart\n\n__all__ = ["Cart"]\n',
    "shop/stock.py": '''"""Stock keeping: what is on the shelf (naïve, in memory)."""

import bisect

LOW = 3


class Stock:
    """Counts of articles — „Lager“."""

    def __init__(self):
        self.counts = {}
        self.reserved = {}

    def add(self, article, count=1):
        self.counts[article] = self.counts.get(article, 0) + count

    def available(self, article):
        return self.counts.get(article, 0) - self.reserved.get(article, 0)

    def reserve(self, article, count):
        if count > self.available(article):
            raise ValueError(article)
        self.reserved[article] = self.reserved.get(article, 0) + count
        return self.reserved[article]

    def low(self):
        return sorted(article for article in self.counts if self.available(article) < LOW)

    def drain(self, article):
        """Sell one at a time until none is left; how many were sold."""
        sold = 0
        while self.available(article) > 0:
            self.counts[article] -= 1
            sold += 1
        return sold


def position(prices, price):
    """Where `price` goes in the sorted `prices`, after equal ones."""
    return bisect.bisect_right(prices, price)
''',
    "shop/pricing.py": '''"""Prices: discounts and tax. „Preis“ in cents."""

import math

RATES = {"food": 7, "book": 7, "other": 19}


def tax(cents, kind):
    rate = RATES.get(kind, RATES["other"])
    return math.ceil(cents * rate / 100)


def discount(cents, percent, floor=0):
    reduced = cents - cents * percent // 100
    return max(reduced, floor)


def tiers(quantity):
    """Percent off for a quantity."""
    if quantity >= 100:
        return 20
    if quantity >= 10:
        return 10
    return 0


def moving_average(values, width):
    result = []
    for start in range(len(values) - width + 1):
        window = values[start : start + width]
        result.append(sum(window) / width)
    return result


def cheapest(offers):
    """The lowest price, or None when there is no offer."""
    if not offers:
        return None
    return min(offers.values())
''',
    "shop/cart.py": '''"""The cart."""

from .pricing import discount, tax, tiers


class Line:
    def __init__(self, article, cents, quantity, kind="other"):
        self.article = article
        self.cents = cents
        self.quantity = quantity
        self.kind = kind

    def net(self):
        return discount(self.cents * self.quantity, tiers(self.quantity))

    def gross(self):
        return self.net() + tax(self.net(), self.kind)


class Cart:
    def __init__(self, stock=None):
        self.lines = []
        self.stock = stock

    def put(self, article, cents, quantity=1, kind="other"):
        if self.stock is not None and self.stock.available(article) < quantity:
            raise LookupError(article)
        line = Line(article, cents, quantity, kind)
        self.lines.append(line)
        return line

    def total(self):
        return sum(line.gross() for line in self.lines)

    def articles(self):
        return [line.article for line in self.lines]

    def ready(self):
        """Whether there is something and every line has a quantity."""
        return bool(self.lines) and all(line.quantity > 0 for line in self.lines)

    def summary(self, width=20):
        rows = []
        for line in self.lines:
            rows.append(line.article.ljust(width) + str(line.gross()))
        return "\\n".join(rows)
''',
    "tests/test_stock.py": """import pytest
from shop.stock import Stock, position


@pytest.fixture
def stock():
    stock = Stock()
    stock.add("tea", 5)
    stock.add("jam")
    return stock


def test_add(stock):
    stock.add("tea", 2)
    assert stock.available("tea") == 7
    assert stock.available("jam") == 1


def test_reserve(stock):
    assert stock.reserve("tea", 2) == 2
    assert stock.available("tea") == 3
    assert stock.reserve("tea", 3) == 5


def test_reserve_too_much(stock):
    with pytest.raises(ValueError):
        stock.reserve("jam", 2)


def test_low(stock):
    stock.add("oat", 3)
    assert stock.low() == ["jam"]


def test_drain(stock):
    assert stock.drain("tea") == 5
    assert stock.drain("tea") == 0


def test_position():
    assert position([1, 2, 2, 5], 2) == 3
    assert position([1, 2, 2, 5], 9) == 4
""",
    "tests/test_pricing.py": """from shop.pricing import cheapest, discount, moving_average, tax, tiers


def test_tax():
    assert tax(1000, "food") == 70
    assert tax(1001, "toys") == 191


def test_discount():
    assert discount(1000, 10) == 900
    assert discount(1000, 90, 200) == 200


def test_tiers():
    assert [tiers(n) for n in (1, 9, 10, 99, 100)] == [0, 0, 10, 10, 20]


def test_moving_average():
    assert moving_average([1, 2, 3, 4], 2) == [1.5, 2.5, 3.5]
    assert moving_average([1], 2) == []


def test_cheapest():
    assert cheapest({"a": 3, "b": 2}) == 2


def test_cheapest_of_nothing():
    assert cheapest({}) is None
""",
    "tests/test_cart.py": """import pytest
from shop import Cart
from shop.stock import Stock


def test_total():
    cart = Cart()
    cart.put("tea", 500, 2)
    cart.put("book", 1000, 1, "book")
    assert cart.total() == 1190 + 1070


def test_articles():
    cart = Cart()
    cart.put("tea", 500)
    assert cart.articles() == ["tea"]
    assert cart.put("jam", 300).cents == 300


def test_stock():
    stock = Stock()
    stock.add("tea", 2)
    cart = Cart(stock)
    cart.put("tea", 500, 2)
    with pytest.raises(LookupError):
        cart.put("tea", 500, 3)


def test_ready():
    cart = Cart()
    assert not cart.ready()
    cart.put("tea", 500)
    cart.put("jam", 500, 0)
    assert not cart.ready()


def test_summary():
    cart = Cart()
    cart.put("tea", 100)
    cart.put("jam", 200)
    assert cart.summary(5) == "tea  119\\njam  238"
""",
}


@dataclass(frozen=True)
class Defect:
    """One defect: `old` becomes `new` (once) in `path`; `failing` are the tests that then fail."""

    name: str
    path: str
    old: str
    new: str
    failing: tuple[str, ...]

    def seeded(self) -> dict[str, str]:
        """The package with this defect."""
        assert SHOP[self.path].count(self.old) == 1, self.name
        return {**SHOP, self.path: SHOP[self.path].replace(self.old, self.new)}


DEFECTS = (
    Defect(
        "boundary",
        "shop/stock.py",
        "if count > self.available",
        "if count >= self.available",
        ("tests/test_stock.py::test_reserve",),
    ),
    Defect(
        "hang",
        "shop/stock.py",
        "self.counts[article] -= 1",
        "self.counts[article] -= 0",
        ("tests/test_stock.py::test_drain",),
    ),
    Defect(
        "attribute",
        "shop/stock.py",
        "self.counts.get(article, 0) - self.reserved",
        "self.counts.get(article, 0) - self.counts",
        ("tests/test_stock.py::test_add", "tests/test_stock.py::test_reserve"),
    ),
    Defect(
        "sibling",
        "shop/stock.py",
        "bisect.bisect_right",
        "bisect.bisect_left",
        ("tests/test_stock.py::test_position",),
    ),
    Defect(
        "import",
        "shop/pricing.py",
        "import math\n",
        "",
        ("tests/test_pricing.py::test_tax", "tests/test_cart.py::test_total"),
    ),
    Defect(
        "range",
        "shop/pricing.py",
        "len(values) - width + 1",
        "len(values) - width",
        ("tests/test_pricing.py::test_moving_average",),
    ),
    Defect(
        "guard",
        "shop/pricing.py",
        "    if not offers:\n        return None\n",
        "",
        ("tests/test_pricing.py::test_cheapest_of_nothing",),
    ),
    Defect("constant", "shop/pricing.py", '"food": 7', '"food": 8', ("tests/test_pricing.py::test_tax",)),
    Defect(
        "arguments",
        "shop/cart.py",
        "Line(article, cents, quantity, kind)",
        "Line(article, quantity, cents, kind)",
        ("tests/test_cart.py::test_total", "tests/test_cart.py::test_articles"),
    ),
    Defect(
        "missing return", "shop/cart.py", "        return line\n", "", ("tests/test_cart.py::test_articles",)
    ),
    Defect("all", "shop/cart.py", "and all(line", "and any(line", ("tests/test_cart.py::test_ready",)),
    Defect(
        "variable",
        "shop/pricing.py",
        "return max(reduced, floor)",
        "return max(cents, floor)",
        ("tests/test_pricing.py::test_discount",),
    ),
)
