"""Files of a commit, read from git's objects: nothing is checked out, and no hook, filter, attribute or
replacement of the repository acts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tools.host_git import GitError, git

_SINGLE = {"GIT_NO_REPLACE_OBJECTS": "1"}
_REGULAR = (b"100644", b"100755")
_ELSEWHERE = (b"120000", b"160000")
"""A link and a submodule: what seems to lie below is not of this commit."""

_REF = re.compile(r"[^-\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]{0,249}", re.ASCII)


@dataclass(frozen=True)
class Committed:
    """Files of a commit. commit: its id; files: contents by path, of those that are there; larger: those that
    were not read, as they are larger than was asked for; odd: those that are no regular files but a link, a
    folder or a submodule, or lie behind a link or a submodule, and were not read either."""

    commit: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    larger: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


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
    """These files of at most `max_bytes` as the commit has them; what is no regular file is not read.

    Raises GitError where objects are missing.
    """
    above = {str(each) for path in paths for each in PurePosixPath(path).parents} - {"."}
    wanted = (*paths, *sorted(above))
    listed = git("ls-tree", "-z", "-l", "--full-tree", commit, "--", *wanted, git_dir=git_dir, env=_SINGLE)
    files, larger, odd = dict[str, bytes](), list[str](), list[str]()
    for record in filter(None, listed.split(b"\0")):
        description, _, name = record.partition(b"\t")
        mode, _, blob, size = description.split()
        path = name.decode("utf-8", "replace")
        if path not in paths:
            odd += [each for each in paths if mode in _ELSEWHERE and each.startswith(f"{path}/")]
            continue
        if mode not in _REGULAR:
            odd.append(path)
            continue
        if not size.isdigit():
            raise GitError(f"{path} of commit {commit[:12]} is missing")
        if int(size) > max_bytes:
            larger.append(path)
            continue
        files[path] = git("cat-file", "blob", blob.decode(), git_dir=git_dir, env=_SINGLE)
    return Committed(commit, files, tuple(larger), tuple(odd))


def current_branch(git_dir: Path) -> str:
    """The branch that is checked out, or "" for a detached head."""
    try:
        found = git("symbolic-ref", "--quiet", "HEAD", git_dir=git_dir)
    except GitError:
        return ""
    # --short would say heads/main where a tag is named main, too
    return found.decode("utf-8", "replace").strip().removeprefix("refs/heads/")
