"""Which versions of its autonomy a repository has: the base branch's, which rules, and the working tree's,
which may only ask for more.

Which branch a change is for is said by `--base-ref` (or AGENT_BASE_REF), else by the CI system's variable;
else it is the commit that is checked out. A base that is named and not here asks for more than most would.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
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

_OWN = re.compile(r"(HEAD|FETCH_HEAD|@)([~^@:]|$)")
"""Names that this repository's git keeps itself."""


@dataclass(frozen=True)
class Versions:
    """What a repository says of autonomy. base_name: the version that rules, in words; base, tree: what its
    file asks for there and in the working tree, None without a file; base_pyproject: its pyproject.toml;
    branch: which a change is for, "" where nothing says so; problem: why the base is not known; tree_problem:
    why the working tree's file is not read though something is there."""

    base_name: str = ""
    base: Asks | None = None
    base_pyproject: bytes | None = None
    tree: Asks | None = None
    branch: str = ""
    problem: str = ""
    tree_problem: str = ""


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
    tree, tree_problem = _of_tree(root)
    found = Versions(tree=tree, tree_problem=tree_problem)
    return found if git_dir is None else _with_base(found, git_dir, base_ref)


def _with_base(known: Versions, git_dir: Path, base_ref: str | None) -> Versions:
    """What is known of the working tree, and what the base says."""
    told = _told_by_ci(os.environ)
    base_ref = base_ref or os.environ.get(VARIABLE)
    wanted = base_ref or told
    names = _names_of(wanted, exactly=bool(base_ref)) if wanted else ("HEAD",)
    branch = told or (base_ref if base_ref and _is_branch(git_dir, base_ref) else current_branch(git_dir))
    known = replace(known, branch=branch)
    commit = commit_named(git_dir, *names)
    if not commit:
        if base_ref:
            raise UsageError(
                f"--base-ref {plain_line(base_ref, 100)}: no such commit here; {_fetch(base_ref)}"
            )
        if told:
            problem = f"the base branch {plain_line(told, 100)} is not here; {_fetch(told)}"
            return replace(known, base=_strictest(), problem=problem)
        return known  # no commit yet
    name = f"{plain_line(wanted or 'HEAD', 100)} ({commit[:12]})"
    try:
        found = read_committed(git_dir, commit, (FILE, PYPROJECT), toml.MAX_BYTES)
    except GitError as error:
        problem = f"the base {name} cannot be read: {plain_line(str(error))}; {_fetch(wanted or 'HEAD')}"
        return replace(known, base=_strictest(), problem=problem)
    known = replace(known, base_name=name, base_pyproject=found.files.get(PYPROJECT))
    if FILE in found.odd:
        problem = f"{FILE} of {name} is read through no link, and only as a file; commit it as a plain file"
        return replace(known, base=_strictest(), problem=problem)
    if FILE in found.larger:
        raise UsageError(f"{FILE} of {name} is larger than {MOST_BYTES // 1024} KB; make it shorter")
    data = found.files.get(FILE)
    return replace(known, base=None if data is None else parse(data, f"{FILE} of {name}"))


def _told_by_ci(environment: Mapping[str, str]) -> str:
    return next((name for each in CI_VARIABLES if (name := environment.get(each, "").strip())), "")


def _names_of(wanted: str, *, exactly: bool) -> tuple[str, ...]:
    """A branch goes before whatever else has its name, as a tag, that of the remote before a local one. What
    a CI system names is a branch; a person (`exactly`) may mean any commit."""
    branches = f"refs/remotes/origin/{wanted}", f"refs/heads/{wanted}"
    if not exactly:
        return branches
    if _OWN.match(wanted):  # and not what the remote calls its HEAD
        return (wanted,)
    return (*branches, f"refs/remotes/{wanted}", wanted)


def _is_branch(git_dir: Path, name: str) -> bool:
    return bool(commit_named(git_dir, f"refs/heads/{name}", f"refs/remotes/origin/{name}"))


def _fetch(wanted: str) -> str:
    shown = plain_line(wanted, 100)
    return f"fetch it: git fetch --depth=1 origin +refs/heads/{shown}:refs/remotes/origin/{shown}"


def _strictest() -> Asks:
    """Of a base that is not known: beyond a draft nothing passes by one person's word."""
    return Asks(
        "the base, whose rules are not known here", tuple((e, Confirmation.MULTI_PARTY) for e in BY_PATH)
    )


def _of_tree(root: Path) -> tuple[Asks | None, str]:
    """What the working tree's file asks for, or why it is not read: links and what is no file are not."""
    path = root / FILE
    odd = f"{FILE} of the working tree is read through no link, and only as a plain file: it does not count"
    if path.parent.is_symlink():
        return None, odd
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None, odd
            data = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            return None, odd
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    return parse(data, f"{FILE} of the working tree"), ""
