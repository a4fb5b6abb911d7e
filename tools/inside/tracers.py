"""Which lines of a repository run: `coverage` where the target's environment has it, else sys.settrace."""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType
from typing import Any


class SettraceTracer:
    """Lines by file through `sys.settrace`: slower, but needs nothing installed."""

    folder = ""  # (holds no lock)

    def __init__(self, root: str) -> None:
        self._root = root + os.sep
        self._ours: dict[str, bool] = {}
        self._lines: dict[str, set[int]] = {}

    def start(self) -> None:
        threading.settrace(self._call)
        sys.settrace(self._call)

    def switch(self, context: str) -> None:
        """Nothing to do: `take` empties what was seen so far."""

    def take(self, _context: str) -> dict[str, set[int]]:
        sys.settrace(self._call)  # a test may have taken the tracer away
        lines, self._lines = self._lines, {}
        return lines

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any | None:
        name = frame.f_code.co_filename
        if name not in self._ours:
            self._ours[name] = os.path.realpath(name).startswith(self._root)
        if not self._ours[name]:
            return None
        add = self._lines.setdefault(os.path.realpath(name), set()).add
        add(frame.f_lineno)

        def local(inner: FrameType, event: str, _argument: Any) -> Any:
            if event == "line":
                add(inner.f_lineno)
            return local

        return local


class CoverageTracer:
    """Lines by file and context through `coverage` with its C tracer (others lose dynamic contexts)."""

    def __init__(self, root: str) -> None:
        os.environ["COVERAGE_CORE"] = "ctrace"
        import coverage

        self.folder = os.path.dirname(coverage.__file__) + os.sep  # noqa: PTH120
        # Environments below the root are not the repository's code.
        omit = ["*/*-packages/*"]
        self._coverage = coverage.Coverage(
            data_file=None,
            config_file=False,
            include=[f"{root}/*"],
            omit=omit,
            messages=False,
        )

    def start(self) -> None:
        self._coverage.start()

    def switch(self, context: str) -> None:
        self._coverage.switch_context(context)

    def take(self, context: str) -> dict[str, set[int]]:
        """Lines seen under the context."""
        data = self._coverage.get_data()
        data.set_query_context(context)
        return {path: set(lines) for path in data.measured_files() if (lines := data.lines(path))}


def make_tracer(root: str) -> CoverageTracer | SettraceTracer:
    """The best tracer there is in this environment."""
    try:
        return CoverageTracer(root)
    except ImportError:
        return SettraceTracer(root)
