"""Ways to say what is broken: reports, commands, names of files and classes, and what a suite may be like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from driver import Ran, World, make_repository, run_git
from forgeries import TARGET

pytestmark = pytest.mark.docker

UNITTEST = {
    "shop.py": b"""\
def total(prices, discount):
    return sum(prices) + discount


def cheapest(prices):
    return min(prices)
""",
    "test_shop.py": b"""\
import unittest

from shop import cheapest, total


class ShopTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([5, 7], 2), 10)

    def test_cheapest(self):
        self.assertEqual(cheapest([5, 7]), 5)
""",
}

JUNIT_RUNNER = b"""\
import os
import sys
import unittest
from xml.sax.saxutils import quoteattr

cases = []


class Recorder(unittest.TestResult):
    def addSuccess(self, test):
        cases.append((test.id(), ""))

    def addFailure(self, test, error):
        cases.append((test.id(), self._exc_info_to_string(error, test)))

    addError = addFailure


unittest.defaultTestLoader.discover(".").run(Recorder())
with open(os.environ["AGENT_JUNIT"], "w") as report:
    report.write("<testsuite>")
    for name, message in cases:
        group, _, test = name.rpartition(".")
        report.write(f"<testcase classname={quoteattr(group)} name={quoteattr(test)}>")
        report.write(f"<failure message={quoteattr(message)}/></testcase>" if message else "</testcase>")
    report.write("</testsuite>")
sys.exit(any(message for _, message in cases))
"""

SHAPES = {
    "shapes.py": b"""\
def area(width, height):
    return width + height


def longest(words):
    return max(words, key=len)
""",
    "tests/test_shapes.py": b"""\
import pytest

from shapes import area, longest


class TestArea:
    def test_square(self):
        assert area(3, 3) == 9

    @pytest.mark.parametrize(("size", "expected"), [((2, 2), 4), ((2, 5), 10)], ids=["same", "a::b [x]"])
    def test_sizes(self, size, expected):
        assert area(*size) == expected

    def test_skipped(self):
        pytest.skip("not here")


def test_longest():
    assert longest(["a", "bcd", "ef"]) == "bcd"
""",
}
AREA = "tests/test_shapes.py::TestArea"
FAILING = {f"{AREA}::test_square", f"{AREA}::test_sizes[a::b [x]]"}

TWO_DEFECTS = {
    "prices.py": b"""\
def gross(net, tax):
    return net - tax


def cheapest(prices):
    return max(prices)
""",
    "tests/test_prices.py": b"""\
from prices import cheapest, gross


def test_gross():
    assert gross(100, 19) == 119


def test_gross_again():
    assert gross(50, 3) == 53


def test_cheapest():
    assert cheapest([4, 2, 9]) == 2
""",
}


def junit_of(repository: Path, report: Path) -> Path:
    """The report that a CI job's own pytest writes."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return report


def refused(ran: Ran, *said: str) -> None:
    """The run ended as a usage error, with one line that says all of this."""
    assert ran.code == 2, ran.output
    assert len(ran.errors.strip().splitlines()) == 1
    assert all(text in ran.errors for text in said), ran.errors


def test_a_report_of_pytest_names_the_failing_test(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--junit", str(junit_of(calc, world.folder / "report.xml")))
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == [TARGET]


def test_a_report_on_classes_and_parameters_maps_to_node_ids(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", SHAPES)
    ran = world.fix(repository, "--junit", str(junit_of(repository, world.folder / "report.xml")))
    assert ran.code == 0, ran.output
    assert set(ran.report["targets"]) == FAILING
    assert "return width * height" in ran.report["diff"]


def test_a_class_stands_for_its_failing_tests(world: World, tmp_path: Path) -> None:
    ran = world.fix(make_repository(tmp_path / "r", SHAPES), "--test", AREA)
    assert ran.code == 0, ran.output
    assert set(ran.report["targets"]) == FAILING


def test_a_skipped_test_is_not_reproduced(world: World, tmp_path: Path) -> None:
    ran = world.fix(make_repository(tmp_path / "r", SHAPES), "--test", f"{AREA}::test_skipped")
    assert ran.code == 13
    assert "skipped here" in ran.report["explanation"]


DOCTYPE = '<?xml version="1.0"?><!DOCTYPE x [{entities}]><testsuite><testcase name="{name}"/></testsuite>'
BOMB = '<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "<testsuite><testcase classname='tests.test_core' name='test_mean'/></testsuite>",
            "no failing test",
        ),
        (DOCTYPE.format(entities=BOMB, name="&i;"), "DTD or entities"),
        (DOCTYPE.format(entities='<!ENTITY e SYSTEM "file:///etc/hostname">', name="&e;"), "DTD or entities"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite/>', "DTD or entities"),
        ("<html/>", "its root is <html>"),
        ("<testsuite><testcase", "not a readable JUnit report"),
    ],
    ids=["green", "bomb", "external entity", "external dtd", "no report", "cut off"],
)
def test_a_report_without_use_is_refused(world: World, calc: Path, content: str, said: str) -> None:
    report = world.folder / "report.xml"
    report.write_text(content)
    ran = world.fix(calc, "--junit", str(report))
    refused(ran, "report.xml", said)
    assert not ran.trace.exists()


def test_a_report_on_a_test_that_is_not_there(world: World, calc: Path) -> None:
    report = world.folder / "report.xml"
    case = "<testcase classname='tests.test_gone' name='test_x'><failure message='m'/></testcase>"
    report.write_text(f"<testsuite>{case}</testsuite>")
    refused(world.fix(calc, "--junit", str(report)), "does not have: tests.test_gone::test_x")


def test_a_command_by_its_exit_code(world: World, tmp_path: Path) -> None:
    repository, command = make_repository(tmp_path / "r", UNITTEST), "python -m unittest -q"
    ran = world.fix(repository, "--tests-command", command)
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == [command]
    assert "+    return sum(prices) - discount" in ran.report["diff"]
    green = world.fix(repository, "--tests-command", "true")
    assert (green.code, green.report["outcome"]) == (0, "nothing-to-fix")


def test_a_command_by_its_report(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", {**UNITTEST, "run_tests.py": JUNIT_RUNNER})
    ran = world.fix(repository, "--tests-command", "python run_tests.py")
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == ["test_shop.ShopTest::test_total"]
    assert ran.report["verified"]["passed"] == 2


def test_a_command_that_is_not_there(world: World, calc: Path) -> None:
    refused(world.fix(calc, "--tests-command", "no-such-runner --all"), "no-such-runner", "cannot be run")


def test_targets_with_one_cause_are_fixed_together_and_with_two_are_not(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", TWO_DEFECTS)
    both = world.fix(repository)
    assert both.code == 10, both.output
    assert len(both.report["targets"]) == 3
    assert both.report["diff"] == ""
    assert "no patch found makes all 3 pass" in both.output
    one = world.fix(repository, "--test", "tests/test_prices.py::test_gross", "--test",
                    "tests/test_prices.py::test_gross_again")  # fmt: skip
    assert one.code == 0, one.output
    assert one.report["targets_passed"] == 2
    assert one.report["verified"]["failed"] == 1


def test_a_test_that_fails_at_random_is_not_called_fixed(world: World, tmp_path: Path) -> None:
    files = {
        "dice.py": b"def double(x):\n    return x * 2\n",
        "test_dice.py": b"""\
import random

from dice import double


def test_dice():
    assert double(3) == 6 and random.random() < 0.5
""",
    }
    repository = make_repository(tmp_path / "r", files)
    said = {13: "passes here, 2 of 2 times", 14: "fails ", 10: "nothing left to try"}
    for _ in range(12):  # three looks differ in five of eight runs
        ran = world.fix(repository, "--test", "test_dice.py::test_dice")
        assert ran.code in said, ran.output
        assert said[ran.code] in ran.report["explanation"]
        if ran.code == 14:
            break
    assert ran.code == 14


def test_what_a_run_leaves_in_the_tree_is_not_there_in_the_next(world: World, tmp_path: Path) -> None:
    files = {
        "test_left.py": b"""\
from pathlib import Path


def test_each_run_starts_afresh():
    left = Path("left.txt")
    before = left.exists()
    left.write_text("x")
    assert before
""",
    }
    ran = world.fix(make_repository(tmp_path / "r", files), "--test", "test_left.py")
    assert ran.code == 10, ran.output
    assert ran.events("result")[2]["observation"]["passes"] == [0]


def test_a_source_layout_with_dependencies_and_a_test_extra(world: World, tmp_path: Path) -> None:
    files = {
        "pyproject.toml": b"""\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tinyver"
version = "0.1"
dependencies = ["packaging"]

[project.optional-dependencies]
test = ["sortedcontainers"]
""",
        "src/tinyver/__init__.py": b"""\
from packaging.version import Version


def newest(names):
    return min(names, key=Version)
""",
        "tests/test_newest.py": b"""\
from sortedcontainers import SortedList
from tinyver import newest


def test_newest():
    assert newest(SortedList(["1.10", "1.9", "1.2"])) == "1.10"
""",
    }
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository)
    assert ran.code == 0, ran.output
    assert "+    return max(names, key=Version)" in ran.report["diff"]
    assert run_git(repository, "status", "--porcelain") == ""


def test_a_setup_command_makes_what_the_tests_need(world: World, tmp_path: Path) -> None:
    files = {
        "make_rates.py": b"open('rates.py', 'w').write('RATES = {\"EUR\": 2}')\n",
        "shop.py": b"""\
from rates import RATES


def convert(amount, currency):
    return amount + RATES[currency]
""",
        "test_shop.py": b"""\
from shop import convert


def test_convert():
    assert convert(10, "EUR") == 20
""",
    }
    repository = make_repository(tmp_path / "r", files)
    refused(world.fix(repository), "cannot be collected", "No module named 'rates'", "--setup-command")
    ran = world.fix(repository, "--setup-command", "python make_rates.py")
    assert ran.code == 0, ran.output
    assert "+    return amount * RATES[currency]" in ran.report["diff"]
    assert "rates.py" not in ran.report["diff"]
    failed = world.fix(repository, "--setup-command", "python no_such_file.py")
    assert failed.code == 20
    assert "can't open file '/work/repo/no_such_file.py'" in failed.output


UNBOUNDED = {
    "grow.py": b"""\
def half(number):
    return number / 2 + 1


def depth(number):
    return 1 + depth(number - 1)


def grow(number):
    blocks = []
    while number or not blocks:
        blocks.append(bytearray(50_000_000))
    return blocks


def count_down(number):
    steps = 0
    while number > 0:
        number += 1
        steps += 1
    return steps
""",
    "test_half.py": b"from grow import half\n\n\ndef test_half():\n    assert half(4) == 2\n",
}


def test_endless_recursion_and_allocation_are_contained(world: World, tmp_path: Path) -> None:
    files = {
        **UNBOUNDED,
        "test_depth.py": b"from grow import depth\n\n\ndef test_depth():\n    assert depth(4) == 4\n",
        "test_grow.py": b"from grow import grow\n\n\ndef test_grow():\n    assert len(grow(1)) == 1\n",
    }
    repository = make_repository(tmp_path / "r", files)
    beside = world.fix(repository, "--test", "test_half.py")
    assert beside.code == 0, beside.output
    assert beside.report["verified"]["failed"] == 2
    recursing = world.fix(repository, "--test", "test_depth.py", "--deadline", "2m")
    assert recursing.code in (0, 10), recursing.output
    assert "RecursionError" in recursing.events("result")[2]["observation"]["messages"][0]


def test_a_loop_without_end_is_fixed_within_the_deadline(world: World, tmp_path: Path) -> None:
    files = {
        "grow.py": UNBOUNDED["grow.py"].replace(b" / 2 + 1", b" / 2"),
        "test_half.py": UNBOUNDED["test_half.py"],
        "test_count.py": b"""\
from grow import count_down


def test_count():
    assert count_down(3) == 3
""",
    }
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--test", "test_count.py", "--deadline", "4m")
    assert ran.code == 0, ran.output
    assert "-        number += 1" in ran.report["diff"]
    assert ran.report["seconds"] <= 240


UNIMPORTABLE = {
    "broken.py": b"HALF = math.pi / 2\n",
    "lib.py": b"def first(items):\n    return items[1]\n",
    "tests/test_broken.py": b"from broken import HALF\n\n\ndef test_half():\n    assert 1 < HALF < 2\n",
    "tests/test_lib.py": b"from lib import first\n\n\ndef test_first():\n    assert first([1, 2]) == 1\n",
}


def test_a_file_that_does_not_collect_is_never_a_green_suite(world: World, tmp_path: Path) -> None:
    fixed = UNIMPORTABLE["lib.py"].replace(b"[1]", b"[0]")
    repository = make_repository(tmp_path / "r", {**UNIMPORTABLE, "lib.py": fixed})
    refused(
        world.fix(repository), "nothing fails, but a part", "test_broken.py", "name 'math' is not defined"
    )
    named = world.fix(repository, "--test", "tests/test_broken.py::test_half")
    refused(named, "cannot be collected: NameError: name 'math' is not defined")


def test_a_file_that_does_not_collect_is_said_beside_a_fix(world: World, tmp_path: Path) -> None:
    ran = world.fix(make_repository(tmp_path / "r", UNIMPORTABLE))
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == ["tests/test_lib.py::test_first"]
    assert "does not collect: tests/test_broken.py: NameError" in ran.output
    assert ran.report["verified"]["uncollected"] == 1


def test_a_repository_without_tests(world: World, tmp_path: Path) -> None:
    refused(world.fix(make_repository(tmp_path / "r", {"lib.py": b"x = 1\n"})), "the suite has no tests")
