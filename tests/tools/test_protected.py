"""Which files a fix may not touch or bring."""

from __future__ import annotations

import pytest

from tools.protected import Protection, protected_reason
from tools.verdicts import SuiteRun

PYPROJECT = b"""\
[project]
name = "calc"
dependencies = []

[project.entry-points.pytest11]
calc = "calc.plugin"

[tool.pytest.ini_options]
addopts = "-q"

[tool.ruff]
line-length = 100
"""
SETUP_CFG = b"[metadata]\nname = calc\n\n[tool:pytest]\naddopts = -q\n"
OURS = b'\n[tool.agent.autonomy]\ncommit = "multi-party"\n'
PROTECTION = Protection(
    test_files=frozenset({"checks/check_core.py", "calc/verify.py"}),
    plugin_files=frozenset({"calc/plugin.py"}),
    patterns=("docs/*.rst",),
)

PROTECTED: dict[str, tuple[str, bytes | None, bytes | None, str]] = {
    "collected test": ("checks/check_core.py", b"a", b"b", "holds tests"),
    "collected test, removed": ("calc/verify.py", b"a", None, "holds tests"),
    "test by name": ("calc/test_new.py", None, b"", "is a test file"),
    "test by suffix": ("calc/core_test.py", b"a", b"b", "is a test file"),
    "conftest": ("conftest.py", None, b"", "configures the tests"),
    "conftest anywhere": ("calc/deep/conftest.py", b"a", b"b", "configures the tests"),
    "data": ("tests/data/expected.json", b"1", b"2", "lies in a test directory"),
    "data elsewhere": ("calc/tests/helper.py", b"1", b"2", "lies in a test directory"),
    "upper case": ("Tests/x.txt", b"1", b"2", "lies in a test directory"),
    "snapshot": ("calc/__snapshots__/a.txt", b"1", b"2", "lies in a test directory"),
    "snapshot by name": ("calc/core.ambr", b"1", b"2", "is a test file"),
    "plugin": ("calc/plugin.py", b"a", b"b", "is a pytest plugin"),
    "path file": ("x.pth", None, b"import os", "would run whenever Python starts"),
    "sitecustomize": ("src/sitecustomize.py", None, b"", "would run whenever Python starts"),
    "usercustomize": ("usercustomize.py", None, b"", "would run whenever Python starts"),
    "pytest.ini": ("pytest.ini", None, b"[pytest]", "configures how the tests are run"),
    "nox": ("noxfile.py", b"a", b"b", "configures how the tests are run"),
    "schedule": (".agent/autonomy.toml", b"a", b"b", "says who must confirm what"),
    "schedule, removed": (".Agent/autonomy.toml", b"a", None, "says who must confirm what"),
    "our section": ("pyproject.toml", PYPROJECT + OURS, PYPROJECT, "[tool.agent]"),
    "by configuration": ("docs/api.rst", b"a", b"b", "is protected by configuration"),
    "pytest section": ("pyproject.toml", PYPROJECT, PYPROJECT.replace(b'"-q"', b'"-x"'), "[tool.pytest]"),
    "pytest section removed": (
        "pyproject.toml",
        PYPROJECT,
        PYPROJECT.split(b"[tool.pytest")[0],
        "[tool.pytest]",
    ),
    "pytest section added": ("sub/pyproject.toml", None, PYPROJECT, "configures the tests"),
    "entry point": ("pyproject.toml", PYPROJECT, PYPROJECT.replace(b"calc.plugin", b"calc.x"), "pytest11"),
    "broken TOML": ("pyproject.toml", PYPROJECT, b"[tool.pytest", "cannot be read"),
    "deep TOML": ("pyproject.toml", PYPROJECT, b"a = " + b"[" * 100_000, "cannot be read"),
    "not UTF-8": ("pyproject.toml", PYPROJECT, b"\xff\xfe", "cannot be read"),
    "setup.cfg": ("setup.cfg", SETUP_CFG, SETUP_CFG.replace(b"-q", b"-x"), "[tool:pytest]"),
    "setup.cfg default": (
        "setup.cfg",
        SETUP_CFG,
        b"[DEFAULT]\naddopts = -x\n" + SETUP_CFG,
        "configures the tests",
    ),
    "tox.ini": ("tox.ini", b"[tox]\n", b"[tox]\nenvlist = x\n", "[tox]"),
    "tox environment": ("tox.ini", b"", b"[testenv:py]\ncommands = true\n", "[testenv:py]"),
    "git": (".git/config", None, b"", "belongs to git"),
    "gitattributes": ("calc/.gitattributes", None, b"", "belongs to git"),
    "workflows": (".github/workflows/ci.yml", b"a", b"b", "belongs to git"),
    "git in upper case": (".GIT/hooks/x", None, b"", "belongs to git"),
    "git by its short name": ("GIT~1/config", None, b"", "belongs to git"),
    "absolute": ("/etc/passwd", None, b"", "leads out of the tree"),
    "dots": ("calc/../../x", None, b"", "leads out of the tree"),
    "not normal": ("calc//core.py", None, b"", "leads out of the tree"),
    "empty": ("", None, b"", "leads out of the tree"),
    "control": ("a\nb.py", None, b"", "characters in its name"),
    "backslash": ("a\\b.py", None, b"", "characters in its name"),
    "hidden character": (".g\u200bit/config", None, b"", "characters in its name"),
    "large": ("calc/data.bin", None, b"x" * 2_000_001, "is larger than 2 MB"),
    "bytecode": ("calc/__pycache__/core.pyc", None, b"", "is compiled code"),
    "extension": ("calc/fast.so", None, b"", "is compiled code"),
    "pytest shadowed": ("pytest.py", None, b"", "would stand in for the module pytest"),
    "_pytest shadowed": ("_pytest/runner.py", None, b"", "would stand in for the module _pytest"),
    "builtins shadowed": ("src/builtins.py", None, b"", "would stand in for the module builtins"),
    "random shadowed": ("random/__init__.py", None, b"", "would stand in for the module random"),
}


@pytest.mark.parametrize("name", PROTECTED)
def test_protected(name: str) -> None:
    path, base, after, words = PROTECTED[name]
    assert words in (protected_reason(path, base, after, PROTECTION) or "")


ALLOWED: dict[str, tuple[str, bytes | None, bytes | None]] = {
    "source": ("calc/core.py", b"a", b"b"),
    "new source": ("calc/new.py", None, b"b"),
    "removed source": ("calc/old.py", b"a", None),
    "new module beside": ("helpers.py", None, b""),
    "inner module with a library's name": ("calc/random.py", None, b""),
    "old module with a library's name": ("random.py", b"a", b"b"),
    "latest, not a test": ("calc/latest_results.py", b"a", b"b"),
    "contest": ("contest.py", b"a", b"b"),
    "other section": ("pyproject.toml", PYPROJECT, PYPROJECT.replace(b"100", b"120")),
    "dependencies": ("pyproject.toml", PYPROJECT, PYPROJECT.replace(b"[]", b'["attrs"]')),
    "setup.cfg, other section": ("setup.cfg", SETUP_CFG, SETUP_CFG.replace(b"name = calc", b"name = x")),
    "tox.ini, other section": ("tox.ini", b"[tox]\n", b"[tox]\n[flake8]\nmax-line-length = 99\n"),
    "unchanged test": ("tests/test_a.py", b"a", b"a"),
    "text": ("README.md", b"a", b"b"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(name: str) -> None:
    path, base, after = ALLOWED[name]
    assert protected_reason(path, base, after, PROTECTION) is None


@pytest.mark.parametrize(
    ("mode", "words"), [("120000", "symlink"), ("160000", "submodule"), ("100600", "100600")]
)
def test_modes(mode: str, words: str) -> None:
    assert words in (protected_reason("calc/core.py", b"a", b"b", PROTECTION, mode) or "")


def test_protection_follows_what_was_collected() -> None:
    baseline = SuiteRun(
        (
            "checks/a.py::test_x[1::2]",
            "checks/b.py::K::test_y",
            "calc/core.py::calc.core.mean",
            "calc/util.py::util",
        ),
        {},
        complete=True,
        deselected=("checks/slow.py::test_z",),
        plugin_files=("calc/plugin.py",),
    )
    assert Protection.of(baseline, ["x/*"]) == Protection(
        test_files=frozenset({"checks/a.py", "checks/b.py", "checks/slow.py"}),
        doctest_files=frozenset({"calc/core.py", "calc/util.py"}),
        plugin_files=frozenset({"calc/plugin.py"}),
        patterns=("x/*",),
    )
