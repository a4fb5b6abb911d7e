"""Read, search and edit files of the repository inside a sandbox.

Everything returned is untrusted text: pass it through `tools.plain.plain` before showing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandboxes.interface import RunRequest, Runtime, SandboxError

MAX_READ_BYTES = 2_000_000
MAX_LINE = 1_000
MAX_MATCHES = 500
SEARCH_SECONDS = 30.0


@dataclass(frozen=True)
class FileEdit:
    """The new content of one file of the tree (POSIX path relative to its root); None removes the file."""

    path: str
    content: bytes | None


@dataclass(frozen=True)
class Excerpt:
    """Lines `first`..`first + len(lines) - 1` (1-based) of a file that has `total` lines."""

    path: str
    first: int
    lines: tuple[str, ...]
    total: int

    @property
    def numbered(self) -> str:
        """The lines with their numbers, one per row."""
        width = len(str(self.first + len(self.lines)))
        return "\n".join(f"{self.first + n:>{width}}  {line}" for n, line in enumerate(self.lines))


@dataclass(frozen=True)
class Match:
    """One line found by a search; `line` is 1-based, `text` is cut at MAX_LINE characters."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class UndoRecord:
    """What the edited files held before, in the order in which to put them back."""

    before: tuple[FileEdit, ...]


def inside_path(repo: str, path: str) -> str:
    """The absolute path of a file of the tree. Raises ValueError for a path that leads out of it."""
    pure = PurePosixPath(path)
    if not path or "\0" in path or pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path!r} is not a path inside the repository")
    return str(PurePosixPath(repo) / pure)


def read(runtime: Runtime, repo: str, path: str, first: int = 1, count: int = 400) -> Excerpt:
    """At most `count` lines from line `first` (1-based) on; long lines are cut.

    Raises FileNotFoundError, or ValueError for a path outside the tree or a file over MAX_READ_BYTES.
    """
    data = runtime.read(inside_path(repo, path), MAX_READ_BYTES)
    # Not splitlines(): it also splits at form feeds and Unicode separators, where editors and Python do not.
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    start = max(first, 1)
    shown = tuple(line[:MAX_LINE] for line in lines[start - 1 : start - 1 + max(count, 0)])
    return Excerpt(path, start, shown, len(lines))


def search(
    runtime: Runtime, python: str, inside: str, repo: str, pattern: str, glob: str = "", limit: int = 100
) -> tuple[Match, ...]:
    """Lines that match a Python regular expression, in path order, at most `limit` (up to MAX_MATCHES).

    `glob` restricts the file paths (fnmatch). The search runs inside the sandbox, in its own process.
    Raises ValueError for a bad pattern and when the search takes longer than SEARCH_SECONDS.
    """
    argv = (python, "-I", f"{inside}/search.py", pattern, glob, str(min(limit, MAX_MATCHES)), str(MAX_LINE))
    result = runtime.run(RunRequest(argv=argv, timeout=SEARCH_SECONDS, cwd=repo, max_output=4_000_000))
    if result.timed_out:
        raise ValueError(f"the search took longer than {SEARCH_SECONDS:.0f} s; use a simpler pattern")
    if result.exit_code == 2:
        raise ValueError(result.stderr.decode("utf-8", "replace").strip()[:300])
    if result.exit_code != 0:
        raise SandboxError(f"the search ended with code {result.exit_code}")
    return tuple(_matches(result.stdout))


def _matches(output: bytes) -> list[Match]:
    """The search prints NUL-separated path, line and text; a record cut off at the bound is left out."""
    fields = output.decode("utf-8", "replace").split("\0")
    records = zip(fields[0::3], fields[1::3], fields[2::3], strict=False)
    return [Match(path, int(line), text) for path, line, text in records if line.isdigit()]


def apply(runtime: Runtime, repo: str, edits: Sequence[FileEdit]) -> UndoRecord:
    """Write the edits (unlink, then write: checkpoints are hard links) and return how to undo them.

    Raises ValueError for a path outside the tree, before anything is written. When a write fails, what
    was written is put back and the error goes on.
    """
    for edit in edits:
        inside_path(repo, edit.path)
    before: list[FileEdit] = []
    try:
        for edit in edits:
            before.insert(0, FileEdit(edit.path, _content(runtime, inside_path(repo, edit.path))))
            _put(runtime, repo, edit)
    except (SandboxError, OSError, ValueError):
        undo(runtime, repo, UndoRecord(tuple(before)))
        raise
    return UndoRecord(tuple(before))


def undo(runtime: Runtime, repo: str, record: UndoRecord) -> None:
    """Put back what `apply` replaced."""
    for edit in record.before:
        _put(runtime, repo, edit)


def _put(runtime: Runtime, repo: str, edit: FileEdit) -> None:
    path = inside_path(repo, edit.path)
    if edit.content is None:
        runtime.remove(path)
    else:
        runtime.write(path, edit.content)


def _content(runtime: Runtime, path: str) -> bytes | None:
    try:
        return runtime.read(path)
    except FileNotFoundError:
        return None
