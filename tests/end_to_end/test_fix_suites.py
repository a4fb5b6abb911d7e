"""What a suite may be like: flaky, with needs of its own, without end, or not to be imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, make_repository, refused, run_git

from agent.patience import COMPUTING_SECONDS

pytestmark = pytest.mark.docker


def test_a_test_that_fails_at_random_is_not_called_fixed(world: World, tmp_path: Path) -> None:
    files = {
        "dice.py": b"def double(x):\n    return x * 2\n",
        "test_dice.py": b"""\
import random

from dice import double


def test_dice():
    assert double(3) == 6 and random.random() < 0.1
""",
    }
    repository = make_repository(tmp_path / "r", files)
    said = {13: "passes here, 2 of 2 times", 14: "fails ", 10: "stop: "}
    for _ in range(20):  # in a quarter of the runs three looks differ
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
    repair = world.honest({"shop.py": files["shop.py"].replace(b"amount + ", b"amount * ")})
    ran = world.fix(repository, *repair, "--setup-command", "python make_rates.py")
    assert ran.code == 0, ran.output
    assert "+    return amount * RATES[currency]" in ran.report["diff"]
    assert "rates.py" not in ran.report["diff"]
    failed = world.fix(repository, "--setup-command", "python no_such_file.py")
    assert failed.code == 20
    assert "can't open file '/workspace/repo/no_such_file.py'" in failed.output


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
    reproduced, base = (ran.events("result")[at]["observation"] for at in (2, 3))
    assert (reproduced["runs"], reproduced["hanging"]) == (1, ["test_count.py::test_count"])
    assert base["hanging"] == reproduced["hanging"]
    assert "failed 1 of 1 times, taken to hang" in ran.output
    assert base["suite_seconds"] < COMPUTING_SECONDS


UNIMPORTABLE = {
    "lib.py": b"def first(items):\n    return items[1]\n",
    "tests/test_broken.py": b"HALF = math.pi / 2\n\n\ndef test_half():\n    assert 1 < HALF < 2\n",
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
    repository = make_repository(tmp_path / "r", UNIMPORTABLE)
    refused(world.fix(repository), "a part of the suite cannot be collected", "name its tests with --test")
    repair = world.honest({"lib.py": UNIMPORTABLE["lib.py"].replace(b"[1]", b"[0]")})
    ran = world.fix(repository, *repair, "--test", "tests/test_lib.py")
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == ["tests/test_lib.py::test_first"]
    assert "does not collect: tests/test_broken.py: NameError" in ran.output
    assert ran.report["verified"]["uncollected"] == 1


def test_a_repository_without_tests(world: World, tmp_path: Path) -> None:
    refused(world.fix(make_repository(tmp_path / "r", {"lib.py": b"x = 1\n"})), "the suite has no tests")
