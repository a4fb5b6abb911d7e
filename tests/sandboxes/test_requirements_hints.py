"""Hints: what Hatch, tox and nox install for tests, taken only where nothing else names it."""

from __future__ import annotations

import pytest

from sandboxes.requirements import Declarations, read_declarations

PROJECT = """
[project]
name = "hinted"
dependencies = ["click"]
[project.optional-dependencies]
all = ["orjson"]
"""
TOX = """
[tox]
envlist = py311, lint
[base]
deps =
    pytest>=7
    # a comment
    {env:MOCK:mock}
[testenv]
deps =
    {[base]deps}
    -r{toxinidir}/reqs/more.txt
    -c{toxinidir}/pins.txt
    -r docs/requirements.txt
    django42: Django>=4.2,<5
    test,cov: pytest-cov
    py{310,311}-test: trustme
    !lint: freezegun
    https://example.org/x.whl
extras = all
[testenv:lint]
deps = flake8
[testenv:docs-tests]
deps = sphinx
[testenv:unit]
deps = coverage
"""


def read(files: dict[str, str]) -> Declarations:
    return read_declarations({path: text.encode() for path, text in files.items()})


def test_tox() -> None:
    found = read(
        {
            "pyproject.toml": PROJECT,
            "tox.ini": TOX,
            "reqs/more.txt": "six\n",
            "pins.txt": "six<2\n",
            "noxfile.py": NOX,
        }
    )
    assert found.requirements == (
        "click",
        "coverage",
        "freezegun",
        "mock",
        "orjson",
        "pytest-cov",
        "pytest>=7",
        "six",
        "trustme",
    )
    assert found.constraints == ("six<2",)
    assert [note.split(" '")[0] for note in found.notes] == ["tox.ini: refused"]


@pytest.mark.parametrize(
    "files",
    [
        {"setup.cfg": "[tox:tox]\n[testenv]\ndeps = pytest-mock\ndependency_groups = ci\n"},
        {
            "pyproject.toml": '[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ndeps = pytest-mock\n'
            'dependency_groups = ci\n"""'
        },
        {"pyproject.toml": '[tool.tox.env_run_base]\ndeps = ["pytest-mock"]\ndependency_groups = ["ci"]\n'},
        {
            "tox.toml": '[env.unit]\ndeps = ["pytest-mock"]\ndependency_groups = ["ci"]\n'
            '[env.lint]\ndeps = ["flake8"]\n'
        },
        {"hatch.toml": '[envs.default]\ndependencies = ["pytest-mock"]\ndependency-groups = ["ci"]\n'},
        {
            "pyproject.toml": '[tool.hatch.envs.hatch-test]\nextra-dependencies = ["pytest-mock"]\n'
            'dependency-groups = ["ci"]\n[tool.hatch.envs.docs]\ndependencies = ["mkdocs"]\n'
        },
    ],
)
def test_each_place_for_environments(files: dict[str, str]) -> None:
    files = dict(files)
    files["pyproject.toml"] = '[dependency-groups]\nci = ["trustme"]\n' + files.get("pyproject.toml", "")
    assert read(files).requirements == ("pytest-mock", "trustme")


NOX = """
import nox
raise SystemExit("must not run")

@nox.session(python=["3.11"])
def tests(session):
    session.install("-e", ".[all]", "pytest", 'pytest-mock')
    session.install("-r", "reqs/test.txt", "--upgrade")
    session.install(*DEPENDENCIES)
    session.install("trustme", VARIABLE, "never")
    session.run("pytest")

@nox.session
def docs(session):
    session.install("sphinx")
"""


def test_nox_is_scanned_and_never_run() -> None:
    found = read({"pyproject.toml": PROJECT, "noxfile.py": NOX, "reqs/test.txt": "six\n"})
    assert found.requirements == ("click", "orjson", "pytest", "pytest-mock", "six", "trustme")
    assert found.notes == ()


@pytest.mark.parametrize(
    "declared",
    [
        {"pyproject.toml": '[dependency-groups]\ntest = ["trustme"]\n'},
        {"pyproject.toml": '[project]\nname = "x"\noptional-dependencies.dev = ["pytest"]\n'},
        {"requirements-test.txt": "trustme\n"},
        {"requirements.txt": "pytest\n"},
        {"Pipfile": '[dev-packages]\npytest = "*"\n'},
        {"setup.cfg": "[options]\ntests_require = nose\n"},
    ],
)
def test_hints_are_not_needed_where_tests_are_declared(declared: dict[str, str]) -> None:
    found = read({**declared, "tox.ini": "[testenv]\ndeps = hint\n", "noxfile.py": NOX})
    assert len(found.requirements) == 1 and "hint" not in found.requirements


def test_development_tools_and_a_plugins_own_needs_declare_no_tests() -> None:
    plugin = '[project]\nname = "pytest-x"\ndependencies = ["pytest"]\n[dependency-groups]\ndev = ["ruff"]\n'
    found = read({"pyproject.toml": plugin, "tox.ini": "[testenv]\ndeps = hint\n"})
    assert found.requirements == ("hint", "pytest", "ruff")


def test_settings_of_pytest_that_need_a_plugin() -> None:
    settings = "[pytest]\nasyncio_mode = auto\nDJANGO_SETTINGS_MODULE = a.b\n"
    settings += "required_plugins = pytest-xdist>=3 ./x\n"
    found = read({"pytest.ini": settings, "requirements.txt": "pytest-asyncio==0.23\n"})
    assert found.requirements == ("pytest-asyncio==0.23", "pytest-django", "pytest-xdist>=3")
    assert [note.split(" '")[0] for note in found.notes] == ["pytest.ini: settings of pytest: refused"]
    found = read(
        {"pyproject.toml": '[tool.pytest.ini_options]\nasyncio_mode = "strict"\naddopts = "--cov"\n'}
    )
    assert found.requirements == ("pytest-asyncio",)
