"""Files of a commit, read from git's objects: nothing is checked out, and no hook, filter, attribute or
replacement of the repository acts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.host_git import GitError, git

_SINGLE = {"GIT_NO_REPLACE_OBJECTS": "1"}
_REGULAR = (b"100644", b"100755")
_REF = re.compile(r"[^-\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]{0,249}", re.ASCII)


@dataclass(frozen=True)
class Committed:
    """Files of a commit. commit: its id; files: contents by path, of those that are there; larger: those that
    were not read, as they are larger than was asked for."""

    commit: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    larger: tuple[str, ...] = ()


def commit_named(git_dir: Path, *names: str) -> str:
    """The id of the commit that the first of these names has which there is, or ""."""
    for name in names:
        if not _REF.fullmatch(name):
            continue
        wanted = ("--end-of-options", f"{name}^{{commit}}")
        try:
            found = git("rev-parse", "--verify", "--quiet", *wanted, git_dir=git_dir, env=_SINGLE)
        except GitError:
            continue
        if commit := found.decode("ascii", "replace").strip().splitlines()[-1:]:
            return commit[0]
    return ""


def read_committed(git_dir: Path, commit: str, paths: tuple[str, ...], max_bytes: int) -> Committed:
    """These files of at most `max_bytes` as the commit has them; what is no regular file counts as not there.

    Raises GitError where objects are missing.
    """
    listed = git("ls-tree", "-z", "-l", "--full-tree", commit, "--", *paths, git_dir=git_dir, env=_SINGLE)
    files, larger = dict[str, bytes](), list[str]()
    for record in filter(None, listed.split(b"\0")):
        description, _, name = record.partition(b"\t")
        mode, kind, blob, size = description.split()
        path = name.decode("utf-8", "replace")
        if kind != b"blob" or mode not in _REGULAR or path not in paths:
            continue
        if not size.isdigit():
            raise GitError(f"{path} of commit {commit[:12]} is missing")
        if int(size) > max_bytes:
            larger.append(path)
            continue
        files[path] = git("cat-file", "blob", blob.decode(), git_dir=git_dir, env=_SINGLE)
    return Committed(commit, files, tuple(larger))


def current_branch(git_dir: Path) -> str:
    """The branch that is checked out, or "" for a detached head."""
    try:
        found = git("symbolic-ref", "--quiet", "--short", "HEAD", git_dir=git_dir)
    except GitError:
        return ""
    return found.decode("utf-8", "replace").strip()
