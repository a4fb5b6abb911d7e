"""One candidate on disk: write the file, run the tests in a forked child or as a command, put it back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .children import ChildResult, run_in_child
from .session import Watch, run_session

STARTUP_SECONDS = 10.0


@contextmanager
def file_replaced(path: Path, content: bytes) -> Iterator[None]:
    """The file holds `content` inside the block and its former bytes after it. It is unlinked before it is
    written, so that hard-linked copies keep theirs; compiled files of it are removed, since an equal size
    and time would make them look current."""
    before, mode = path.read_bytes(), path.stat().st_mode & 0o777
    _write(path, content, mode)
    try:
        yield
    finally:
        _write(path, before, mode)


def _write(path: Path, content: bytes, mode: int) -> None:
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


class Trial:
    """How candidates are run from a fresh import: pytest ids in a forked child, or a command.

    `seconds` (wall) and `cpu_seconds` (user time; 0: none) bound each phase of each test.
    """

    def __init__(self, root: str, command: list[str], memory_bytes: int, basetemp: str) -> None:
        self.root, self.command, self.memory_bytes, self.basetemp = root, command, memory_bytes, basetemp
        self.seconds = 10.0
        self.cpu_seconds = 0.0

    @property
    def options(self) -> tuple[str, ...]:
        """Options of pytest for a screening run: stop at the first failure, capture in memory only."""
        return ("-x", "--capture=sys", f"--basetemp={self.basetemp}")

    def run(self, ids: list[str]) -> ChildResult:
        """Run the ids (or the command) on the tree as it is; `answer["passed"]` tells whether all passed."""
        wall = STARTUP_SECONDS + self.seconds * (1 + len(ids))
        if self.command:
            return run_in_child(self._run_command, self.seconds, self.memory_bytes)
        return run_in_child(lambda: self.session(ids), wall, self.memory_bytes)

    def _run_command(self) -> dict[str, Any]:
        done = subprocess.run(self.command, cwd=self.root, check=False)
        return {"passed": done.returncode == 0}

    def session(self, ids: list[str], *options: str) -> dict[str, Any]:
        """Run the ids in this process (a child's): {"code", "passed", "outcomes", "durations"}."""
        watch = Watch(self.root, self.seconds, self.cpu_seconds, keep_frames=False)
        code = run_session(ids, watch, extra=(*self.options, *options))
        return {
            "code": code,
            "passed": watch.passed(ids),
            "outcomes": watch.outcomes,
            "durations": watch.durations,
        }

    def verdict(self, result: ChildResult) -> str:
        """One word for a child's end: passed, failed, timeout or died."""
        if result.ended != "answered":
            return result.ended
        return "passed" if result.answer["passed"] is True else "failed"


def quiet_environment() -> None:
    """No compiled files from programs that tests start."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
