"""Which versions of its autonomy a repository has: the base branch's, which rules, and the working tree's,
which may only ask for more.

Which branch a change is for is said by `--base-ref` (or AGENT_BASE_REF), else by the CI system's variable;
else it is the commit that is checked out. A base that is named and not here asks for more than most would.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.autonomy.form import FILE, MOST_BYTES, Asks, parse
from agent.errors import UsageError
from policies.autonomy import BY_PATH, Confirmation
from sandboxes import toml
from tools.committed import commit_named, current_branch, read_committed
from tools.host_git import GitError, find_repository
from tools.plain import plain_line

VARIABLE = "AGENT_BASE_REF"
CI_VARIABLES = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
"""In which CI systems name the branch that a change is for; empty where there is none."""

PYPROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Versions:
    """What a repository says of autonomy. base_name: the version that rules, in words; base, tree: what its
    file asks for there and in the working tree, None without a file; base_pyproject: its pyproject.toml;
    branch: which a change is for, "" where nothing says so; problem: why the base is not known."""

    base_name: str = ""
    base: Asks | None = None
    base_pyproject: bytes | None = None
    tree: Asks | None = None
    branch: str = ""
    problem: str = ""


NO_VERSIONS = Versions()


def versions_of(folder: Path, base_ref: str | None = None) -> Versions:
    """What the repository that holds the folder says, without running anything of it.

    Raises UsageError for a `base_ref` that is not here and for a file that is not in order.
    """
    try:
        root, git_dir = find_repository(folder)
    except GitError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the git folder of {folder} cannot be read: {error.strerror or error}") from None
    tree = _of_tree(root)
    if git_dir is None:
        return Versions(tree=tree)
    told = _told_by_ci(os.environ)
    base_ref = base_ref or os.environ.get(VARIABLE)
    wanted = base_ref or told
    names = _names_of(wanted, exactly=bool(base_ref)) if wanted else ("HEAD",)
    branch = told or (base_ref if base_ref and _is_branch(git_dir, base_ref) else current_branch(git_dir))
    commit = commit_named(git_dir, *names)
    if not commit:
        if base_ref:
            raise UsageError(
                f"--base-ref {plain_line(base_ref, 100)}: no such commit here; {_fetch(base_ref)}"
            )
        if told:
            problem = f"the base branch {plain_line(told, 100)} is not here; {_fetch(told)}"
            return Versions(tree=tree, branch=branch, base=_strictest(), problem=problem)
        return Versions(tree=tree, branch=branch)  # no commit yet
    name = f"{plain_line(wanted or 'HEAD', 100)} ({commit[:12]})"
    try:
        found = read_committed(git_dir, commit, (FILE, PYPROJECT), toml.MAX_BYTES)
    except GitError as error:
        problem = f"the base {name} cannot be read: {plain_line(str(error))}; {_fetch(wanted or 'HEAD')}"
        return Versions(tree=tree, branch=branch, base=_strictest(), problem=problem)
    if FILE in found.larger:
        raise UsageError(f"{FILE} of {name} is larger than {MOST_BYTES // 1024} KB; make it shorter")
    data = found.files.get(FILE)
    base = None if data is None else parse(data, f"{FILE} of {name}")
    return Versions(name, base, found.files.get(PYPROJECT), tree, branch)


def _told_by_ci(environment: Mapping[str, str]) -> str:
    return next((name for each in CI_VARIABLES if (name := environment.get(each, "").strip())), "")


def _names_of(wanted: str, *, exactly: bool) -> tuple[str, ...]:
    """What a CI system names is a branch of the remote; a person may mean any commit."""
    remote, local = f"refs/remotes/origin/{wanted}", f"refs/heads/{wanted}"
    return (wanted, remote) if exactly else (remote, local)


def _is_branch(git_dir: Path, name: str) -> bool:
    return bool(commit_named(git_dir, f"refs/heads/{name}", f"refs/remotes/origin/{name}"))


def _fetch(wanted: str) -> str:
    shown = plain_line(wanted, 100)
    return f"fetch it: git fetch --depth=1 origin +refs/heads/{shown}:refs/remotes/origin/{shown}"


def _strictest() -> Asks:
    """Of a base that is not known: beyond a draft nothing passes by one person's word."""
    return Asks(
        "the base branch, which is not known here", tuple((e, Confirmation.MULTI_PARTY) for e in BY_PATH)
    )


def _of_tree(root: Path) -> Asks | None:
    """What the working tree's file asks for. Links and what is no file do not count: they are not read."""
    path = root / FILE
    if path.parent.is_symlink():
        return None
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR):
            return None
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    return parse(data, f"{FILE} of the working tree")
