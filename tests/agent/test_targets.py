"""Which test files that do not collect a fix could mend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import UsageError
from agent.targets import hopeless, mendable, named_targets
from agent.task import Settings
from tests.tools.local_runtime import write_tree
from tools.base import Base, take_base
from tools.junit import JUnitFailure
from tools.verdicts import Shortage, SuiteRun

FILES = {
    "lib.py": "HALF = math.pi / 2\n",
    "far.py": "import nowhere\n",
    "tests/test_lib.py": "import lib\n",
    "tests/helper.py": "import lib\n",
    "tests/test_far.py": "import far\n",
}


@pytest.fixture
def base(tmp_path: Path) -> Base:
    write_tree(tmp_path, FILES)
    return take_base(tmp_path)


def run_of(**implicated: tuple[str, ...]) -> SuiteRun:
    """A run in which these test files do not collect."""
    files = {f"tests/test_{name}.py" if name != "source" else "lib.py": of for name, of in implicated.items()}
    errors = dict.fromkeys(files, "E   NameError: name 'math' is not defined")
    doctest = ("other.py::other.add",)
    return SuiteRun(doctest, {}, complete=True, collection_errors=errors, implicated=files)


LIB = ("lib.py", "tests/helper.py", "tests/test_lib.py")


def test_an_exception_in_an_editable_file_can_be_mended(base: Base) -> None:
    run = run_of(lib=LIB, far=())
    assert mendable(base, run, ()) == ("tests/test_lib.py",)
    assert hopeless(run, ("tests/test_lib.py",)) == ("tests/test_far.py",)


@pytest.mark.parametrize(
    "sources", [(), ("tests/test_lib.py",), ("tests/helper.py", "tests/test_lib.py"), ("/usr/lib/x.py",)]
)
def test_one_elsewhere_cannot(base: Base, sources: tuple[str, ...]) -> None:
    assert mendable(base, run_of(lib=sources), ()) == ()


def test_nor_can_one_in_a_protected_file_or_what_ran_out_of_something(base: Base) -> None:
    run = run_of(lib=LIB)
    assert mendable(base, run, ("lib.py",)) == ()
    assert mendable(base, replace(run, short={"tests/test_lib.py": Shortage("memory")}), ()) == ()


def test_a_source_file_with_doctests_is_mended_with_the_tests_that_import_it(base: Base) -> None:
    """Where doctests are collected, it does not collect either, and it may hold none."""
    run = run_of(lib=LIB, source=("lib.py",))
    assert mendable(base, run, ()) == ("tests/test_lib.py",)
    assert hopeless(run, ("tests/test_lib.py",)) == ()
    assert hopeless(run_of(source=("lib.py",)), ()) == ("lib.py",)


def test_a_name_in_a_file_that_can_be_mended_stands_for_itself() -> None:
    run, red = run_of(lib=LIB, far=()), ("tests/test_lib.py",)
    names = ("tests/test_lib.py", "tests/test_lib.py::TestA", "tests/test_lib.py::test_b[1]")
    settings = Settings(repository="r", tests=names)
    assert named_targets(settings, run, red) == {name: (name,) for name in names}
    with pytest.raises(
        UsageError, match=r"'tests/test_far.py::x' cannot be collected: NameError: .* declare it"
    ):
        named_targets(Settings(repository="r", tests=("tests/test_far.py::x",)), run, red)


def test_a_report_names_it_by_its_module() -> None:
    failure = JUnitFailure("", "tests.test_lib", "", "collection failure")
    run, red = run_of(lib=LIB), ("tests/test_lib.py",)
    settings = Settings(repository="r", junit=(failure,))
    assert named_targets(settings, run, red) == {"tests/test_lib.py": ("tests/test_lib.py",)}
