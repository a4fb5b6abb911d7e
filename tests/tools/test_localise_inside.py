"""Localisation inside the sandbox: hangs, recursion, killed processes, import errors, several files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sandboxes.docker import DockerSandbox
from tools.repair.localise import MOST_HANGING, Localisation, localise, trace_tests

REPO = "/workspace/repo"
pytestmark = pytest.mark.docker


def run(
    sandbox: DockerSandbox, files: Mapping[str, str], failing: list[str], others: list[str]
) -> Localisation:
    for path, text in files.items():
        sandbox.write(f"{REPO}/{path}", text.encode())
    seen: list[tuple[int, int]] = []
    found = localise(
        trace_tests(
            sandbox,
            sandbox.python,
            failing,
            others,
            1.0,
            lambda done, total: seen.append((done, total)),
            editable=lambda path: path.endswith(".py") and not path.startswith("test_"),
        ),
        failing,
    )
    assert seen and seen[-1][0] <= seen[-1][1] == len(failing) + len(others)
    return found


def top(found: Localisation, count: int = 1) -> list[tuple[str, int]]:
    return [(line.path, line.line) for line in found.lines[:count]]


def test_the_failing_branch_comes_first_across_files(sandbox: DockerSandbox) -> None:
    files = {
        "pack/__init__.py": "",
        "pack/a.py": (
            "from .b import half\n\n\ndef use(n):\n    if n > 3:\n        return half(n,\n"
            "            'größer')\n    return n\n"
        ),
        "pack/b.py": "KIND = 'x'\n\n\ndef half(n, kind):\n    return n // 3\n",
        "test_a.py": (
            "from pack.a import use\n\n\ndef test_big():\n    assert use(4) == 2\n\n\n"
            "def test_small():\n    assert use(1) == 1\n"
        ),
    }
    found = run(sandbox, files, ["test_a.py::test_big"], ["test_a.py::test_small"])
    assert found.method == "ochiai+traceback"
    assert set(top(found, 3)) == {("pack/a.py", 6), ("pack/b.py", 5), ("pack/b.py", 4)}
    assert ("pack/b.py", 1) in top(found, 99)
    assert not any(path.startswith("test_") for path, _ in top(found, 99))


def test_a_loop_that_never_ends_is_cut_and_localised(sandbox: DockerSandbox) -> None:
    files = {
        "spin.py": (
            "def spin(n):\n    total = 0\n    while n != 0:\n        try:\n            n -= 2\n"
            "        except BaseException:\n            pass\n    return total\n"
        ),
        "test_spin.py": "from spin import spin\n\n\ndef test_odd():\n    assert spin(3) == 0\n",
    }
    found = run(sandbox, files, ["test_spin.py::test_odd"], [])
    assert found.hangs
    assert found.method == "reachability+traceback"
    assert top(found)[0][1] in (3, 4, 5, 7)
    assert ("spin.py", 8) not in top(found, 99)


def test_of_many_tests_that_hang_a_few_are_traced(sandbox: DockerSandbox) -> None:
    tests = [f"def test_{n}():\n    assert spin({n}) == 0\n" for n in range(1, 9)]
    files = {
        "spin.py": "def spin(n):\n    while n:\n        n -= 0\n    return n\n",
        "test_spin.py": "from spin import spin\n\n\n" + "\n\n".join(tests),
    }
    for path, text in files.items():
        sandbox.write(f"{REPO}/{path}", text.encode())
    failing = [f"test_spin.py::test_{n}" for n in range(1, 9)]
    found = localise(
        trace_tests(
            sandbox,
            sandbox.python,
            failing,
            [],
            60.0,
            hanging=failing,
            editable=lambda path: path == "spin.py",
        ),
        failing,
    )
    assert (found.hangs, found.failed) == (True, MOST_HANGING)
    assert top(found)[0] in (("spin.py", 2), ("spin.py", 3))


def test_a_freeze_inside_c_code_is_killed_and_its_stack_read(sandbox: DockerSandbox) -> None:
    files = {
        "freeze.py": "import itertools\n\n\ndef total(xs):\n    return sum(itertools.count())\n",
        "test_freeze.py": (
            "from freeze import total\n\n\ndef test_it():\n    assert total([1]) == 1\n\n\n"
            "def test_other():\n    pass\n"
        ),
    }
    found = run(sandbox, files, ["test_freeze.py::test_it"], ["test_freeze.py::test_other"])
    assert found.hangs
    assert top(found) == [("freeze.py", 5)]
    assert found.passed == 1


def test_endless_recursion_is_localised(sandbox: DockerSandbox) -> None:
    files = {
        "deep.py": "def depth(tree):\n    if tree is None:\n        return 0\n    return 1 + depth(tree)\n",
        "test_deep.py": "from deep import depth\n\n\ndef test_it():\n    assert depth([None]) == 1\n",
    }
    found = run(sandbox, files, ["test_deep.py::test_it"], [])
    assert "RecursionError" in found.errors[0]
    assert ("deep.py", 4) in top(found, 2)
    assert len(found.frames) < 10


def test_a_process_killed_by_its_test_is_started_again(sandbox: DockerSandbox) -> None:
    files = {
        "die.py": "import os\n\n\ndef die():\n    os._exit(0)\n",
        "test_die.py": (
            "from die import die\n\n\ndef test_die():\n    die()\n\n\ndef test_next():\n    pass\n"
        ),
    }
    found = run(sandbox, files, ["test_die.py::test_die"], ["test_die.py::test_next"])
    assert (found.failed, found.passed) == (1, 1)
    assert "killed" in found.errors[0]


def test_an_error_at_import_is_localised(sandbox: DockerSandbox) -> None:
    files = {
        "broken.py": "FIRST = 1\n\nTABLE = {n: 1 / n for n in range(3)}\nLAST = 2\n",
        "test_broken.py": "from broken import TABLE\n\n\ndef test_it():\n    assert TABLE\n",
    }
    found = run(sandbox, files, ["test_broken.py::test_it"], [])
    assert top(found) == [("broken.py", 3)]
    assert "ZeroDivisionError" in " ".join(found.errors)


def test_options_of_plugins_that_are_not_installed_are_ignored(sandbox: DockerSandbox) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = --cov=calc --cov-report=term-missing\n",
        "calc.py": "def half(n):\n    return n * 2\n\n\ndef same(n):\n    return n\n",
        "test_calc.py": "from calc import half, same\n\n\ndef test_half():\n    assert half(4) == 2\n\n\n"
        "def test_same():\n    assert same(4) == 4\n",
    }
    found = run(sandbox, files, ["test_calc.py::test_half"], ["test_calc.py::test_same"])
    assert (found.failed, found.passed) == (1, 1)
    assert ("calc.py", 2) in top(found, 2)
