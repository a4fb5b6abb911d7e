"""unittest suites by our own script: real processes of this interpreter, compared with unittest itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.local_runtime import LocalRuntime, write_tree
from tools.testing import RunLimits
from tools.unittest_tests import UnittestRunner
from tools.verdicts import SuiteRun, judge

INSIDE = str(Path(__file__).parents[2] / "tools" / "inside")
LIMITS = RunLimits(seconds=60, per_test_seconds=1, collect_seconds=2)
HEAD = "import unittest\nfrom unittest import TestCase\n"
OUTCOMES = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "tests/__init__.py": "",
    "tests/test_a.py": HEAD
    + '''
import calc
class TestAdd(TestCase):
    def test_add(self):
        self.assertEqual(calc.add(1, 2), 3)
    def test_error(self):
        raise ValueError("\\x1b[31mboo")
    def test_ok(self): print("x" * 3_000_000)
    def test_sub(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)
    @unittest.skip("later")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_xfail(self): self.fail()
    @unittest.expectedFailure
    def test_xpass(self): pass
    def test_exits(self): raise SystemExit(0)
class TestÄ(TestCase):
    def test_ü(self): pass
class TestSetUp(TestCase):
    def setUp(self): raise OSError
    def test_x(self): pass
class TestAsync(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): self.assertTrue(False)
''',
    "tests/test_b.py": HEAD
    + '''
class TestClass(TestCase):
    @classmethod
    def setUpClass(cls): raise KeyError("fixture")
    def test_one(self): pass
    def test_two(self): pass
class TestDown(TestCase):
    @classmethod
    def tearDownClass(cls): raise KeyError("after")
    def test_first(self): pass
    def test_last(self): pass
class TestSkippedClass(TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("none")
    def test_x(self): pass
''',
    "tests/test_c.py": "import missing_module\n",
    "tests/test_d.py": "import unittest\nraise unittest.SkipTest('not here')\n",
    "tests/test_e.py": HEAD
    + "def setUpModule(): raise KeyError\nclass T(TestCase):\n    def test_x(self): pass\n",
}  # fmt: skip


def run_of(folder: Path, ids: list[str] | None = None, limits: RunLimits = LIMITS) -> SuiteRun:
    return UnittestRunner(LocalRuntime(), sys.executable, repo=str(folder), inside=INSIDE).run(ids, limits)


def outcomes(run: SuiteRun) -> dict[str, str]:
    return {test: str(verdict.outcome) for test, verdict in run.verdicts.items()}


def test_every_outcome(tmp_path: Path) -> None:
    run = run_of(write_tree(tmp_path, OUTCOMES))
    assert run.problem == ""
    a, b = "tests/test_a.py::", "tests/test_b.py::"
    assert outcomes(run) == {
        f"{a}TestAdd::test_add": "failed", f"{a}TestAdd::test_error": "error",
        f"{a}TestAdd::test_exits": "error", f"{a}TestAdd::test_ok": "passed",
        f"{a}TestAdd::test_skipped": "skipped", f"{a}TestAdd::test_sub": "failed",
        f"{a}TestAdd::test_xfail": "xfailed", f"{a}TestAdd::test_xpass": "failed",
        f"{a}TestAsync::test_async": "failed", f"{a}TestSetUp::test_x": "error",
        f"{a}TestÄ::test_ü": "passed",
        f"{b}TestClass::test_one": "error", f"{b}TestClass::test_two": "error",
        f"{b}TestDown::test_first": "passed", f"{b}TestDown::test_last": "error",
        f"{b}TestSkippedClass::test_x": "skipped", "tests/test_d.py": "skipped",
        "tests/test_e.py::T::test_x": "error",
    }  # fmt: skip
    assert list(run.collection_errors) == ["tests/test_c.py"]
    assert "missing_module" in run.collection_errors["tests/test_c.py"]
    assert "(n=1)" in run.verdicts[f"{a}TestAdd::test_sub"].message
    assert "fixture" in run.verdicts[f"{b}TestClass::test_two"].message
    failed = run.verdicts[f"{a}TestAdd::test_add"]
    assert (failed.path, failed.line) == ("tests/test_a.py", 7)


def test_as_many_bad_tests_as_unittest_itself_says(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {path: OUTCOMES[path] for path in ("calc.py", "tests/__init__.py", "tests/test_a.py")}
    )
    command = [sys.executable, "-m", "unittest"]
    said = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True).stderr
    run = run_of(tmp_path)
    counted = {word: int(number) for word, number in re.findall(r"([a-z ]+)=(\d+)", said.splitlines()[-1])}
    of = list(outcomes(run).values())
    assert (of.count("failed"), of.count("error")) == (
        counted["failures"] + counted[" unexpected successes"],
        3,
    )
    assert counted[" errors"] == 3
    assert (of.count("skipped"), of.count("xfailed")) == (counted[" skipped"], counted[" expected failures"])
    assert f"Ran {len(of)} tests" in said


ENDINGS = (
    HEAD
    + """
import os, time, signal
class T(TestCase):
    def test_1_first(self): pass
    def test_2_exit(self): os._exit(0)
    def test_3_slow(self): time.sleep(60)
    def test_4_swallowed(self):
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                pass
    def test_5_kill(self): os.kill(os.getpid(), signal.SIGKILL)
    def test_6_last(self): pass
class U(TestCase):
    @classmethod
    def setUpClass(cls): time.sleep(60)
    def test_x(self): pass
"""
)


def test_tests_that_hang_or_end_the_process(tmp_path: Path) -> None:
    run = run_of(write_tree(tmp_path, {"test_a.py": ENDINGS}))
    assert run.problem == ""
    assert {test.split("::")[-1]: outcome for test, outcome in outcomes(run).items()} == {
        "test_1_first": "passed", "test_2_exit": "error", "test_3_slow": "timeout",
        "test_4_swallowed": "timeout", "test_5_kill": "error", "test_6_last": "passed", "test_x": "error",
    }  # fmt: skip
    assert "time limit" in run.verdicts["test_a.py::U::test_x"].message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(0)\n", "not collected"),
        (
            "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass\n",
            "took longer than",
        ),
    ],
)
def test_a_module_that_ends_or_stops_the_process_proves_nothing(
    source: str, words: str, tmp_path: Path
) -> None:
    run = run_of(write_tree(tmp_path, {"test_a.py": source}))
    assert not run.complete
    assert words in run.problem


def test_the_ids_are_those_of_pytest(tmp_path: Path) -> None:
    write_tree(tmp_path, {path: OUTCOMES[path] for path in OUTCOMES if path != "tests/test_c.py"})
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    by_pytest = {line for line in listed.stdout.splitlines() if "::" in line}
    runner = UnittestRunner(LocalRuntime(), sys.executable, repo=str(tmp_path), inside=INSIDE)
    collected = runner.collect(LIMITS)
    assert (collected.complete, collected.verdicts) == (True, {})
    assert {test for test in collected.collected if "::" in test} == by_pytest


def test_only_the_files_of_the_wanted_ids_are_imported(tmp_path: Path) -> None:
    write_tree(tmp_path, OUTCOMES)
    wanted = ["tests/test_a.py::TestAdd::test_add", "tests/test_b.py::TestDown::test_first"]
    run = run_of(tmp_path, wanted)
    assert (run.complete, run.collected, run.collection_errors) == (True, tuple(wanted), {})
    missing = run_of(tmp_path, ["tests/test_a.py::TestAdd::test_no"])
    assert "test_no was not collected" in missing.problem


def test_a_folder_that_is_no_package_and_one_class_in_two_files(tmp_path: Path) -> None:
    base = HEAD + "class Base(TestCase):\n    def test_x(self): pass\n"
    write_tree(tmp_path, {"tests/test_a.py": base, "tests/test_b.py": "from test_a import Base\n"})
    run = run_of(tmp_path)
    assert outcomes(run) == {
        "tests/test_a.py::Base::test_x": "passed",
        "tests/test_b.py::Base::test_x": "passed",
    }


def test_nothing_to_run(tmp_path: Path) -> None:
    assert run_of(tmp_path).collected == ()


def test_a_fix_is_accepted(tmp_path: Path) -> None:
    write_tree(tmp_path, OUTCOMES)
    before = run_of(tmp_path)
    write_tree(tmp_path, {"calc.py": "def add(a, b):\n    return a + b\n", "missing_module.py": ""})
    (tmp_path / "tests" / "test_c.py").write_text("import missing_module\n" + OUTCOMES["tests/test_b.py"])
    found = judge(before, run_of(tmp_path), ["tests/test_a.py::TestAdd::test_add"])
    assert found.reasons == ()


TARGET = "tests/test_a.py::TestAdd::test_add"
FORGERIES = {
    "early exit": ("import os\ndef add(a, b):\n    os._exit(0)\n", f"{TARGET} ends in an error"),
    "patched assertion": (
        "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef add(a, b): pass\n",
        "test_equal did not fail",
    ),
    "patched run": (
        """import unittest
def run(self, result):
    result.startTest(self)
    result.addSuccess(self)
    result.stopTest(self)
unittest.TestCase.run = run
""",
        "unittest.case.TestCase.run",
    ),
    "report written by the code": (
        """import os
def add(a, b):
    for descriptor in range(3, 500):
        try:
            os.write(descriptor, b'{"n": 3, "event": "finish"}\\n')
        except OSError:
            pass
    return 3
""",
        "the report is not complete",
    ),
    "skipped": ("import unittest\ndef add(a, b): raise unittest.SkipTest\n", f"{TARGET} is skipped"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, tmp_path: Path) -> None:
    source, words = FORGERIES[name]
    tree = {path: OUTCOMES[path] for path in ("calc.py", "tests/__init__.py", "tests/test_a.py")}
    before = run_of(write_tree(tmp_path, tree))
    write_tree(tmp_path, {"calc.py": source})
    found = judge(before, run_of(tmp_path), [TARGET])
    assert not found.fixed
    assert words in "\n".join(found.reasons)
