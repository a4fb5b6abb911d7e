"""Screening candidates: what counts as a change of bodies alone, deadlines, and verdicts as they come."""

from __future__ import annotations

import time

import pytest

from sandboxes.docker import DockerSandbox
from sandboxes.interface import REPO
from tools.files import FileEdit
from tools.inside.repair.bodies import Module
from tools.inside.repair.source import Source
from tools.screening import Screen, Screened

CODE = """\
import functools

LIMIT = 3


def plain(a, b=1):
    "Doc."
    return a - b


def outer(n):
    def inner():
        return n + 1
    return inner


class Box:
    size = 1

    def get(self):
        return [x for x in range(self.size)]
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return a - b", "return a + b", ["plain"]),
        ("return a - b", "c = a\n    return c + b", ["plain", "outer", "inner", "get", "<listcomp>"]),
        ("return n + 1", "return n + 2", ["outer", "inner"]),
        ("range(self.size)", "range(self.size, 9)", ["get", "<listcomp>"]),
        ("return a - b", "return a - b  # why", []),
        ("LIMIT = 3", "LIMIT = 4", None),
        ("size = 1", "size = 2", None),
        ("b=1", "b=2", None),
        ("a, b=1", "a, c=1", None),
        ('"Doc."', '"Documented."', None),
        ("def outer", "@functools.cache\ndef outer", None),
        ("def plain", "async def plain", None),
        ("return a - b", "yield a - b", None),
        ("return a - b", "return a -", None),
    ],
)
def test_only_bodies_of_functions_can_be_replaced(old: str, new: str, changed: list[str] | None) -> None:
    module = Module(Source("box.py", CODE.encode()), "/repo/box.py")
    found = module.changes(CODE.replace(old, new).encode())
    names = None if found is None else [change.old.co_name for change in found]
    if changed is not None and names is not None:
        # Comprehensions are functions of their own until Python 3.12.
        changed = [name for name in changed if name != "<listcomp>"]
        names = [name for name in names if name != "<listcomp>"]
    assert names == changed


def test_a_changed_closure_is_a_change_of_the_function_around_it() -> None:
    code = "def outer(n, m):\n    def inner():\n        return n\n    return inner\n"
    module = Module(Source("box.py", code.encode()), "/repo/box.py")
    found = module.changes(code.replace("return n", "return m").encode())
    assert found is not None
    assert [(change.old.co_name, change.own) for change in found] == [("outer", True)]


def put(sandbox: DockerSandbox, body: str) -> None:
    sandbox.write(f"{REPO}/calc.py", f"import time\n\n\ndef add(a, b):\n    {body}\n".encode())
    sandbox.write(
        f"{REPO}/test_it.py", b"from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n"
    )


def candidate(body: str) -> tuple[FileEdit, ...]:
    return (FileEdit("calc.py", f"import time\n\n\ndef add(a, b):\n    {body}\n".encode()),)


@pytest.mark.docker
def test_verdicts_come_one_by_one_and_the_deadline_holds(sandbox: DockerSandbox) -> None:
    put(sandbox, "return a - b")
    slow = [candidate(f"time.sleep(1); return {n}") for n in range(10, 40)]
    came: list[tuple[Screened, float]] = []
    started = time.monotonic()
    screen = Screen(sandbox, sandbox.python, REPO, ["test_it.py::test_it"])
    found = screen.screen(
        [candidate("return a + b"), *slow], 12.0, lambda each: came.append((each, time.monotonic() - started))
    )
    assert found.seconds <= 12.0
    assert found.passed == (0,)
    assert 1 < len(found.verdicts) < 31, "those for which there was no time have no verdict"
    assert [each for each, _ in came] == list(found.verdicts)
    assert came[0][1] < came[-1][1] - 1.0
    assert sandbox.read(f"{REPO}/calc.py").endswith(b"return a - b\n")


@pytest.mark.docker
def test_few_candidates_are_run_cold(sandbox: DockerSandbox) -> None:
    put(sandbox, "return a - b")
    screen = Screen(sandbox, sandbox.python, REPO, ["test_it.py::test_it"])
    found = screen.screen([candidate("return a * b + 7"), candidate("return a + b")], 60.0)
    assert [(each.verdict, each.mode) for each in found.verdicts] == [("failed", "cold"), ("passed", "cold")]
    assert sandbox.read(f"{REPO}/calc.py").endswith(b"return a - b\n")


@pytest.mark.docker
def test_a_path_out_of_the_tree_and_no_targets_are_refused(sandbox: DockerSandbox) -> None:
    put(sandbox, "return a - b")
    screen = Screen(sandbox, sandbox.python, REPO, ["test_it.py::test_it"])
    with pytest.raises(ValueError, match="inside the repository"):
        screen.screen([(FileEdit("../calc.py", b""),)], 10.0)
    with pytest.raises(ValueError, match="target"):
        Screen(sandbox, sandbox.python, REPO, [])
