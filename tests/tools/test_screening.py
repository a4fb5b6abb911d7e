"""Screening candidates: what counts as a change of bodies alone, deadlines, and verdicts as they come."""

from __future__ import annotations

import sys
import time

import pytest

from sandboxes.docker import DockerSandbox
from sandboxes.interface import REPO
from tools.files import FileEdit
from tools.inside.repair.bodies import Change, Module, changes, identity
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


IMPORTING = """\
import json
import os.path as way
from functools import partial


def load(text):
    import csv
    import json
    return json.loads(text), csv.reader(text)


def name(path):
    return way.basename(path) or json.dumps(path)


class Store:
    def save(self, way):
        return way.join(self.root), json.dumps(self)

    def every(self):
        return [json.loads(each) for each in self]


# between


@partial(partial)
def last(n):
    def inner():
        return way.exists(n)

    return inner


TWICE = lambda n: n + n
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("json.loads(text)", "json.load(text)"),
        ("json.loads(text)", "csv.loads(text)"),
        ("    import csv\n", ""),
        ("    import csv\n", "    import csv, os\n    os.stat(text)\n"),
        ("    return way.basename", "    if not path:\n        return None\n    return way.basename"),
        ("way.basename(path)", "way.basename(\n        path\n    )"),
        ("json.dumps(path)", "partial.dumps(path)"),
        ("def save(self, way):", "def save(self, way):\n        way = way or json.way(self)"),
        ("way.join(self.root), ", ""),
        ("[json.loads(each) for each in self]", "[json.loads(each)\n            for each in self]"),
        ("# between\n", "# between\n# the lines\n"),
        (
            "        return way.exists(n)\n\n    return inner",
            "        return way.exists(n)\n    return inner",
        ),
        ("return inner\n", "return inner\n\n    # more\n"),
        ("lambda n: n + n", "lambda n: (n +\n    n)"),
        ("import json\nimport", "import json, csv\nimport"),
        ("TWICE = ", "TWO = "),
    ],
)
def test_what_an_edit_changes_is_what_two_compiled_files_differ_in(old: str, new: str) -> None:
    """Functions that only move, and calls of what the module imports, among them."""
    assert old in IMPORTING
    path, edited = "/repo/box.py", IMPORTING.replace(old, new, 1)
    found = Module(Source("box.py", IMPORTING.encode()), path).changes(edited.encode())
    whole = changes(*(compile(text, path, "exec", dont_inherit=True) for text in (IMPORTING, edited)))

    def told(rows: list[Change] | None) -> list[tuple[object, ...]] | None:
        if rows is None:
            return None
        return [(identity(each.old), identity(each.new), each.own, each.top) for each in rows]

    if whole is None and found is not None and sys.version_info >= (3, 13):
        pytest.skip("a class knows its own line, which a process that goes on may have wrong")
    assert told(found) == told(whole)


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
