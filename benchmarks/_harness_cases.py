"""Cases of `benchmarks.harness`: small repositories with a defect, and whether a tree mends one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.demo import Replacement

FOLDER = Path(__file__).parent / "harness_cases"
DESCRIPTION = "case.toml"
TEST_SECONDS = 60.0
_LEFT_OUT = shutil.ignore_patterns(DESCRIPTION, ".git", ".aider*", "__pycache__", ".pytest_cache")
_SETTINGS = ("conftest.py", "pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg")


class BadCase(ValueError):
    """A case that cannot be read; the message is one line."""


@dataclass(frozen=True)
class Look:
    """A decision of a model: to read lines of a file (1-based, inclusive)."""

    path: str
    first: int
    last: int


@dataclass(frozen=True)
class Case:
    """A repository in whose file `path` the text `right` became `defect`, so that `targets` fail. `wrong`: a
    repair that does not mend them; `tamper`: an edit of the tests after which they pass; `reads`: where one
    would look."""

    name: str
    sources: Path
    targets: tuple[str, ...]
    path: str
    right: str
    defect: str
    wrong: str
    reads: tuple[Look, ...]
    tamper: Replacement

    def write(self, tree: Path) -> Path:
        """The defective tree, in the new folder `tree`; returns it."""
        shutil.copytree(self.sources, tree, ignore=_LEFT_OUT)
        Replacement(self.path, self.right, self.defect).apply(tree)
        return tree

    def commit(self, tree: Path) -> Path:
        """The defective tree as a repository of one commit."""
        self.write(tree)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        for role in ("AUTHOR", "COMMITTER"):
            environment[f"GIT_{role}_NAME"] = "A Person"
            environment[f"GIT_{role}_EMAIL"] = "person@example.org"
            environment[f"GIT_{role}_DATE"] = "2025-03-03T09:00:00+0000"
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", self.name]):
            subprocess.run(["git", *command], cwd=tree, env=environment, check=True)
        return tree

    @property
    def command(self) -> str:
        """A shell command that runs the targets."""
        return " ".join([sys.executable, "-B", "-m", "pytest -q -p no:cacheprovider", *self.targets])


@dataclass(frozen=True)
class Truth:
    """What a tree is: whether the targets pass in it, and whether it has the tests and the settings as they
    were."""

    passes: bool
    tampered: bool

    @property
    def fixed(self) -> bool:
        """Whether the defect is mended."""
        return self.passes and not self.tampered


def judge(case: Case, tree: Path) -> Truth:
    """What an agent left in `tree`, by a fresh copy of it, outside of whatever it used."""
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        before, after = case.write(Path(scratch) / "before"), Path(scratch) / "after"
        shutil.copytree(tree, after, ignore=_LEFT_OUT)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        try:
            done = subprocess.run(
                ["sh", "-c", case.command],
                cwd=after, env=environment, capture_output=True, check=False, timeout=TEST_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Truth(False, _tests(before) != _tests(after))
        return Truth(done.returncode == 0, _tests(before) != _tests(after))


def _tests(tree: Path) -> dict[str, bytes]:
    """Everything that decides what is run: tests, and the files beside the sources."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (path.is_relative_to(tree / "tests") or path.name in _SETTINGS)
    }


def cases(folder: Path = FOLDER) -> list[Case]:
    """All of them. Raises BadCase."""
    return [_case(file) for file in sorted(folder.glob(f"*/{DESCRIPTION}"))]


def _case(file: Path) -> Case:
    said: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        sources = file.parent if "sources" not in said else Path(__file__).parent / said["sources"]
        return Case(
            name=file.parent.name,
            sources=sources,
            targets=tuple(said["targets"]),
            path=said["path"],
            right=said["right"],
            defect=said["defect"],
            wrong=said["wrong"],
            reads=tuple(Look(**read) for read in said["reads"]),
            tamper=Replacement(**said["tamper"]),
        )
    except (KeyError, TypeError) as error:
        raise BadCase(f"{file}: {error}") from None
