"""The benchmark of the repair tier: what it makes of right programs, and one case from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from benchmarks._repair_bench import Bench
from benchmarks._repair_cases import BadCase, programs
from benchmarks._repair_libraries import LIBRARIES, draw
from benchmarks._repair_make import KINDS, another_program, apply, defects
from benchmarks._repair_run import Attempt, Result
from tools.files import FileEdit
from tools.verdicts import SuiteRun

PROJECT = Path(__file__).parents[2]

MISTAKES = [
    ("comparison boundary", "x = a < b\n", "x = a <= b\n"),
    ("membership", "x = a in b\n", "x = a not in b\n"),
    ("truth instead of None", "x = a.b is None\n", "x = not a.b\n"),
    ("part of condition dropped", "x = (a) and (b or c)\n", "x = (a)\n"),
    ("part of condition dropped", "x = a and b and c\n", "x = a and b\n"),
    ("operands swapped", "x = len(é) - b\n", "x = b - len(é)\n"),
    ("slice bound dropped", "x = a[1:b]\n", "x = a[:b]\n"),
    ("wrong variable", "def f(a, b):\n    return a\n", "def f(a, b):\n    return b\n"),
    ("filter dropped", "x = [a for a in b if a]\n", "x = [a for a in b]\n"),
    ("yield kind", "def f(a):\n    yield a\n", "def f(a):\n    yield from a\n"),
    ("append extend", "x.append(y)\n", "x.extend(y)\n"),
    ("keyword dropped", "x = f(a, b=1, c=2)\n", "x = f(a, c=2)\n"),
    ("sort key dropped", "x = sorted(a, key=f)\n", "x = sorted(a)\n"),
    ("conversion dropped", "x = sorted(a)\n", "x = a\n"),
    ("dictionary access", "x = a.get(b, c)\n", "x = a[b]\n"),
    ("range bounds", "x = range(a, b)\n", "x = range(b)\n"),
    ("pattern detail", 'x = re.compile(r"^\\d+")\n', 'x = re.compile(r"\\d+")\n'),
    ("f-prefix dropped", "x = f'{a}'\n", "x = '{a}'\n"),
    ("statement left out", "def f():\n    a = 1\n    g()\n    h()\n", "def f():\n    a = 1\n    h()\n"),
    ("guard left out", "def f(a):\n    if a:\n        return\n    g()\n", "def f(a):\n    g()\n"),
    ("break continue", "for a in b:\n    break\n", "for a in b:\n    continue\n"),
    ("augmented assignment", "a += b\n", "a = b\n"),
    ("exception caught", "try:\n    f()\nexcept (A, B):\n    g()\n", "try:\n    f()\nexcept A:\n    g()\n"),
    ("else left out", "if a:\n    b()\nelse:\n    c()\n", "if a:\n    b()\n"),
    ("wrong indentation", "for a in b:\n    c()\nd()\n", "for a in b:\n    c()\n    d()\n"),
    ("while becomes if", "while a:\n    b()\n", "if a:\n    b()\n"),
    (
        "decorator left out",
        "class A:\n    @b\n    def c(self): pass\n",
        "class A:\n    \n    def c(self): pass\n",
    ),
]


@pytest.mark.parametrize(("kind", "right", "wrong"), MISTAKES)
def test_a_mistake_is_made_as_it_says(kind: str, right: str, wrong: str) -> None:
    made = [
        apply(right.encode(), each.change).decode() for each in defects(right.encode()) if each.kind == kind
    ]
    assert wrong in made
    assert another_program(wrong.encode(), right.encode())


def test_there_are_many_kinds_and_layout_is_no_defect() -> None:
    assert len(KINDS) >= 30
    assert not another_program(b"x = (1)\n", b"x = 1  # one\n")
    assert not another_program(b"x = (\n", b"x = 1\n")


def test_only_the_library_itself_is_changed_and_kinds_come_in_turn() -> None:
    code = b"def f(a, b):\n    if a < b:\n        return a + 1\n    return b\n"
    files = dict.fromkeys(("lib/a.py", "tests/test_a.py", "tests/helper.py", "setup.py", "conftest.py"), code)
    base = SuiteRun(("tests/test_a.py::test_f",), {}, complete=True)
    drawn = list(draw(files, base, Random(1)))
    assert {path for path, _ in drawn} == {"lib/a.py"}
    assert drawn == list(draw(files, base, Random(1)))
    kinds = [defect.kind for _, defect in drawn]
    assert len(set(kinds)) == len(kinds)  # there are more kinds than lines, and a line is taken once


def test_both_halves_hold_libraries() -> None:
    held_back = [library for library in LIBRARIES if library.held_back]
    assert len({library.name for library in LIBRARIES}) == len(LIBRARIES)
    assert min(len(held_back), len(LIBRARIES) - len(held_back)) >= 3


def test_a_program_whose_defect_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    (folder / "twice.py").write_text("a = 1\nb = 1\n")
    (folder / "defect.toml").write_text("kind = 'number'\nbefore = '1'\nafter = '2'\n")
    with pytest.raises(BadCase, match=r"defect.toml: .* has `before` 2 times"):
        programs(tmp_path)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.repair", *options]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)


def test_what_there_is_not_is_one_line() -> None:
    unknown = run("--libraries", "nowhere")
    assert unknown.returncode == 2
    assert "no such library: nowhere" in unknown.stderr.splitlines()[-1]
    nothing = run("--set", "programs", "--only", "no such program")
    assert (nothing.returncode, nothing.stderr) == (1, "no case is left of what was asked for\n")


@pytest.mark.docker
def test_the_judge_knows_the_right_program_and_sees_what_breaks(
    tmp_path: Path, environment_image: str
) -> None:
    del environment_image  # the engine and the base image are there
    folder = tmp_path / "cases" / "add"
    folder.mkdir(parents=True)
    (folder / "add.py").write_text("def add(a, b):\n    return a + b\n\n\ndef double(a):\n    return 2 * a\n")
    (folder / "test_add.py").write_text(
        "from add import add, double\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\n"
        "def test_double():\n    assert double(2) == 4\n"
    )
    (folder / "defect.toml").write_text("kind = 'operator'\nbefore = 'a + b'\nafter = 'a - b'\n")
    (case,) = programs(tmp_path / "cases")
    bench = Bench("docker")
    environment = bench.environment(case.project, {"README": b""})
    attempt = Attempt(case, bench, environment, tmp_path / "scratch", Result("add", "programs", "", ""))
    try:
        attempt.prepare()
        assert attempt.state.targets == ("test_add.py::test_add",)
        attempt.accept((FileEdit("add.py", case.right + b"# once more\n"),), "add.py:2", "operator")
        assert (attempt.result.patch, attempt.result.template) == ("add.py:2", "operator")
        assert attempt.result.identical and not attempt.result.regressed
        attempt.accept((FileEdit("add.py", case.right.replace(b"a + b", b"b + a")),), "", "")
        assert not attempt.result.identical and not attempt.result.regressed
        attempt.accept((FileEdit("add.py", case.right.replace(b"2 *", b"3 *")),), "", "")
        assert attempt.result.regressed == ("test_add.py::test_double",)
        attempt.accept((FileEdit("test_add.py", b""),), "", "")
        assert attempt.result.edits_tests and not attempt.result.identical
    finally:
        attempt.world.close()


@pytest.mark.docker
def test_a_small_program_is_mended_and_judged(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("--set", "programs", "--only", "bed_gaps-2", "--limit", "120", "--json", str(report))
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(report.read_text())
    assert (result["fixed"], result["regressed"], result["edits_tests"]) == (True, [], False)
    assert 0 < result["localising"] < result["seconds"] and result["tried"] > 0
