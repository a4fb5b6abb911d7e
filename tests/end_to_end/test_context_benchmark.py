"""The benchmark of what a prompt has to hold: what a repair needs, how that is counted, and one case."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._context_needs import Need, edits, names_used, needs_of
from benchmarks._context_shares import interval, rows_of, sum_of
from policies.context import Piece, PieceKind, share_of

PROJECT = Path(__file__).parents[2]

SHOP = """\
from rates import DEFAULT, rate_of
from money import cents


def total(lines):
    found = sum(price(each) for each in lines)
    return cents(found)


def price(line):
    base = line.count * line.each
    rate = rate_of(line.kind, default=DEFAULT)
    return base + base * rate


class Line:
    kind = "plain"
    count = 1
"""
RATES = "DEFAULT = 0\n\n\ndef rate_of(kind, default):\n    return default\n"
WRONG = SHOP.replace("    rate = rate_of(line.kind, default=DEFAULT)\n", "    rate = 0\n")


def piece(kind: PieceKind, first: int, last: int, path: str = "shop.py", name: str = "") -> Piece:
    return Piece(path, first, last, kind, name, 1, share_of(kind, 1))


TEST = piece("test", 1, 2, "test_shop.py")
TOTAL, PRICE = piece("suspect", 5, 7, name="total"), piece("suspect", 10, 13, name="price")
RATE_OF, CONSTANT = piece("callee", 4, 5, "rates.py"), piece("callee", 1, 1, "rates.py")
LINE, IMPORTS = piece("type", 16, 18), piece("import", 1, 2)


def needs(*pieces: Piece, said: str = "", right: str = SHOP, wrong: str = WRONG) -> list[Need]:
    files = {
        "shop.py": wrong.encode(),
        "rates.py": RATES.encode(),
        "test_shop.py": b"def test():\n    total\n",
    }
    found = needs_of("shop.py", wrong.encode(), right.encode(), pieces, said, files.get)
    assert found.kinds == tuple(each.kind for each in pieces)
    return list(found.needs)


def test_a_repair_needs_its_place_and_the_names_that_nothing_before_it_shows() -> None:
    place = Need("suspect", 2)
    assert needs(TEST, TOTAL, PRICE) == [place]
    # `kind` stands in the class, `rate_of` and `default` in the function, DEFAULT by itself.
    assert needs(TEST, TOTAL, PRICE, RATE_OF, CONSTANT, LINE) == [
        place,
        Need("callee", 1, ("default", "kind", "rate_of")),
        Need("callee", 2, ("DEFAULT",)),
    ]
    # The first of each kind come before the second ones; one piece is needed once, for all its names.
    assert needs(TEST, TOTAL, PRICE, CONSTANT, RATE_OF, IMPORTS) == [
        place,
        Need("callee", 1, ("DEFAULT",)),
        Need("import", 1, ("rate_of",)),
        Need("callee", 2, ("default", "kind")),
    ]


def test_what_the_tests_said_and_suspects_before_the_place_are_shown_already() -> None:
    rates = piece("suspect", 1, 5, "rates.py", "rate_of")
    assert needs(TEST, rates, PRICE, IMPORTS) == [Need("suspect", 2)]
    assert needs(TEST, PRICE, rates, IMPORTS) == [
        Need("suspect", 1),
        Need("import", 1, ("DEFAULT", "rate_of")),
        Need("suspect", 2, ("default", "kind")),
    ]
    said = "E  NameError: rate_of(kind, default=DEFAULT)"
    assert needs(TEST, PRICE, rates, IMPORTS, said=said) == [Need("suspect", 1)]


def test_the_place_is_a_suspect_before_any_other_piece_or_nowhere() -> None:
    whole = piece("neighbour", 1, 18)
    assert needs(whole, TOTAL, PRICE)[0] == Need("suspect", 2)
    assert needs(TOTAL, whole)[0] == Need("neighbour", 1)
    assert needs(TOTAL, RATE_OF) == []
    assert not needs_of("shop.py", WRONG.encode(), SHOP.encode(), [TOTAL], "", {}.get).placed


@pytest.mark.parametrize(
    ("wrong", "touched"),
    [
        (SHOP.replace("    base = line.count * line.each\n", ""), 10),  # the function's head
        (SHOP.replace("    return base + base * rate\n", ""), 12),
        (SHOP.replace('    kind = "plain"\n', ""), 16),
        (SHOP.replace("def price", "@cached\ndef price"), 10),
        (SHOP.replace("    base = ", "      base = "), 11),
        (SHOP.replace("\n\n\nclass", "\nclass"), None),
    ],
)
def test_lines_that_only_come_belong_to_the_definition_that_they_are_in(
    wrong: str, touched: int | None
) -> None:
    assert [set(each.touched) for each in edits(wrong.encode(), SHOP.encode())] == (
        [] if touched is None else [{touched}]
    )


def test_a_decorator_comes_to_the_function_below_it() -> None:
    right = SHOP.replace("def price", "@cached\ndef price")
    assert [(set(each.touched), each.names) for each in edits(SHOP.encode(), right.encode())] == [
        ({10}, {"cached"})
    ]


def test_names_that_the_code_binds_or_everybody_knows_are_not_looked_for() -> None:
    code = 'x = [y.strip() for y in rows]\nself.rows[len(x)] = f(key="name", *x).__class__\nt = "two words"\n'
    tree = ast.parse(code)
    assert names_used(tree, range(1, 4)) == {"rows", "f", "key", "name"}
    assert names_used(tree, range(2, 3)) == {"rows", "f", "key", "name", "x"}


def test_shares_count_pieces_and_sums_count_cases() -> None:
    wrong, right = WRONG.encode(), SHOP.encode()
    files = {"shop.py": wrong, "rates.py": RATES.encode()}
    two = needs_of("shop.py", wrong, right, [PRICE, RATE_OF, CONSTANT], "", files.get)
    one = needs_of("shop.py", wrong, right, [TOTAL, RATE_OF], "", files.get)
    [first, second] = rows_of([one, two], "callee")
    assert (first.there, first.places, first.names, first.share) == (2, 0, 1, 0.5)
    assert (second.there, second.names, second.shipped) == (1, 1, share_of("callee", 2))
    whole = sum_of([one, two], "callee")
    assert (whole.of, whole.cases, whole.share, whole.blended) == (2, 1, 0.5, (0.5 + 0.12) / 2)
    assert whole.shipped == pytest.approx(share_of("callee", 1) + share_of("callee", 2) / 2)
    assert whole.first == pytest.approx(share_of("callee", 1) * whole.blended / whole.shipped)
    two_suspects = sum_of([one, two], "suspect")
    assert (two_suspects.of, two_suspects.cases, two_suspects.first) == (2, 1, None)
    none = needs_of("shop.py", wrong, right, [PRICE], "", files.get)
    assert sum_of([one, two, none], "callee") == whole  # it has none that it could need
    assert [round(each, 3) for each in interval(1, 10)] == [0.023, 0.348]
    assert interval(0, 0) == (0, 1) and interval(0, 10)[0] == 0 and interval(10, 10)[1] == 1


@pytest.mark.docker
def test_a_program_is_localised_and_its_repair_has_its_place(tmp_path: Path, environment_image: str) -> None:
    del environment_image  # the engine and the base image are there
    report = tmp_path / "report.json"
    options = ("--set", "programs", "--only", "bed_gaps-2", "--json", str(report))
    command = [sys.executable, "-m", "benchmarks.context", *options]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(report.read_text())
    [case] = figures["cases"]
    assert case["needs"]["placed"] and case["needs"]["needs"] == [{"kind": "suspect", "rank": 1, "names": []}]
    assert figures["shares"]["small programs"][0]["places"] == 1
    assert "small programs: 1 cases" in done.stdout
