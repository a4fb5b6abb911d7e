"""The history of a repository as data: its commits, their trees, and where between them a test began to fail.

Read through plumbing commands that run nothing of the repository. Subjects of commits are untrusted text.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tools.base import MAX_FILE_BYTES, Base, BaseFile
from tools.host_git import GitError, common_dir, git
from tools.plain import plain_line

MOST_COMMITS = 1000
"""Of the history, that are looked at: a test that fails for longer is no news."""

MOST_UNTOLD = 4
"""Trees in which the test could not be run, after which the search gives up: older ones hardly differ."""

MOST_CHANGED_BYTES = 64 * 2**20
MOST_COMMIT_BYTES = 2**20
MOST_SUBJECT = 120

_REAL = {"GIT_NO_REPLACE_OBJECTS": "1"}
"""Objects as they are, not what the repository would have them replaced by."""

_COMMITTER = re.compile(rb"^committer [^\n]*> (\d{1,11}) ", re.MULTILINE)


@dataclass(frozen=True)
class Commit:
    """A commit: its id, the day it was committed (UTC, YYYY-MM-DD, "" for unknown), and its subject, on one
    line, neutralised."""

    id: str
    date: str
    subject: str


def commits_of(git_dir: Path, head: str, most: int = MOST_COMMITS) -> tuple[str, ...]:
    """Ids of `head` and its first parents, newest first, at most `most`. Raises GitError."""
    found = git("rev-list", "--first-parent", f"--max-count={most}", head, "--", git_dir=git_dir, env=_REAL)
    return tuple(found.decode().split())


def is_shallow(git_dir: Path) -> bool:
    """Whether the history was cut off where it was cloned."""
    return (common_dir(git_dir) / "shallow").is_file()


def message_of(git_dir: Path, commit: str) -> tuple[int, str]:
    """When it was committed (seconds since the epoch, 0 for unknown), and its message (untrusted); "" for one
    that is larger than MOST_COMMIT_BYTES. Raises GitError."""
    if int(git("cat-file", "-s", commit, git_dir=git_dir, env=_REAL)) > MOST_COMMIT_BYTES:
        return 0, ""
    head, _, message = git("cat-file", "commit", commit, git_dir=git_dir, env=_REAL).partition(b"\n\n")
    when = _COMMITTER.search(head)
    return int(when[1]) if when else 0, message.decode("utf-8", "replace")


def commit_named(git_dir: Path, commit: str) -> Commit:
    """What there is to say of a commit. Raises GitError."""
    when, message = message_of(git_dir, commit)
    subject = plain_line(message.strip().split("\n")[0], MOST_SUBJECT)
    return Commit(commit, time.strftime("%Y-%m-%d", time.gmtime(when)) if when else "", subject)


@dataclass(frozen=True)
class OldTree:
    """What makes the tree of a commit out of the base: files to write, and paths to remove before."""

    files: Mapping[str, BaseFile]
    gone: tuple[str, ...]


def old_tree(base: Base, commit: str, keep: Callable[[str], bool]) -> OldTree:
    """The tree of `commit` with those files of the base laid over it that `keep` names. Submodules are left
    out. Raises GitError, also for a tree that differs by more than MOST_CHANGED_BYTES."""
    assert base.git_dir is not None
    then = {each.path: each for each in _entries(base.git_dir, commit) if not keep(each.path)}
    changed = [each for path, each in then.items() if not _same(base.files.get(path), each)]
    if sum(each.size for each in changed) > MOST_CHANGED_BYTES:
        raise GitError("the tree differs by too much to be looked at")
    gone = [path for path in base.files if path not in then and not keep(path)]
    folders = {str(above) for path in base.files for above in PurePosixPath(path).parents}
    gone += [each.path for each in changed if each.path in folders]  # a file where a folder is now
    blobs = _blobs(base.git_dir, [each.blob for each in changed])
    files = {each.path: BaseFile(each.mode, data) for each, data in zip(changed, blobs, strict=True)}
    return OldTree(files, tuple(gone))


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    mode: str
    blob: str
    size: int


def _entries(git_dir: Path, commit: str) -> Iterator[_Entry]:
    listed = git("ls-tree", "-r", "-z", "-l", "--full-tree", commit, git_dir=git_dir, env=_REAL)
    for record in listed.split(b"\0"):
        about, _, name = record.partition(b"\t")
        path = os.fsdecode(name)
        parts = path.split("/")
        if not path or ".." in parts or any(part.lower() == ".git" for part in parts):
            continue
        mode, kind, blob, size = about.decode().split()
        if kind == "blob" and int(size) <= MAX_FILE_BYTES:
            yield _Entry(path, mode, blob, int(size))


def _same(now: BaseFile | None, then: _Entry) -> bool:
    if now is None or now.mode != then.mode or len(now.data) != then.size:
        return False
    algorithm = "sha256" if len(then.blob) == 64 else "sha1"
    return hashlib.new(algorithm, b"blob %d\0" % len(now.data) + now.data).hexdigest() == then.blob


def _blobs(git_dir: Path, ids: Sequence[str]) -> list[bytes]:
    """Contents of these blobs. Raises GitError for one that is not there (as in a partial clone)."""
    if not ids:
        return []
    asked = "".join(f"{each}\n" for each in ids).encode()
    output = git("cat-file", "--batch", git_dir=git_dir, env=_REAL, stdin=asked)
    found, at = list[bytes](), 0
    for each in ids:
        line = output[at : output.index(b"\n", at)]
        if not line.startswith(f"{each} blob ".encode()):
            raise GitError(f"blob {each[:12]} is not there")
        start = at + len(line) + 1
        size = int(line.split()[2])
        found.append(output[start : start + size])
        at = start + size + 1
    return found


class Enough(Exception):
    """Raised by a probe that must not look any more: its time is up."""


@dataclass
class Search:
    """Where among commits, newest first, a test began to fail. Positions count from 0; -1 is the tree as it
    is, with what is not committed.

    bad: the oldest position that is known to fail; good: the newest beyond it that passes, None where none
    was found. told: what each look said (None: the test could not be run there). complete: the search came to
    its own end.
    """

    bad: int
    good: int | None = None
    told: dict[int, bool | None] = field(default_factory=dict)
    complete: bool = False

    @property
    def suspects(self) -> tuple[int, ...]:
        """The positions among which the one is that broke it; none where it was not seen to pass."""
        return () if self.good is None else tuple(range(self.bad, self.good))

    @property
    def untold(self) -> int:
        """Looks that told nothing."""
        return sum(said is None for said in self.told.values())


def search(count: int, probe: Callable[[int], bool | None], dirty: bool) -> Search:
    """Look for the boundary: backwards in steps that double until the test passes, then by halves.

    count: how many commits there are; dirty: the failing tree is not the first of them, which is looked at,
    too. `probe` says whether the test passes at a position, None where that cannot be told; it may raise
    Enough. Doubling first, as breaks are mostly recent and old trees run less and less in an environment of
    today. A history in which the test passes and fails in turns yields one of its boundaries.
    """
    found = Search(-1 if dirty else 0)
    try:
        _back(found, count, probe)
        _halve(found, probe)
        found.complete = True
    except Enough:
        pass
    return found


def _back(found: Search, count: int, probe: Callable[[int], bool | None]) -> None:
    at, stride = found.bad + 1, 1
    while at < count and found.good is None and found.untold < MOST_UNTOLD:
        _look(found, at, probe)
        if at == count - 1:
            break
        at, stride = min(at + stride, count - 1), 2 * stride


def _halve(found: Search, probe: Callable[[int], bool | None]) -> None:
    while found.good is not None and found.untold < MOST_UNTOLD:
        middle = (found.bad + found.good) / 2
        open_ = [at for at in range(found.bad + 1, found.good) if at not in found.told]
        if not open_:
            break
        _look(found, min(open_, key=lambda at: abs(at - middle)), probe)


def _look(found: Search, at: int, probe: Callable[[int], bool | None]) -> None:
    said = found.told[at] = probe(at)
    if said is True:
        found.good = at
    elif said is False:
        found.bad = at
