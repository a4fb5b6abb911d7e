"""The programs of `benchmarks/cases`: each passes its tests, and fails some with each of its defects."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks._repair_cases import Case, programs

CASES = programs()
PROGRAMS = {case.tree.name: case for case in CASES}
Outcomes = dict[str, list[str]]

# The guard counts processor time, so that a busy machine changes nothing. It ends the test by
# `pytest.fail` without a traceback: one raised by a signal may lack line numbers, which pytest cannot print.
CONFTEST = """
import signal
import pytest

class TooLong(BaseException):
    pass

def ring(*_):
    raise TooLong

signal.signal(signal.SIGVTALRM, ring)

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call():
    signal.setitimer(signal.ITIMER_VIRTUAL, {seconds})
    try:
        return (yield)
    except TooLong:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    pytest.fail("hangs", pytrace=False)

def note(report, outcome):
    with open("outcomes", "a") as file:
        print(report.nodeid.partition("::")[0], outcome, file=file)

def pytest_runtest_logreport(report):
    if report.failed and report.longreprtext == "hangs":
        note(report, "hangs")
    elif report.failed and "RecursionError" in report.longreprtext:
        note(report, "recurses")
    elif report.failed or report.when == "call":
        note(report, report.outcome)

def pytest_collectreport(report):
    if report.failed:
        note(report, "unusable")
"""


def outcomes(cases: Iterable[Case], folder: Path, *, defective: bool, seconds: float) -> Outcomes:
    """What the tests of each program say, in one process for all; `seconds` is what one test may take."""
    for case in cases:
        for name, text in case.files(defective=defective).items():
            (folder / name).write_bytes(text)
    (folder / "conftest.py").write_text(CONFTEST.format(seconds=seconds))
    options = ("-qq", "--tb=short", "--continue-on-collection-errors", "-p", "no:cacheprovider")
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", "/dev/null", "--rootdir", str(folder)],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    found: Outcomes = defaultdict(list)
    for line in (folder / "outcomes").read_text().splitlines():
        file, outcome = line.split()
        found[file.removeprefix("test_").removesuffix(".py")].append(outcome)
    return found


@pytest.fixture(scope="module")
def with_defects(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What each case's tests say, by its name; as many processes as one program has defects."""
    left = list(CASES)
    found: Outcomes = {}
    while left:
        now = {case.tree.name: case for case in reversed(left)}
        folder = tmp_path_factory.mktemp("defective")
        said = outcomes(now.values(), folder, defective=True, seconds=0.1)
        found |= {now[program].name: words for program, words in said.items()}
        left = [case for case in left if case not in now.values()]
    return found


def test_every_program_passes_its_tests(tmp_path: Path) -> None:
    found = outcomes(PROGRAMS.values(), tmp_path, defective=False, seconds=1)
    assert {name: words for name, words in found.items() if set(words) != {"passed"}} == {}
    assert {name for name, words in found.items() if 3 <= len(words) <= 10} == set(PROGRAMS)


def test_every_defect_fails_a_test(with_defects: Outcomes) -> None:
    assert set(with_defects) == {case.name for case in CASES}
    assert [name for name, words in with_defects.items() if set(words) == {"passed"}] == []


def test_the_cases_are_many_and_varied(with_defects: Outcomes) -> None:
    first = [with_defects[name] for name in PROGRAMS]
    assert len(first) >= 60
    assert len({case.kind for case in CASES}) >= 30
    assert sum("hangs" in words for words in first) >= 8
    assert sum("recurses" in words for words in first) >= 4
    assert sum("passed" not in words for words in first) >= 10
