"""The pytest runner: exact ids, every outcome, time limits, tests that end the process, unruly settings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.local_runtime import LocalRuntime, write_tree
from tools.testing import PytestRunner, RunLimits
from tools.verdicts import Shortage, SuiteRun, Verdict

INSIDE = str(Path(__file__).parents[2] / "tools" / "inside")
LIMITS = RunLimits(seconds=60, per_test_seconds=1)


def runner_of(repo: Path) -> PytestRunner:
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return PytestRunner(LocalRuntime(), sys.executable, repo=str(repo), inside=INSIDE, env=quick)


def run_of(repo: Path, files: dict[str, str], *ids: str, limits: RunLimits = LIMITS) -> SuiteRun:
    write_tree(repo, files)
    return runner_of(repo).run(ids or None, limits)


def outcomes(run: SuiteRun) -> dict[str, str]:
    return {test.split("::", 1)[1]: str(verdict.outcome) for test, verdict in run.verdicts.items()}


OUTCOMES = """
import sys, unittest, pytest

@pytest.fixture
def broken(): raise ValueError("setup")
@pytest.fixture
def leaky():
    yield
    raise ValueError("teardown")

def test_passed(): pass
def test_failed(): assert 1 == 2
def test_skipped(): pytest.skip("no")
@pytest.mark.xfail
def test_xfailed(): assert 0
@pytest.mark.xfail
def test_xpassed(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
def test_setup(broken): pass
def test_teardown(leaky): pass
def test_sys_exit(): sys.exit(0)
class TestU(unittest.TestCase):
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertEqual(i, 1)
    def test_good(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.skip("no")
    def test_left(self): pass
"""


def test_every_outcome(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"test_a.py": OUTCOMES})
    assert run.problem == ""
    assert outcomes(run) == {
        "test_passed": "passed",
        "test_failed": "failed",
        "test_skipped": "skipped",
        "test_xfailed": "xfailed",
        "test_xpassed": "xpassed",
        "test_strict": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_sys_exit": "failed",
        "TestU::test_sub": "failed",
        "TestU::test_good": "passed",
        "TestU::test_expected": "xfailed",
        "TestU::test_left": "skipped",
    }
    assert run.exit_code == 1


def test_where_and_why_it_failed(tmp_path: Path) -> None:
    files = {
        "calc.py": "def half(x):\n    return x / 0\n",
        "test_a.py": (
            "from calc import half\n\ndef test_half():\n    print('seen')\n    assert half(4) == 2\n"
        ),
    }
    verdict = run_of(tmp_path, files).verdicts["test_a.py::test_half"]
    assert (verdict.path, verdict.line) == ("calc.py", 2)
    assert [(frame.path, frame.line, frame.function) for frame in verdict.frames] == [
        ("test_a.py", 5, "test_half"),
        ("calc.py", 2, "half"),
    ]
    assert "ZeroDivisionError" in verdict.message
    assert "seen" in verdict.message


ODD = """
import pytest
VALUES = ["a b", "é", "new\\nline", "a::b", "[z]", "", "a/b", "\\x1b[31m", "::error::x", "-x"]
@pytest.mark.parametrize("x", VALUES)
def test_odd(x): assert x != "a::b"
"""


def test_odd_ids_are_exact_and_can_be_run_one_by_one(tmp_path: Path) -> None:
    write_tree(tmp_path, {"tests/test_[odd].py": ODD, "tests/test_other.py": "def test_x(): pass\n"})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--color=no"]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    runner = runner_of(tmp_path)
    collected = runner.collect(LIMITS)
    assert collected.complete
    assert collected.verdicts == {}
    assert list(collected.collected) == [line for line in listed.splitlines() if "::" in line]
    chosen = (collected.collected[3], collected.collected[7])
    run = runner.run(chosen, LIMITS)
    assert run.complete
    assert run.collected == chosen
    assert [str(verdict.outcome) for verdict in run.verdicts.values()] == ["failed", "passed"]


def test_a_subset_keeps_rootdir_and_ids(tmp_path: Path) -> None:
    """Naming the files on the command line would make `inner` the root and change the ids."""
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "inner/pytest.ini": "[pytest]\n",
        "inner/test_a.py": "def test_x(): pass\ndef test_y(): pass\n",
    }
    run = run_of(tmp_path, files, "inner/test_a.py::test_y")
    assert (run.complete, run.collected) == (True, ("inner/test_a.py::test_y",))


ENDINGS = """
import ctypes, os, re, time, pytest
def test_first(): pass
def test_sleep(): time.sleep(100)
def test_swallowed():
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass
def test_exit(): os._exit(0)
def test_interrupt(): raise KeyboardInterrupt
def test_pytest_exit(): pytest.exit("enough")
def test_crash(): ctypes.string_at(0)
def test_regex(): re.match(r"(a+)+$", "a" * 40 + "b")
def test_last(): pass
"""


def test_tests_that_hang_or_end_the_process_get_a_verdict_and_the_rest_is_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"test_a.py": ENDINGS})
    assert run.problem == ""
    assert outcomes(run) == {
        "test_first": "passed",
        "test_sleep": "timeout",
        "test_swallowed": "timeout",
        "test_exit": "error",
        "test_interrupt": "error",
        "test_pytest_exit": "error",
        "test_crash": "error",
        "test_regex": "timeout",
        "test_last": "passed",
    }
    assert run.verdicts["test_a.py::test_exit"].message == "ended the process (exit code 0)"
    assert run.verdicts["test_a.py::test_crash"].message == "ended the process (signal 11)"
    assert run.verdicts["test_a.py::test_sleep"].path == "test_a.py"


def test_restarts_are_bounded(tmp_path: Path) -> None:
    source = "import os, pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_x(n): os._exit(0)\n"
    run = run_of(tmp_path, {"test_a.py": source}, limits=replace(LIMITS, restarts=2))
    assert (run.complete, run.problem) == (False, "tests ended the process more than 2 times")
    assert len(run.verdicts) == 3


def test_after_one_test_hung_others_that_are_far_slower_than_all_that_pass_are_taken_to_hang(
    tmp_path: Path,
) -> None:
    source = """
import time
def test_slow_before(): time.sleep(3.3)
def test_hangs(): time.sleep(60)
def test_quick(): pass
def test_slow_after(): time.sleep(3.3)
"""
    limits = replace(LIMITS, per_test_seconds=5)
    run = run_of(tmp_path, {"test_a.py": source}, limits=limits)  # ten times 3.3 s is beyond the limit
    assert outcomes(run)["test_slow_after"] == "passed"
    ids = [f"test_a.py::{name}" for name in ("test_hangs", "test_quick", "test_slow_after")]
    run = run_of(tmp_path, {"test_a.py": source}, *ids, limits=limits)
    assert outcomes(run) == {"test_hangs": "timeout", "test_quick": "passed", "test_slow_after": "timeout"}


def test_a_test_that_computes_for_long_is_cut_earlier_than_one_that_waits(tmp_path: Path) -> None:
    source = """
import time
def test_waits(): time.sleep(1.5)
def test_computes():
    while True: pass
def test_falls(): assert False
"""
    limits = replace(LIMITS, per_test_seconds=60, computing_seconds=0.5)
    run = run_of(tmp_path, {"test_a.py": source}, limits=limits)
    assert outcomes(run) == {"test_waits": "passed", "test_computes": "timeout", "test_falls": "failed"}
    assert run.verdicts["test_a.py::test_computes"].seconds < 30


def test_a_test_known_to_hang_gets_the_seconds_named_for_it(tmp_path: Path) -> None:
    source = "import time\ndef test_a(): time.sleep(1.5)\ndef test_b(): time.sleep(1.5)\n"
    limits = replace(LIMITS, per_test_seconds=20, hanging=(("test_a.py::test_a", 0.5),))
    run = run_of(tmp_path, {"test_a.py": source}, limits=limits)
    assert outcomes(run) == {"test_a": "timeout", "test_b": "passed"}
    assert limits.key != replace(limits, hanging=()).key


def test_the_whole_run_is_bounded(tmp_path: Path) -> None:
    source = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\ndef test_c(): pass\n"
    run = run_of(tmp_path, {"test_a.py": source}, limits=RunLimits(seconds=3, per_test_seconds=60))
    assert not run.complete
    assert "time limit" in run.problem
    assert outcomes(run) == {"test_a": "passed", "test_b": "timeout"}


def test_memory_is_bounded(tmp_path: Path) -> None:
    source = "def test_big():\n    assert len(bytearray(3 * 2**30)) == 0\ndef test_b(): pass\n"
    run = run_of(tmp_path, {"test_a.py": source})
    assert run.complete
    assert outcomes(run) == {"test_big": "failed", "test_b": "passed"}
    assert "MemoryError" in run.verdicts["test_a.py::test_big"].message


ENDS_EARLY = {
    "exit at import": ("import os\nos._exit(0)\n", "exit code 0"),
    "exit 5 at import": ("import os\nos._exit(5)\n", "exit code 5"),
    "crash at import": ("import ctypes\nctypes.string_at(0)\n", "signal 11"),
}


@pytest.mark.parametrize("name", ENDS_EARLY)
def test_a_process_that_ends_while_collecting_gives_no_verdict(name: str, tmp_path: Path) -> None:
    source, words = ENDS_EARLY[name]
    run = run_of(tmp_path, {"test_a.py": source + "def test_x(): pass\n"})
    assert (run.complete, run.collected, run.verdicts) == (False, (), {})
    assert words in run.problem


def test_files_that_do_not_collect_are_said_and_the_rest_runs(tmp_path: Path) -> None:
    files = {
        "test_a.py": "import nowhere\n",
        "test_b.py": "def test_x(): pass\n",
        "test_c.py": "while True: pass\n",
        "test_d.py": "bytearray(2**40)\n",
        "test_e.py": "raise OSError(28, 'No space left on device')\n",
        "test_f.py": "raise ValueError('no MemoryError: [Errno 28]')\n",
    }
    run = run_of(tmp_path, files, limits=replace(LIMITS, collect_seconds=1))
    assert run.complete
    assert outcomes(run) == {"test_x": "passed"}
    assert set(run.collection_errors) == files.keys() - {"test_b.py"}
    assert "No module named 'nowhere'" in run.collection_errors["test_a.py"]
    assert run.short == {
        "test_c.py": Shortage("time", 1),
        "test_d.py": Shortage("memory"),
        "test_e.py": Shortage("disk"),
    }


RAISES = {
    "import shop.stock": ("shop/stock.py",),  # a name that is not defined
    "from shop import frist": ("shop/__init__.py",),
    "import shop.codes": ("shop/codes.py",),  # raised by the standard library
    "import shop.typing_error": ("shop/typing_error.py",),  # a module that the package does not have
    "import shop.far": (),  # a package that is not there
    "import shop.near": (),
    "import shop.unparsable": (),
    "import nowhere": (),
    "from json import nothing": (),
    "x = 1 / 0": (),
    "import shop.installed": (),
    "class E(ImportError):\n    name = property(lambda self: 1 / 0)\nraise E": (),
    "import importlib.metadata as m; m.version('nowhere')": (),
}
"""What a test file does, and which source files an edit could be made in."""

SHOP = {
    "shop/__init__.py": "first = 1\n",
    "shop/stock.py": "def count():\n    return math.pi\n\n\nCOUNT = count()\n",
    "shop/codes.py": "import re\n\nCODE = re.compile('(')\n",
    "shop/typing_error.py": "from .stokc import count\n",
    "shop/far.py": "import nowhere\n",
    "shop/installed.py": "import importlib.metadata as m\n\nm.version('shop')\n",
    "shop/near.py": "import xml.nowhere\n",
    "shop/unparsable.py": "def count(:\n",
}


def test_files_that_keep_a_test_file_from_being_collected_are_named(tmp_path: Path) -> None:
    tests = {f"test_{number}.py": f"{line}\n" for number, line in enumerate(RAISES)}
    run = run_of(tmp_path, {**SHOP, **tests})
    assert run.complete
    assert set(run.collection_errors) == set(tests)
    for (name, line), expected in zip(tests.items(), RAISES.values(), strict=True):
        assert {path for path in run.implicated[name] if path in SHOP} == set(expected), line


def test_a_name_in_a_file_whose_tests_are_not_known_stands_for_all_in_it(tmp_path: Path) -> None:
    source = "def test_x(): pass\ndef test_xy(): pass\nclass TestA:\n    def test_m(self): assert 0\n"
    files = {"test_a.py": source, "test_b.py": "def test_x(): pass\n", "test_c.py": "1 / 0\n"}
    run = run_of(tmp_path, files, "test_a.py")
    assert run.complete
    assert outcomes(run) == {"test_x": "passed", "test_xy": "passed", "TestA::test_m": "failed"}
    assert (run.passed("test_a.py"), run.passed("test_a.py::test_x"), run.passed("test_a.py::TestA")) == (
        False,
        True,
        False,
    )
    assert outcomes(run_of(tmp_path, files, "test_a.py::TestA", "test_b.py")) == {
        "TestA::test_m": "failed",
        "test_x": "passed",
    }
    missing = run_of(tmp_path, files, "test_c.py", "test_b.py")
    assert not missing.passed("test_c.py")
    assert missing.problem == "test_c.py was not collected"


def test_what_keeps_all_from_being_collected_is_said(tmp_path: Path) -> None:
    for number, (conftest, limits, words) in enumerate(
        (
            ("bytearray(2**40)\n", LIMITS, "ran out of memory"),
            ("import time\ntime.sleep(60)\n", replace(LIMITS, seconds=2), "took longer than 2 s"),
        )
    ):
        files = {"conftest.py": conftest, "test_a.py": "def test_x(): pass\n"}
        run = run_of(tmp_path / str(number), files, limits=limits)
        assert (run.complete, run.problem) == (False, f"collecting the tests {words}")
        assert run.short[""].words == words


def test_an_id_that_was_not_collected_is_a_problem(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"test_a.py": "def test_x(): pass\n"}, "test_a.py::test_x", "test_a.py::test_gone")
    assert (run.complete, run.problem) == (False, "test_a.py::test_gone was not collected")


def test_progress_is_told_as_it_happens(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {"test_a.py": "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): pass\n"},
    )
    heard: list[tuple[str, int]] = []

    def on_progress(verdict: Verdict, done: int, total: int) -> None:
        heard.append((verdict.id.split("::")[1], done))

    runner_of(tmp_path).run(None, LIMITS, on_progress)
    assert heard == [("test_a", 1), ("test_c", 2)]


def test_it_imports_as_python_m_pytest_does_and_leaves_no_files(tmp_path: Path) -> None:
    """The current folder is importable, our own folder is not, and the tree stays as it was."""
    source = """
import sys, os
def test_path():
    import settings
    assert sys.path[0] != "" and "agent-inside" not in " ".join(sys.path)
    assert not any(p.endswith("tools/inside") for p in sys.path)
    assert "AGENT_REPORT_FD" not in os.environ
    assert os.read(0, 10) == b""
"""
    # The name of one of our own modules, and of one of the standard library that pytest imports.
    files = {"settings.py": "", "report_writer.py": "raise ValueError\n", "tests/test_a.py": source}
    run = run_of(tmp_path, {**files, "unittest.py": "raise ValueError\n"})
    assert outcomes(run) == {"test_path": "passed"}, run.output
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["report_writer.py", "settings.py", "tests/test_a.py", "unittest.py"]


def test_compiled_files_are_used_of_installed_modules_and_not_of_the_repository(tmp_path: Path) -> None:
    import py_compile

    source = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
import calc, colorsys
def test_stale(): assert calc.X == 2
def test_installed(): assert colorsys.__spec__.origin not in opened, "its source need not be read"
"""
    write_tree(tmp_path, {"calc.py": "X = 1\n", "test_a.py": source})
    py_compile.compile(
        str(tmp_path / "calc.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    (tmp_path / "calc.py").write_text("X = 2\n")
    run = runner_of(tmp_path).run(None, LIMITS)
    assert outcomes(run) == {"test_stale": "passed", "test_installed": "passed"}, run.verdicts


def test_installed_plugins_are_not_compiled_anew_and_tests_are_worded_as_ever(tmp_path: Path) -> None:
    source = """
from _pytest.assertion.rewrite import AssertionRewritingHook
import hypothesis
def test_loader(): assert not isinstance(hypothesis.__loader__, AssertionRewritingHook)
def test_words():
    seen = [1, 2]
    assert seen == [1, 3]
"""
    write_tree(tmp_path, {"test_a.py": source})
    run = PytestRunner(LocalRuntime(), sys.executable, repo=str(tmp_path), inside=INSIDE).run(None, LIMITS)
    assert outcomes(run) == {"test_loader": "passed", "test_words": "failed"}, run.verdicts
    assert "assert [1, 2] == [1, 3]" in run.verdicts["test_a.py::test_words"].message


def test_a_fork_of_the_process_does_not_report(tmp_path: Path) -> None:
    source = (
        "import os\ndef test_fork():\n    child = os.fork()\n"
        "    if child == 0:\n        raise ValueError\n"
        "    os.waitpid(child, 0)\ndef test_b(): pass\n"
    )
    run = run_of(tmp_path, {"test_a.py": source}, limits=replace(LIMITS, per_test_seconds=20))
    assert run.problem == ""
    assert outcomes(run) == {"test_fork": "passed", "test_b": "passed"}


def test_programs_that_multiprocessing_spawns(tmp_path: Path) -> None:
    test = """
import multiprocessing
from numbers_of import double

def test_spawned():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
"""
    files = {"test_spawn.py": test, "numbers_of.py": "def double(n):\n    return 2 * n\n"}
    run = run_of(tmp_path, files, limits=replace(LIMITS, per_test_seconds=20))
    assert run.complete and outcomes(run) == {"test_spawned": "passed"}, run.verdicts
