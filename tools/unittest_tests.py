"""Run a unittest suite as `python -m unittest` discovers it, with the signed report that pytest runs have."""

from __future__ import annotations

from dataclasses import dataclass

from tools.testing import PytestRunner


@dataclass(frozen=True)
class UnittestRunner(PytestRunner):
    """unittest in the repository's own interpreter: `inside/unittest_run.py` tells what pytest's runner does.

    Ids are those that pytest gives the same tests: `tests/test_a.py::TestA::test_b`.
    """

    script: str = "unittest_run.py"

    @property
    def command(self) -> str:
        return f"{self.python} -m unittest"
