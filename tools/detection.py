"""Which recipe a repository asks for: from its file names and a few files read as bounded data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from tools.recipes import GO, PHPUNIT, RECIPES, VITEST, Recipe, node

PYTEST = "pytest"
MAX_BYTES = 1_000_000
Read = Callable[[str], bytes | None]
"""Contents of a file of the repository, None where there is no such file."""

_PYTEST_FILES = frozenset({"conftest.py", "tests/conftest.py", "pytest.ini", "pytest.toml", ".pytest.ini"})
_PYTEST_SETTINGS = {
    "pyproject.toml": re.compile(rb"^\s*\[tool\.pytest\b", re.MULTILINE),
    "setup.cfg": re.compile(rb"^\s*\[tool:pytest\]", re.MULTILINE),
    "tox.ini": re.compile(rb"^\s*\[pytest\]", re.MULTILINE),
}
_PYTHON_PROJECT = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_PHPUNIT_FILES = frozenset({"phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"})
# A call of node's own runner that needs no shell: no other command, no substitution.
_NODE_TEST = re.compile(r"((?:\w+=[^\s;&|<>$`()]*\s+)*)node\s+([^;&|<>$`()]*)")
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
# Options of node whose value is a word of its own.
_WITH_VALUE = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}
)


@dataclass(frozen=True)
class _Package:
    """What package.json says that matters here."""

    scripts: tuple[str, ...] = ()
    requires: frozenset[str] = frozenset()


def detect(paths: Collection[str], read: Read) -> Recipe | None:
    """The recipe for a repository with these files (relative paths), or None for pytest.

    A Python project with tests, or one that configures pytest, is run by pytest, whatever else it holds.
    unittest is chosen by name only: pytest runs such suites too.
    """
    present = frozenset(paths)
    if present & _PYTEST_FILES or any(
        found.search(_data(name, read)) for name, found in _PYTEST_SETTINGS.items()
    ):
        return None
    if present & _PYTHON_PROJECT and any(_PYTHON_TEST.search(path) for path in present):
        return None
    if "go.mod" in present:
        return GO
    if "package.json" in present:
        package = _package(_data("package.json", read))
        if "vitest" in package.requires:
            return VITEST
        if (recipe := _node_recipe(package)) is not None:
            return recipe
    return PHPUNIT if present & _PHPUNIT_FILES else None


def recipe_named(name: str, read: Read) -> Recipe | None:
    """The recipe of this name, or None for pytest. Raises ValueError, naming all, for an unknown name."""
    if name == PYTEST:
        return None
    if name not in RECIPES:
        raise ValueError(f"unknown test runner {name!r}: known are {', '.join([PYTEST, *RECIPES])}")
    if name == "node":
        return _node_recipe(_package(_data("package.json", read))) or RECIPES[name]
    return RECIPES[name]


def _data(path: str, read: Read) -> bytes:
    return (read(path) or b"")[:MAX_BYTES]


def _package(data: bytes) -> _Package:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _Package()
    if not isinstance(document, Mapping):
        return _Package()
    scripts, names = document.get("scripts"), set()
    for section in ("devDependencies", "dependencies"):
        if isinstance(found := document.get(section), Mapping):
            names |= set(found)
    texts = list(scripts.values()) if isinstance(scripts, Mapping) else []
    first = [scripts["test"]] if isinstance(scripts, Mapping) and "test" in scripts else []
    return _Package(tuple(text for text in [*first, *texts] if isinstance(text, str)), frozenset(names))


def _node_recipe(package: _Package) -> Recipe | None:
    """The recipe for the first script that is a call of node's own runner: its variables, options, files."""
    for script in package.scripts:
        if found := _NODE_TEST.fullmatch(script.strip()):
            words = _WORD.findall(found[2])
            if "--test" in words:
                flags, tests = _flags_and_tests(words)
                return node(flags, tests, variables=found[1].strip())
    return None


def _flags_and_tests(words: Sequence[str]) -> tuple[str, str]:
    """Without what we set ourselves, as shell text: patterns are left for the shell, as npm leaves them."""
    flags, tests = [], []
    rest = iter(words)
    for word in rest:
        if word in ("--test-reporter", "--test-reporter-destination"):
            next(rest, "")
        elif word in _WITH_VALUE:
            flags += [word, next(rest, "")]
        elif not word.startswith("-"):
            tests.append(word)
        elif word not in ("--test", "--watch") and not word.startswith("--test-reporter"):
            flags.append(word)
    return " ".join(flags), " ".join(tests)
