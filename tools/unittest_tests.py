"""Run a unittest suite as `python -m unittest` discovers it, with the signed report that pytest runs have."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandboxes.interface import RunRequest, RunResult
from tools.report import ProcessReport, ReportReader
from tools.testing import MAX_OUTPUT, PytestRunner, RunLimits
from tools.verdicts import Verdict


@dataclass(frozen=True)
class UnittestRunner(PytestRunner):
    """unittest in the repository's own interpreter: `inside/unittest_run.py` tells what pytest's runner does.

    Ids are those that pytest gives the same tests: `tests/test_a.py::TestA::test_b`.
    """

    @property
    def command(self) -> str:
        return f"{self.python} -m unittest"

    def _process(
        self,
        ids: Sequence[str] | None,
        limits: RunLimits,
        seconds: float,
        collect_only: bool = False,
        on_verdict: Callable[[Verdict], None] | None = None,
    ) -> tuple[ProcessReport, RunResult]:
        key = secrets.token_bytes(32)
        parameters = {
            "ids": None if ids is None else list(ids),
            "collect_only": collect_only,
            "key": key.hex(),
            "per_test_seconds": limits.per_test_seconds,
            "collect_seconds": limits.collect_seconds,
        }
        request = RunRequest(
            argv=(self.python, f"{self.inside}/unittest_run.py"),
            timeout=seconds,
            cwd=self.repo,
            env=self.env,
            stdin=json.dumps(parameters).encode(),
            report=True,
            max_output=MAX_OUTPUT,
            memory_bytes=limits.memory_bytes,
        )
        reader = ReportReader(key, on_verdict)
        result = self.runtime.run(request, on_report=reader.feed)
        return reader.close(), result
