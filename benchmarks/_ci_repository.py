"""A repository with about 200 tests, 12 of which fail for 5 seeded causes, and 2 more that are flaky.

Its modules are small programs of `benchmarks/cases`, drawn by a seed; two of the causes are in one.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks._repair_cases import Case, programs, tree_files

TESTS, FAILING, CAUSES = 200, 12, 5
SECONDS = 10
"""For a program's tests: what takes longer hangs, and is not drawn."""

FLAKY = '''"""Reads a clock that does not stand still."""

import time


def test_the_clock_is_even():
    assert time.perf_counter_ns() // 1000 % 2 == 0


def test_the_clock_is_early():
    assert time.perf_counter_ns() // 1000 % 10 < 6
'''
PYPROJECT = '[project]\nname = "town"\nversion = "1"\n\n[tool.pytest.ini_options]\npythonpath = ["src"]\n'


@dataclass(frozen=True)
class Made:
    """causes: the node ids that fail for each; flaky: those that fail sometimes; tests: of all."""

    folder: Path
    causes: tuple[frozenset[str], ...]
    flaky: tuple[str, ...]
    tests: int


def make(folder: Path, seed: int) -> Made:
    """Write the repository, committed, into a new folder."""
    draw = random.Random(seed)
    by_program: dict[str, list[Case]] = {}
    for case in programs():
        by_program.setdefault(case.tree.name, []).append(case)
    causes = _drawn(draw, by_program)
    names = sorted({case.tree.name for case in causes})
    others = sorted(by_program.keys() - set(names))
    draw.shuffle(others)
    source, tests = folder / "src", folder / "tests"
    source.mkdir(parents=True)
    tests.mkdir()
    count = 2
    for name in [*names, *others]:
        if count >= TESTS and name not in names:
            break
        files = tree_files(by_program[name][0].tree)
        text = files[f"{name}.py"].decode()
        for case in causes:
            if case.tree.name == name:
                text = _with(text, case)
        (source / f"{name}.py").write_text(text)
        (tests / f"test_{name}.py").write_bytes(files[f"test_{name}.py"])
        count += len(re.findall(rb"^def test_", files[f"test_{name}.py"], re.MULTILINE))
    (tests / "test_clock.py").write_text(FLAKY)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Town"]):
        identity = ("-c", "user.name=Town", "-c", "user.email=town@example.org")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    return Made(
        folder,
        tuple(frozenset(f"tests/{test}" for test in _failing(case.name)) for case in causes),
        ("tests/test_clock.py::test_the_clock_is_even", "tests/test_clock.py::test_the_clock_is_early"),
        count,
    )


def _drawn(draw: random.Random, by_program: dict[str, list[Case]]) -> tuple[Case, ...]:
    """Five causes with twelve failing tests, none for two of them, and two in one program."""
    pairs = [cases for cases in by_program.values() if len(cases) > 1]
    draw.shuffle(pairs)
    names = sorted(by_program)
    for pair in pairs:
        both = tuple(pair[:2])
        if not _apart(both):
            continue
        for _ in range(200):
            rest = tuple(
                by_program[name][0] for name in draw.sample(names, CAUSES - 2) if name != pair[0].tree.name
            )
            chosen = (*both, *rest)
            failing = [_failing(case.name) for case in chosen]
            if len(chosen) == CAUSES and all(failing) and sum(map(len, failing)) == FAILING:
                return chosen
    raise ValueError("no five programs have twelve failing tests together")


def _apart(pair: tuple[Case, ...]) -> bool:
    """Whether each of the two fails tests of its own, and both together the same ones."""
    one, other = (set(_failing(case.name)) for case in pair)
    try:
        both = _with(_with(pair[0].right.decode(), pair[0]), pair[1])
    except ValueError:
        return False
    files = {**pair[0].files(), pair[0].path: both.encode()}
    return bool(one) and bool(other) and not one & other and set(_run(files)) == one | other


def _with(text: str, case: Case) -> str:
    """The program with this defect as well. Raises ValueError where it cannot be put in."""
    right, wrong = case.right.decode().splitlines(True), case.wrong.decode().splitlines(True)
    first = next(i for i, (a, b) in enumerate(zip(right, wrong, strict=False)) if a != b)
    same = next(
        (i for i, (a, b) in enumerate(zip(right[:first:-1], wrong[:first:-1], strict=False)) if a != b),
        min(len(right), len(wrong)) - first - 1,
    )
    before, after = "".join(right[first : len(right) - same]), "".join(wrong[first : len(wrong) - same])
    if text.count(before) != 1:
        raise ValueError(f"{case.name}: the text of the defect is not there once")
    return text.replace(before, after)


@cache
def _failing(name: str) -> tuple[str, ...]:
    """Node ids that fail with this defect alone; () where they hang."""
    return _run(next(each for each in programs() if each.name == name).files())


def _run(files: Mapping[str, bytes]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as scratch:
        for path, data in files.items():
            Path(scratch, path).write_bytes(data)
        command = [sys.executable, "-B", "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return ()
    return tuple(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
