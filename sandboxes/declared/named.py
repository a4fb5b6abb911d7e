"""Named requirements (PEP 508), the only thing that gets through, and names of extras, groups and files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

TEST_NAMES = ("test", "tests", "testing", "unittest", "unit-tests", "pytest")
DEV_NAMES = ("dev", "devel", "develop", "development")
WANTED_NAMES = (*TEST_NAMES, *DEV_NAMES)
"""Extras and dependency groups that are taken, in the form `normal` gives."""

MAX_SAME_NAME = 20
"""Requirements of one name that are taken."""

_BESIDE_TESTS = frozenset(
    (
        "doc", "docs", "documentation", "sphinx", "mkdocs", "readthedocs", "rtd", "lint", "linter",
        "linters", "linting", "style", "format", "formatting", "formatter", "mypy", "typing", "types",
        "typecheck", "typechecking", "check", "checks", "precommit", "release", "releasing", "publish",
        "publishing", "packaging", "bench", "benchmark", "benchmarks", "perf", "examples", "notebooks",
    )
)  # fmt: skip
MAX_LENGTH = 1000
_ARCHIVE = re.compile(r"\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.\w+)$", re.IGNORECASE)


def parse_requirement(line: object) -> Requirement | str:
    """A named requirement that pip can only read as one, or the reason why it is none."""
    if not isinstance(line, str):
        return "not a string"
    if len(line) > MAX_LENGTH:
        return "too long"
    # A word that begins with "-" is an option to pip, wherever it stands in a line of a requirements file.
    if not line.isprintable() or set(line) & set("$#\\/") or re.search(r"\s-", line):
        return "more than a named requirement"
    try:
        requirement = Requirement(line)
    except (InvalidRequirement, RecursionError):
        return "not a named requirement"
    if requirement.url:
        return "an address"
    return "the name of a file" if _ARCHIVE.search(requirement.name) else requirement


def shorten(value: object) -> str:
    """A value from the repository, quoted and bounded, for a note."""
    if not isinstance(value, (str, int, float)):
        return f"a {type(value).__name__}"
    text = repr(value[:120]) if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def from_another_index(details: Mapping[str, object], key: str) -> bool:
    """Whether an entry names a package index other than the public one, by the name that tools give that."""
    index = details.get(key)
    return index is not None and str(index).lower() != "pypi"


def normal(name: str) -> str:
    """A project, extra or group name in the form in which equal names are equal."""
    return str(canonicalize_name(name.strip()))


def words(name: str) -> set[str]:
    """The parts of a name: `requirements-py3_test` has three."""
    return {word for word in re.split(r"[\W_]+", name.lower()) if word}


def beside_tests(name: str) -> bool:
    """Whether a group or a file is, by its name, for documentation, style checks, releases and the like."""
    return bool(words(name.lower().replace("pre-commit", "precommit")) & _BESIDE_TESTS)
