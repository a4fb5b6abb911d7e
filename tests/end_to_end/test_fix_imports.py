"""A source file that raises while it is imported: test files that do not collect are repaired like others."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, make_repository, refused

pytestmark = pytest.mark.docker

LEVELS = {
    "levels.py": b'''\
"""Levels of sound, in steps."""

NAMES = ["low", "middle", "high"]
LOUDEST = NAMES[3]


def level(step):
    """The name of a step; those beyond the last are as loud."""
    return NAMES[step] if step < len(NAMES) else LOUDEST
''',
    "tests/test_levels.py": b"""\
from levels import level


def test_known():
    assert level(0) == "low"


class TestBeyond:
    def test_beyond(self):
        assert level(7) == "high"
""",
    "tests/test_beside.py": b"def test_beside():\n    assert True\n",
}
COLLECTS = LEVELS["levels.py"].replace(b"NAMES[3]", b"NAMES[1]")


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ([], "tests/test_levels.py"),
        (["tests/test_levels.py::TestBeyond"], "tests/test_levels.py::TestBeyond"),
        (["tests/test_levels.py::TestBeyond::test_beyond"], "tests/test_levels.py::TestBeyond::test_beyond"),
    ],
    ids=["unnamed", "class", "test"],
)
def test_a_module_that_raises_at_import_is_repaired(
    world: World, tmp_path: Path, named: list[str], target: str
) -> None:
    options = [option for name in named for option in ("--test", name)]
    ran = world.fix(make_repository(tmp_path / "r", LEVELS), *options)
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == [target]
    assert "-LOUDEST = NAMES[3]" in ran.report["diff"]
    assert ran.report["verified"]["passed"] == 3
    assert ran.report["verified"]["uncollected"] == 0
    (seen,) = (e["observation"] for e in ran.events("result") if e["step"]["subject"] == "reproduce")
    assert seen["passes"] == [0]
    assert "cannot be collected" in seen["messages"][0]
    assert "IndexError: list index out of range" in seen["messages"][0]
    assert world.replay(ran.trace).code == 0


def test_a_report_of_a_file_that_does_not_collect(world: World, tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    junit.write_text(
        '<testsuites><testsuite name="pytest" tests="1" errors="1"><testcase classname="" '
        'name="tests.test_levels" time="0.0"><error message="collection failure">IndexError</error>'
        "</testcase></testsuite></testsuites>"
    )
    fixed = LEVELS["levels.py"].replace(b"NAMES[3]", b"NAMES[2]")
    repair = world.honest({"levels.py": fixed})
    ran = world.fix(make_repository(tmp_path / "r", LEVELS), "--junit", str(junit), *repair)
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == ["tests/test_levels.py"]


@pytest.mark.parametrize("named", [[], ["--test", "tests/test_levels.py::TestBeyond::test_beyond"]])
def test_to_collect_is_not_enough(world: World, tmp_path: Path, named: list[str]) -> None:
    repair = world.honest({"levels.py": COLLECTS})
    ran = world.fix(make_repository(tmp_path / "r", LEVELS), *repair, *named)
    assert ran.code == 10, ran.output
    assert "1 of 1 targets still fail" in " ".join(ran.output.split())  # it may be wrapped


TABLE = {
    "table.py": b"PAIRS = list(zip([1, 2, 3], [1, 4], strict=True))\n",
    "tests/test_table.py": b"""\
import pytest
from table import PAIRS


@pytest.mark.parametrize(("number", "square"), PAIRS)
def test_square(number, square):
    assert number**2 == square


def test_number():
    assert isinstance(PAIRS, list)
""",
}
EMPTYING = {
    "no parameters": b"PAIRS = []\n",
    "fewer that fail": b"PAIRS = [(2, 5)]\n",
}


@pytest.mark.parametrize("how", EMPTYING)
def test_tests_that_are_gone_have_not_passed(world: World, tmp_path: Path, how: str) -> None:
    repair = world.honest({"table.py": EMPTYING[how]})
    ran = world.fix(make_repository(tmp_path / "r", TABLE), *repair)
    assert ran.code == 10, ran.output
    assert "1 of 1 targets still fail" in " ".join(ran.output.split())  # it may be wrapped
    assert not ran.report["diff"]


MISSING = {
    **LEVELS,
    "levels.py": b"import no_such_package\n\nNAMES = ['low']\n",
}


@pytest.mark.parametrize("named", [[], ["--test", "tests/test_levels.py::test_known"]])
def test_a_missing_dependency_is_no_defect(world: World, tmp_path: Path, named: list[str]) -> None:
    repair = world.honest({"levels.py": b"NAMES = ['low']\n"})
    ran = world.fix(make_repository(tmp_path / "r", MISSING), *repair, *named)
    refused(ran, "cannot be collected", "No module named 'no_such_package'", "declare it, or name --setup")


def test_a_test_file_that_raises_by_itself_is_no_defect_of_the_source(world: World, tmp_path: Path) -> None:
    files = {**LEVELS, "tests/test_levels.py": b"import levels_\n" + LEVELS["tests/test_levels.py"]}
    refused(world.fix(make_repository(tmp_path / "r", files)), "No module named 'levels_'")


def test_one_file_that_nothing_mends_keeps_the_suite_from_being_green(world: World, tmp_path: Path) -> None:
    files = {**LEVELS, "tests/test_far.py": b"import no_such_package\n"}
    repository = make_repository(tmp_path / "r", files)
    refused(world.fix(repository), "a part of the suite cannot be collected", "name its tests with --test")
    repair = world.honest({"levels.py": LEVELS["levels.py"].replace(b"[3]", b"[2]")})
    ran = world.fix(repository, *repair, "--test", "tests/test_levels.py")
    assert ran.code == 0, ran.output
    assert ran.report["verified"]["uncollected"] == 1
