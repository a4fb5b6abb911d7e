"""Candidates that change nothing a failing test computes: which are asked about, and what is seen of them."""

from __future__ import annotations

import itertools
import queue
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker import DockerClient

from sandboxes.building import PYTHON
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from tools.inside.repair.candidates import Candidate
from tools.inside.repair.probes import probes
from tools.inside.repair.source import Source
from tools.inside.repair.values import Observer, Probe
from tools.repair.search import RepairSearch

REPO = "/workspace/repo"
SECONDS = 600.0  # of a search: more than any takes, on a busy machine too
Edit = tuple[str, str]


def asked(code: str, *edits: Edit) -> list[Probe]:
    source, made = Source("box.py", code.encode()), []
    for old, new in edits:
        start = code.index(old)
        equal = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old[::-1], new[::-1], strict=False))
        behind = len(list(equal))  # it tells the place, and is no part of the edit
        cut, put = old[: len(old) - behind], new[: len(new) - behind]
        made.append(Candidate("box.py", start, start + len(cut), put.encode(), "t", 1, 0.1))
    return probes(list(enumerate(made)), {"box.py": source}, "/repo")


def same(code: str, run: Callable[[dict[str, Any]], object], *edits: Edit) -> list[int]:
    """Which of the edits change nothing when `run` uses the names that the code defines."""
    names: dict[str, Any] = {}
    exec(compile(code, "/repo/box.py", "exec"), names)
    before, observer = sys.gettrace(), Observer(asked(code, *edits))
    observer.begin()
    try:
        run(names)
    finally:
        found = observer.end()
        sys.settrace(before)
    return found


LIMITED = """\
def limited(items, n):
    if n > 3:
        return n
    total = len(items) + n
    return total
"""


def test_what_always_gives_the_same_is_told_from_what_once_does_not() -> None:
    edits = (
        ("n > 3", "n > 4"),
        ("n > 3", "n >= 1"),
        ("n\n    total", "n + 1\n    total"),
        ("len(items) + n", "n + len(items)"),
        ("len(items) + n", "len(items) - n"),
        ("len(items) + n", "len(nothing) + n"),
    )
    assert same(LIMITED, lambda code: code["limited"]([1, 2], 1), *edits) == [0, 3]

    def twice(code: dict[str, Any]) -> None:
        code["limited"]([1, 2], 1)
        code["limited"]([1, 2], 4)

    assert same(LIMITED, twice, *edits) == [3], "the last call tells 3 from 4, and n is returned"


def test_for_a_condition_its_truth_counts_and_else_the_very_value() -> None:
    code = "def f(xs):\n    if xs:\n        ys = xs\n    return ys\n"
    edits = (
        ("xs:\n", "len(xs):\n"),
        ("xs\n    return", "list(xs)\n    return"),
        ("ys\n", "xs\n"),
        ("return ys", "return (ys)"),
    )
    assert same(code, lambda names: names["f"]([1]), *edits[:2]) == [0]
    assert same(code, lambda names: names["f"]((1,)), ("xs\n    return", "xs[:]\n    return")) == [0]
    assert same(code, lambda names: names["f"]([1]), ("xs\n    return", "xs[:]\n    return")) == []


@pytest.mark.parametrize(
    "given",
    ["own(n)", "(m := n)", "(lambda: n)()", "items.append(n)", "[*map(own, items)]"],
)
def test_what_may_do_more_than_compute_is_not_asked_about(given: str) -> None:
    code = f"def f(items, n):\n    x = {given}\n    return x\n"
    assert asked(code, (given, "n")) == []
    assert asked(code.replace(given, "n"), ("n\n    return", f"{given}\n    return")) == []


def test_statements_that_share_their_line_and_code_outside_of_functions_are_not_asked_about() -> None:
    code = "LIMIT = 3 + 1\ndef f(n):\n    if n: return n + 2\n    m = 1; n = n + 3\n    return n + 4\n"
    assert asked(code, *((f"+ {number}", f"- {number}") for number in (1, 2, 3))) == []
    assert len(asked(code, ("+ 4", "- 4"))) == 1


HELD = """\
class Holder:
    def __init__(self, held):
        self.held = held

def counted(xs, held):
    return sum(1 for x in xs if x in held)

def kept(holder):
    return sum(holder.held)

def taken(holder):
    return holder.held.get()

def found(holder, key):
    return len(holder.held[key])
"""


@pytest.mark.parametrize(
    ("edit", "run", "result"),
    [
        (("1 for", "1 + 0 for"), lambda code: code["counted"]([1, 2], iter([1, 2])), 2),
        (("holder.held)", "[*holder.held])"), lambda code: code["kept"](code["Holder"](iter([1, 2]))), 3),
        ((".get()", ".get(False)"), lambda code: code["taken"](code["Holder"](_queue(5))), 5),
        (("[key]", "[key + 1]"), lambda code: code["found"](code["Holder"](defaultdict(str)), 1), 0),
    ],
    ids=["iterator", "attribute", "queue", "defaultdict"],
)
def test_looking_takes_nothing_away_and_adds_nothing(edit: Edit, run: Any, result: int) -> None:
    seen: list[int] = []
    held: list[Any] = []

    def remembered(code: dict[str, Any]) -> None:
        made = code["Holder"]
        code["Holder"] = lambda what: held.append(what) or made(what)  # type: ignore[func-returns-value]
        seen.append(run(code))

    assert same(HELD, remembered, edit) == []
    assert seen == [result]
    assert all(list(each) in ([], [1]) for each in held if isinstance(each, defaultdict))


def _queue(item: int) -> queue.Queue[int]:
    made: queue.Queue[int] = queue.Queue()
    made.put(item)
    return made


def test_a_function_with_the_name_of_a_builtin_is_not_called() -> None:
    calls: list[object] = []
    code = "def f(xs):\n    return len(xs)\n"

    def run(names: dict[str, Any]) -> None:
        names["len"] = lambda xs: calls.append(xs)
        names["f"]([])

    assert same(code, run, ("len(xs)", "len(xs) + 0")) == []
    assert len(calls) == 1


def test_an_expression_that_cannot_be_compiled_leaves_the_others_to_be_seen() -> None:
    edits = (("len(items) + n", "dict(a=n, a=n)"), ("n > 3", "n > 4"))
    assert same(LIMITED, lambda code: code["limited"]([], 1), *edits) == [1]


def test_nothing_is_said_when_a_look_may_have_been_missed() -> None:
    edit = ("n > 3", "n > 4")

    def stolen(code: dict[str, Any]) -> None:
        code["limited"]([], 1)
        sys.settrace(None)
        code["limited"]([], 4)

    def elsewhere(code: dict[str, Any]) -> None:
        code["limited"]([], 1)
        subprocess.run(["true"], check=True)

    assert same(LIMITED, stolen, edit) == []
    assert same(LIMITED, elsewhere, edit) == []
    assert same(LIMITED, lambda code: [code["limited"]([], n % 2) for n in range(250_000)], edit) == []


@pytest.fixture(scope="module")
def sandbox(docker_client: DockerClient, environment_image: str) -> Iterator[DockerSandbox]:
    with DockerBackend(docker_client).sandbox(environment_image, python=PYTHON) as started:
        yield started


@pytest.mark.docker
def test_a_search_leaves_them_out_but_not_what_an_import_computes(sandbox: DockerSandbox) -> None:
    """The right edit makes a difference for 3 alone, which is computed while importing."""
    files = {
        "table.py": "def double(n):\n    if n == 3:\n        return 7\n    return n + n\n\n\n"
        "TABLE = [double(n) for n in range(5)]\n",
        "test_table.py": "from table import TABLE, double\n\n\ndef test_table():\n    assert double(1) == 2\n"
        "    assert TABLE == [0, 2, 4, 6, 8]\n",
    }
    sandbox.remove(REPO)
    for path, text in files.items():
        sandbox.write(f"{REPO}/{path}", text.encode())

    def advanced(without: tuple[str, ...]) -> tuple[int, int | None]:
        search = RepairSearch(
            sandbox, sandbox.python, REPO, ["table.py"], ["test_table.py::test_table"], without=without
        )
        outcomes: dict[str, int] = {}
        start = 0
        for _ in itertools.repeat(None, 3):
            found = search.advance(start, SECONDS, 2000)
            outcomes = {**outcomes, **found.outcomes}
            if found.plausible is not None or found.exhausted:
                break
            start = found.next_index
        return outcomes.get("same", 0), found.plausible.index if found.plausible is not None else None

    left_out, index = advanced(())
    none, tried = advanced(("pruning",))
    assert none == 0 < left_out
    assert index is not None and index == tried
