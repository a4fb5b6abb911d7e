"""Suites on which a fork could easily say something else than a fresh process: one case each.

Every case names its files, its targets and a few candidates as replacements of text: label -> (path, old,
new). An empty `old` adds or replaces the whole file, `new` None removes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent

Replacement = tuple[str, str, str | None]

ADD = """
def add(a, b):
    return a - b
"""
RIGHT: Replacement = ("calc.py", "a - b", "a + b")
WRONG: Replacement = ("calc.py", "a - b", "a * b + 7")
TEST = """
from calc import add

def test_it():
    assert add(1, 2) == 3
"""
TARGET = ("test_it.py::test_it",)


@dataclass(frozen=True)
class Case:
    """`forked`: candidates can be judged in forks here (a case that always falls back proves little).
    `seconds`: what a test may take."""

    name: str
    files: Mapping[str, str]
    candidates: Mapping[str, Replacement] = field(default_factory=lambda: {"right": RIGHT, "wrong": WRONG})
    targets: tuple[str, ...] = TARGET
    affected: tuple[str, ...] = ()
    forked: bool = True
    seconds: float = 3.0

    def tree(self) -> dict[str, str]:
        return {path: dedent(text) for path, text in self.files.items()}

    def edit(self, label: str) -> tuple[str, str | None]:
        """(path, new content) of a candidate."""
        path, old, new = self.candidates[label]
        if new is None or not old:
            return path, new
        before = self.tree()[path]
        assert old in before, (self.name, label)
        return path, before.replace(old, new)


def suite(
    name: str,
    test: str,
    code: str = ADD,
    *,
    forked: bool = True,
    seconds: float = 3.0,
    files: Mapping[str, str] | None = None,
    **more: Replacement,
) -> Case:
    """A case of one module and one file of tests, all of them targets."""
    everything = {"calc.py": code, "test_it.py": test, **(files or {})}
    names = re.findall(r"^( *)def (test_\w+)", dedent(test), re.MULTILINE)
    targets = tuple(f"test_it.py::{'Test::' if indent else ''}{found}" for indent, found in names)
    return Case(
        name, everything, {"right": RIGHT, "wrong": WRONG, **more}, targets, forked=forked, seconds=seconds
    )
