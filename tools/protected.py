"""Which files a fix may not touch (hard rule 4), and which it may not bring.

Protected: collected test files, files that are tests by their name in Python, JavaScript, Go, PHP and Ruby,
conftest.py, everything under test directories, snapshots, start-up hooks (`.pth`, sitecustomize), pytest
plugins, installed packages, the autonomy schedule, and the sections of configuration files that say how
tests are run, ours among them.
Refused besides: git's own files, paths out of the tree, links and submodules, compiled code, and new
top-level modules that would stand in for the standard library or for pytest.
"""

from __future__ import annotations

import configparser
import fnmatch
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandboxes.toml import load_toml
from tools.verdicts import SuiteRun

MAX_FILE_BYTES = 2_000_000
REGULAR_MODES = frozenset({"100644", "100755"})
TEST_DIRECTORIES = frozenset(
    {
        "test", "tests", "testing", "testdata", "test_data", "__tests__", "__mocks__", "__snapshots__",
        "snapshots", "cassettes",
    }
)  # fmt: skip
TEST_FILES = (
    "test_*.py", "*_test.py", "tests.py", "conftest.py", "*.snap", "*.ambr", "*.storyshot",
    "*_test.go", "*_spec.rb", "spec_helper.rb", "rails_helper.rb", "*.phpt",
)  # fmt: skip
# What node's own runner, vitest and jest take for tests; PHPUnit's classes, whose names have capitals.
TEST_NAMES = re.compile(
    r"(?:(?:.*[.\-_])?(?:test|spec)|test-.*)\.[cm]?[jt]sx?|(?:.*[a-z0-9_])?Test(?:Case)?\.php", re.ASCII
)
START_UP = ("*.pth", "sitecustomize.py", "usercustomize.py", "pyvenv.cfg")
RUNNER_FILES = (
    "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "noxfile.py", "toxfile.py",
    "vitest.config.*", "vitest.workspace.*", "vitest.setup.*", "vite.config.*", "jest.config.*",
    "jest.setup.*", "setuptests.*", ".mocharc.*", "phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml",
    ".rspec",
)  # fmt: skip
# Where installed packages lie, the test runner among them.
INSTALLED = (
    "node_modules/*", "*/node_modules/*", "vendor/*", "*/vendor/*",
)  # fmt: skip
COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib")
IMPORT_ROOTS = ("src", "lib", "python")
MACHINERY = frozenset(
    (
        "pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "exceptiongroup", "tomli", "pygments",
        "colorama", "coverage", "pytest_cov", "xdist", "hypothesis", "mock", "nose", "sitecustomize",
        "usercustomize", "pytest_plugin", "pytest_guard", "report_writer", "watchdog",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Protection:
    """What is protected in one repository, beyond what every repository has.

    `test_files`: files of collected tests (source files that hold only doctests are not among them).
    `doctest_files`: source files whose docstrings are tests. `plugin_files`: files loaded as pytest plugins.
    `patterns`: more protected paths (fnmatch), for example from the repository's configuration.
    """

    test_files: frozenset[str] = frozenset()
    doctest_files: frozenset[str] = frozenset()
    plugin_files: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, baseline: SuiteRun, patterns: Sequence[str] = ()) -> Protection:
        """What a run of the whole suite on the base shows."""
        files: dict[str, bool] = {}
        for test in [*baseline.collected, *baseline.deselected]:
            path = test.split("::")[0]
            files[path] = files.get(path, True) and _is_doctest(test)
        doctests = any(files.values())
        for where in baseline.collection_errors:
            # Where doctests are collected, a source file can fail to collect too.
            if not where.endswith(".py") or not doctests:
                files[where.split("::")[0]] = False
        return cls(
            test_files=frozenset(path for path, only_doctests in files.items() if not only_doctests),
            doctest_files=frozenset(path for path, only_doctests in files.items() if only_doctests),
            plugin_files=frozenset(baseline.plugin_files),
            patterns=tuple(patterns),
        )


def _is_doctest(test: str) -> bool:
    """pytest names a doctest of a module by its dotted name: `pkg/core.py::pkg.core.add`."""
    path, _, name = test.partition("::")
    module = path.removesuffix("/__init__.py").removesuffix(".py").split("/")[-1]
    return path.endswith(".py") and "::" not in name and f".{module}." in f".{name}."


def belongs_to_tests(path: str, protection: Protection) -> bool:
    """Whether a file is a test, or lies beside tests and configures or feeds them, by its place and name."""
    pure = PurePosixPath(path.casefold())
    return (
        path in protection.test_files
        or _matches(pure.name, TEST_FILES)
        or TEST_NAMES.fullmatch(PurePosixPath(path).name) is not None
        or bool(TEST_DIRECTORIES & set(pure.parts[:-1]))
    )


def protected_reason(
    path: str,
    base: bytes | None,
    after: bytes | None,
    protection: Protection | None = None,
    mode: str = "100644",
) -> str | None:
    """Why an edit of this file may not be part of a fix, in words that continue the path, or None.

    `base` and `after` are the contents before and after (None: no such file), `mode` the git mode after.
    """
    protection = protection or Protection()
    return (
        _unsafe(path, mode)
        or (None if base == after else _protected(path, base, after, protection))
        or (_refused_content(path, after) if after is not None else None)
        or (_shadows(path) if base is None and after is not None else None)
    )


def may_be_edited(path: str, data: bytes | None, protection: Protection) -> bool:
    """True for a text file of the base (`data`: what it holds, None without one) that a fix may touch."""
    if data is None or b"\0" in data:
        return False
    return protected_reason(path, data, data + b"\n", protection) is None


def _unsafe(path: str, mode: str) -> str | None:
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or str(pure) != path:
        return "leads out of the tree or is not written plainly"
    if "\\" in path or not all(character.isprintable() for character in path):
        return "has characters in its name that are not allowed"
    lowered = [part.casefold() for part in pure.parts]
    if any(part.startswith((".git", "git~")) for part in lowered):
        return "belongs to git"
    if mode not in REGULAR_MODES:
        return {"120000": "is a symlink", "160000": "is a submodule"}.get(mode, f"has the file mode {mode}")
    return None


def _protected(path: str, base: bytes | None, after: bytes | None, protection: Protection) -> str | None:
    pure = PurePosixPath(path.casefold())
    if path in protection.test_files:
        return "holds tests"
    if path in protection.plugin_files:
        return "is a pytest plugin"
    if _matches(pure.name, START_UP):
        return "would run whenever Python starts"
    if str(pure) == ".agent/autonomy.toml":
        return "says who must confirm what"
    if pure.name == "conftest.py":
        return "configures the tests"
    if _matches(pure.name, TEST_FILES) or TEST_NAMES.fullmatch(PurePosixPath(path).name):
        return "is a test file"
    if TEST_DIRECTORIES & set(pure.parts[:-1]):
        return "lies in a test directory"
    if _matches(pure.name, RUNNER_FILES):
        return "configures how the tests are run"
    if _matches(str(pure), INSTALLED):
        return "belongs to an installed package"
    if any(fnmatch.fnmatchcase(path, pattern) for pattern in protection.patterns):
        return "is protected by configuration"
    return _changed_section(pure.name, base or b"", after or b"")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _refused_content(path: str, after: bytes) -> str | None:
    if len(after) > MAX_FILE_BYTES:
        return f"is larger than {MAX_FILE_BYTES // 10**6} MB"
    if path.casefold().endswith(COMPILED) or "__pycache__" in PurePosixPath(path).parts:
        return "is compiled code, which nobody can review"
    return None


def _shadows(path: str) -> str | None:
    """A new file at the import root that Python would import instead of the standard library or pytest."""
    parts = list(PurePosixPath(path).parts)
    while len(parts) > 1 and parts[0] in IMPORT_ROOTS:
        parts = parts[1:]
    top = parts[0].split(".")[0]
    is_module = len(parts) > 1 or parts[0].endswith((".py", ".pyi"))
    if is_module and (top in MACHINERY or top in sys.stdlib_module_names):
        return f"would stand in for the module {top}"
    return None


def _changed_section(name: str, base: bytes, after: bytes) -> str | None:
    readers = {
        "pyproject.toml": _toml_sections,
        "setup.cfg": _ini_sections,
        "tox.ini": _ini_sections,
        ".coveragerc": _ini_sections,
        "package.json": _json_sections,
    }
    if name not in readers:
        return None
    try:
        before, now = readers[name](base), readers[name](after)
    except (ValueError, configparser.Error, RecursionError):
        return "cannot be read as a configuration file"
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    return f"changes its section [{changed[0]}], which configures the tests" if changed else None


def _toml_sections(data: bytes) -> dict[str, str]:
    """The protected tables of pyproject.toml, each as text that is equal when they are equal."""
    document = load_toml(data)
    found = {}
    for keys in (
        ("tool", "agent"), ("tool", "pytest"), ("tool", "tox"), ("tool", "coverage"), ("tool", "nox"),
        ("tool", "hatch", "envs"), ("project", "entry-points", "pytest11"),
        ("tool", "poetry", "plugins", "pytest11"),
    ):  # fmt: skip
        value: object = document
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            found[".".join(keys)] = repr(value)
    return found


def _ini_sections(data: bytes) -> dict[str, str]:
    """The protected sections of an INI file."""
    parser = configparser.RawConfigParser(strict=True)
    parser.read_string(data.decode("utf-8"))
    wanted = ("pytest", "tool:pytest", "tox", "testenv", "coverage", "run", "options.entry_points")
    return {
        section: repr(sorted(parser.items(section)))
        for section in parser.sections()
        if section in wanted or section.startswith(("tox:", "testenv:", "coverage:", "pytest:"))
    } | {"DEFAULT": repr(sorted(parser.defaults().items()))}


def _json_sections(data: bytes) -> dict[str, str]:
    """The protected sections of package.json."""
    document = json.loads(data or b"{}")
    if not isinstance(document, Mapping):
        raise ValueError("not an object")
    wanted = ("scripts", "vitest", "jest", "mocha", "ava", "tap", "c8", "nyc")
    return {key: json.dumps(document[key], sort_keys=True) for key in wanted if key in document}
