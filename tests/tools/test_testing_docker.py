"""The same runner, scan and guards inside a real sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from assessing import assess

from sandboxes.interface import INSIDE, REPO, Sandbox
from tests.tools.forgeries import BASE, FORGERIES, HONEST_FIX, TARGET
from tools.command_tests import CommandRunner
from tools.files import FileEdit, search
from tools.forgery import Candidate
from tools.inside_files import inside_files
from tools.protected import Protection
from tools.testing import PytestRunner, RunLimits

pytestmark = pytest.mark.docker
LIMITS = RunLimits(seconds=120, per_test_seconds=2)


def runner_of(sandbox: Sandbox, files: Mapping[str, bytes]) -> PytestRunner:
    sandbox.install_inside(inside_files())
    for path, content in files.items():
        sandbox.write(f"{REPO}/{path}", content)
    return PytestRunner(sandbox, sandbox.python)


ENDINGS = b"""
import ctypes, os, time, pytest
def test_first(): pass
def test_failed(): assert 1 == 2
def test_swallowed():
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass
def test_exit(): os._exit(0)
def test_crash(): ctypes.string_at(0)
def test_memory(): bytearray(3 * 2**30)
def test_kill_all_others(): os.kill(-1, 9)
def test_stuck_in_c():
    class Slow:
        def __del__(self):
            while True:
                pass
    Slow()
@pytest.mark.parametrize("x", ["a::b [c] \\u00e9", "\\x1b[31m"])
def test_last(x): pass
"""


def test_every_ending_has_a_verdict(sandbox: Sandbox) -> None:
    run = runner_of(sandbox, {"test_a.py": ENDINGS}).run(None, LIMITS)
    assert run.problem == ""
    assert {test.split("::", 1)[1]: str(verdict.outcome) for test, verdict in run.verdicts.items()} == {
        "test_first": "passed", "test_failed": "failed", "test_swallowed": "timeout", "test_exit": "error",
        "test_crash": "error", "test_memory": "failed", "test_kill_all_others": "passed",
        "test_stuck_in_c": "timeout",
        "test_last[a::b [c] \\xe9]": "passed", "test_last[\\x1b[31m]": "passed",
    }  # fmt: skip


def test_the_corpus_of_forgeries_and_the_honest_fix(sandbox: Sandbox) -> None:
    runner = runner_of(sandbox, BASE)
    baseline = runner.run(None, LIMITS)
    assert (baseline.complete, baseline.failing) == (True, (TARGET,))
    protection = Protection.of(baseline)
    sources = [BASE["tests/test_core.py"]]
    accepted = {}
    for name, edits in [(f.name, f.edits) for f in FORGERIES] + [("honest", dict(HONEST_FIX))]:
        candidate = Candidate(tuple(FileEdit(path, content) for path, content in edits.items()), BASE)
        found = assess(
            sandbox, runner, sandbox.python, candidate, baseline, [TARGET], LIMITS, protection, sources
        )  # fmt: skip
        accepted[name] = found.accepted
        assert found.accepted or found.reasons
    assert [name for name, yes in accepted.items() if yes] == ["honest"]


def test_a_large_suite_reports_in_full(sandbox: Sandbox) -> None:
    source = (
        b"import pytest\n@pytest.mark.parametrize('n', range(3000))\n"
        b"def test_n(n): assert n % 1000 != 7, 'x' * 9000\n"
    )
    heard: list[int] = []
    runner = runner_of(sandbox, {"test_many.py": source})
    run = runner.run(None, LIMITS, lambda verdict, done, total: heard.append(done))
    assert (run.complete, run.problem) == (True, "")
    assert len(run.collected) == 3000
    assert run.failing == tuple(f"test_many.py::test_n[{n}]" for n in (7, 1007, 2007))
    assert heard == list(range(1, 3001))


def test_the_total_limit_ends_a_run(sandbox: Sandbox) -> None:
    runner = runner_of(sandbox, {"test_a.py": b"import time\ndef test_a(): time.sleep(60)\n"})
    run = runner.run(None, replace(LIMITS, seconds=3, per_test_seconds=60))
    assert not run.complete
    assert "time limit" in run.problem


def test_a_command_with_a_junit_report(sandbox: Sandbox) -> None:
    runner_of(sandbox, BASE)
    run = CommandRunner(sandbox, f"{sandbox.python} -m pytest --junitxml=$AGENT_JUNIT").run(None, LIMITS)
    assert (run.complete, run.problem) == (True, "")
    assert run.failing == ("tests.test_core::test_mean",)


def test_search_inside(sandbox: Sandbox) -> None:
    runner_of(sandbox, BASE)
    found = search(sandbox, sandbox.python, INSIDE, REPO, r"def mean")
    assert [(match.path, match.line) for match in found] == [("calc/core.py", 5)]
