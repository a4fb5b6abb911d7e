"""The repository's own settings and plugins: they do not break a run, and they cannot hide a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tools.local_runtime import LocalRuntime, write_tree
from tools.testing import PytestRunner, RunLimits
from tools.verdicts import SuiteRun

INSIDE = str(Path(__file__).parents[2] / "tools" / "inside")


def run_of(repo: Path, files: dict[str, str], installed_plugins: bool = False) -> SuiteRun:
    write_tree(repo, files)
    env = {} if installed_plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    runner = PytestRunner(LocalRuntime(), sys.executable, repo=str(repo), inside=INSIDE, env=env)
    return runner.run(None, RunLimits(seconds=60, per_test_seconds=5))


def outcomes(run: SuiteRun) -> dict[str, str]:
    return {test.split("::", 1)[1]: str(verdict.outcome) for test, verdict in run.verdicts.items()}


TWO = "def test_a(): assert 0\ndef test_b(): pass\n"
UNRULY = {
    "stop at the first failure": "-x",
    "maxfail": "--maxfail=1",
    "stepwise": "--sw",
    "last failed": "--lf",
    "debugger": "--pdb",
    "capture off": "-s",
    "processes": "-n 2",
    "coverage that is not installed": "--cov=calc --cov-report term-missing --cov-fail-under=90",
    "reruns that are not installed": "--reruns 3",
    "timeout that is not installed": "--timeout=10",
    "warnings as errors": "-W error",
    "plain asserts": "--assert=plain",
    "strict": "--strict-markers --strict-config",
    "doctests": "--doctest-modules",
}


@pytest.mark.parametrize("name", UNRULY)
def test_the_repository_own_options_do_not_break_the_run(name: str, tmp_path: Path) -> None:
    files = {"pytest.ini": f"[pytest]\naddopts = {UNRULY[name]}\n", "test_a.py": TWO}
    run = run_of(tmp_path, files, installed_plugins=name == "processes")
    assert (run.complete, run.problem) == (True, "")
    assert outcomes(run) == {"test_a": "failed", "test_b": "passed"}


def test_a_plugin_that_is_missing_is_named(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"pytest.ini": "[pytest]\naddopts = --unheard-of\n", "test_a.py": TWO})
    assert not run.complete
    assert "unrecognized arguments: --unheard-of" in run.problem
    run = run_of(tmp_path, {"pytest.ini": "[pytest]\naddopts = -p unheard_of\n"})
    assert not run.complete
    assert "unheard_of" in run.problem


def test_an_option_of_the_repository_s_own_conftest_is_left_to_it(tmp_path: Path) -> None:
    conftest = "def pytest_addoption(parser):\n    parser.addoption('--timeout', default='1')\n"
    files = {
        "conftest.py": conftest,
        "pytest.ini": "[pytest]\naddopts = --timeout=7\n",
        "test_a.py": "def test_x(pytestconfig): assert pytestconfig.getoption('--timeout') == '7'\n",
    }
    run = run_of(tmp_path, files)
    assert (run.problem, outcomes(run)) == ("", {"test_x": "passed"})


def test_a_required_plugin_and_a_faulthandler_limit_are_overruled(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\nrequired_plugins = pytest-none\nfaulthandler_timeout = 1\n",
        "test_a.py": TWO,
    }
    assert run_of(tmp_path, files).problem == ""


def test_deselected_tests_are_reported(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = -k 'not slow'\n",
        "test_a.py": "def test_slow(): pass\ndef test_b(): pass\n",
    }
    run = run_of(tmp_path, files)
    assert (run.collected, run.deselected) == (("test_a.py::test_b",), ("test_a.py::test_slow",))


def test_no_tests_at_all(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"calc.py": "x = 1\n"})
    assert (run.complete, run.collected, run.exit_code) == (True, (), 5)


def test_a_conftest_that_breaks_is_explained(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"conftest.py": "import nowhere\n", "test_a.py": TWO})
    assert not run.complete
    assert "nowhere" in run.problem


def test_an_autouse_fixture_that_does_not_suit_the_controls_is_no_forgery(tmp_path: Path) -> None:
    conftest = (
        "import pytest\n@pytest.fixture(autouse=True)\ndef needs(request):\n    assert request.module.READY\n"
    )
    run = run_of(tmp_path, {"conftest.py": conftest, "test_a.py": "READY = True\ndef test_x(): pass\n"})
    assert (run.complete, run.problem) == (True, "")


def test_controls_stay_out_of_sight(tmp_path: Path) -> None:
    conftest = (
        "seen = []\n"
        "def pytest_runtest_logreport(report): seen.append(report.nodeid)\n"
        "def pytest_sessionfinish(session): print('SEEN', session.testsfailed, len(set(seen)))\n"
    )
    run = run_of(tmp_path, {"conftest.py": conftest, "test_a.py": "def test_x(): pass\n"})
    assert run.collected == ("test_a.py::test_x",)
    assert (run.exit_code, run.complete) == (0, True)
    assert "SEEN 0 1" in run.output
    assert "1 passed" in run.output


def test_a_report_that_hides_failures_is_seen_through(tmp_path: Path) -> None:
    hook = (
        "import pytest\n@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n    report = yield\n"
        "    report.outcome = 'passed'\n    return report\n"
    )
    run = run_of(tmp_path, {"conftest.py": hook, "test_a.py": TWO})
    assert run.altered != ()
    assert "test_a.py::test_a raised AssertionError and was reported as passed" in run.altered


def test_machinery_that_lies_is_seen_by_the_controls(tmp_path: Path) -> None:
    patch = "from _pytest.python import Function\nFunction.runtest = lambda self: None\n"
    run = run_of(tmp_path, {"calc.py": patch, "test_a.py": "import calc\n" + TWO})
    assert not run.complete
    assert run.problem.startswith("the test machinery does not tell the truth")
    assert "_pytest.python.Function.runtest" in run.altered
