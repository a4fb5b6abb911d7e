"""Ways to say what is broken: reports, commands, names of tests, files and classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from driver import World, make_repository, refused
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
""",
    "offers.py": b"""\
def cheapest(prices):
    return max(prices)
""",
    "tests/test_prices.py": b"""\
from offers import cheapest
from prices import gross


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


def test_a_report_of_pytest_names_the_failing_test(world: World, calc: Path) -> None:
    ran = world.fix(calc, *world.honest(), "--junit", str(junit_of(calc, world.folder / "report.xml")))
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == [TARGET]


def test_a_report_on_classes_and_parameters_maps_to_node_ids(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", SHAPES)
    ran = world.fix(repository, "--junit", str(junit_of(repository, world.folder / "report.xml")))
    assert ran.code == 0, ran.output
    assert set(ran.report["targets"]) == FAILING
    assert "return width * height" in ran.report["diff"]


def test_a_class_stands_for_its_failing_tests(world: World, tmp_path: Path) -> None:
    repair = world.honest({"shapes.py": SHAPES["shapes.py"].replace(b"width + height", b"width * height")})
    ran = world.fix(make_repository(tmp_path / "r", SHAPES), *repair, "--test", AREA)
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
    assert both.report["tried"] > 0
    assert f"suspected   {both.report['suspects'][0]}" in both.output
    assert len(both.report["targets"]) == 3
    assert both.report["diff"] == ""
    assert "no patch found makes all 3 pass" in both.output
    one = world.fix(repository, "--test", "tests/test_prices.py::test_gross", "--test",
                    "tests/test_prices.py::test_gross_again")  # fmt: skip
    assert one.code == 0, one.output
    assert one.report["targets_passed"] == 2
    assert one.report["verified"]["failed"] == 1
