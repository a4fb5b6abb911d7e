"""Whether a patch is in a history, and whether it was taken back: by what commits change.

Runs git's plumbing on data; nothing of the repository runs. Changes are compared by `git patch-id --stable`,
which heeds neither line numbers nor white space.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.files import FileEdit
from tools.history import message_of
from tools.host_git import GitError, git

MOST_COMMITS = 500
"""Of those that touch the files of a patch, that are looked at: the newest."""

_PLAIN = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_LITERAL_PATHSPECS": "1"}
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b")


@dataclass(frozen=True)
class Landing:
    """A commit that brought a patch into the history, or took it back. time: when it was committed, seconds
    since the epoch (0: unknown)."""

    commit: str
    word: Literal["merged", "reverted"]
    time: float


def has_commit(git_dir: Path, commit: str) -> bool:
    """Whether the repository has this commit."""
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}", git_dir=git_dir, env=_PLAIN)
    except GitError:
        return False
    return True


def default_branch(git_dir: Path) -> str:
    """The branch that others see: the remote's default one where it is known, else what HEAD is on."""
    remote = "refs/remotes/origin/HEAD"
    return remote if has_commit(git_dir, remote) else "HEAD"


def patch_id(git_dir: Path, patch: bytes) -> str:
    """The id of a diff, "" for one that changes nothing. Raises GitError."""
    return git("patch-id", "--stable", git_dir=git_dir, stdin=patch).decode().partition(" ")[0]


def landings(
    git_dir: Path, branch: str, base: str, patch: bytes, edits: Sequence[FileEdit]
) -> tuple[Landing, ...]:
    """The commits on `branch` after `base` that make this patch, as far as its files go, or undo it; oldest
    first. One that leaves all of its files as its edits do has made it, with whatever else (work that was not
    committed yet). One that says it reverts such a commit, and touches its files, counts as undoing it.

    Merges are looked into, and are none themselves. Raises GitError.
    """
    wanted, paths = patch_id(git_dir, patch), [edit.path for edit in edits]
    if not wanted or not paths:
        return ()
    listed = git(
        "rev-list", "--no-merges", "--full-history", "--topo-order", f"--max-count={MOST_COMMITS}",
        branch, f"^{base}", "--", *paths, git_dir=git_dir, env=_PLAIN,
    )  # fmt: skip
    commits = listed.decode().split()[::-1]
    made = _ids(git_dir, commits, paths, undone=False)
    unmade = _ids(git_dir, commits, paths, undone=True)
    whole = _leaving(git_dir, commits, edits)
    found = list[Landing]()
    for commit in commits:
        time, message = message_of(git_dir, commit)
        undoes = {said[1] for said in _REVERTS.finditer(message)}
        word = _said_to_undo(found, undoes)
        if made.get(commit) == wanted or commit in whole:
            word = "merged"
        elif unmade.get(commit) == wanted:
            word = "reverted"
        if word is not None:
            found.append(Landing(commit, word, float(time)))
    return tuple(found)


def _said_to_undo(found: Sequence[Landing], undoes: set[str]) -> Literal["merged", "reverted"] | None:
    """What a commit makes of the patch that says it reverts these: to revert a revert is to bring it back."""
    for landing in reversed(found):
        if any(landing.commit.startswith(each) for each in undoes):
            return "reverted" if landing.word == "merged" else "merged"
    return None


def _ids(git_dir: Path, commits: Sequence[str], paths: Sequence[str], *, undone: bool) -> dict[str, str]:
    """The id of what each commit changes in these files, or of undoing that."""
    if not commits:
        return {}
    # The id covers the prefixes, and -R swaps them.
    swapped = ["-R", "--src-prefix=b/", "--dst-prefix=a/"]
    prefixes = swapped if undone else ["--src-prefix=a/", "--dst-prefix=b/"]
    diffs = git(
        "diff-tree", "--stdin", "-p", "-r", "--root", "--binary", "--no-ext-diff", "--no-textconv",
        "--no-renames", "--no-color", "-U3", "--diff-algorithm=myers", "-O/dev/null",
        *prefixes, "--", *paths,
        git_dir=git_dir, env=_PLAIN, stdin="".join(f"{each}\n" for each in commits).encode(),
    )  # fmt: skip
    ids = git("patch-id", "--stable", git_dir=git_dir, stdin=diffs).decode().splitlines()
    pairs = (line.split(" ", 1) for line in ids if " " in line)
    return {commit: found for found, commit in pairs}


def _leaving(git_dir: Path, commits: Sequence[str], edits: Sequence[FileEdit]) -> set[str]:
    """The commits that change every one of these files to what its edit makes of it."""
    if not commits:
        return set()
    algorithm = "sha256" if len(commits[0]) == 64 else "sha1"
    wanted = {edit.path: _blob_id(edit.content, algorithm, len(commits[0])) for edit in edits}
    listed = git(
        "diff-tree", "--stdin", "-r", "-z", "--root", "--raw", "--no-renames", "--no-abbrev", "--",
        *wanted, git_dir=git_dir, env=_PLAIN, stdin="".join(f"{each}\n" for each in commits).encode(),
    )  # fmt: skip
    found: dict[str, dict[str, str]] = {}
    commit, fields = "", iter(listed.split(b"\0"))
    for field in fields:
        if field.startswith(b":"):
            found[commit][os.fsdecode(next(fields, b""))] = field.split()[3].decode()
        elif field:
            commit = field.decode().strip()
            found[commit] = {}
    return {commit for commit, after in found.items() if after == wanted}


def _blob_id(content: bytes | None, algorithm: str, digits: int) -> str:
    """As git names it; zeros for a file that is removed."""
    if content is None:
        return "0" * digits
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()
