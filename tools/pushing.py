"""A patch pushed as a commit on a branch of a remote, without a checkout: no file of the repository is made
outside of git's own objects, and none of its hooks, filters, attributes or settings is there to run.

The token is in the environment of git alone: in no argument, address, file or message.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.host_git import GitError, empty_git_dir, git
from tools.patch import unsafe_path
from tools.plain import plain_line

SECONDS = 600.0
"""Of one exchange with the remote."""

_REFUSED = (
    "authentication failed", "could not read username", "returned error: 401", "returned error: 403",
    "returned error: 404", "not found", "does not appear to be a git repository", "does not exist",
    "unable to update url base from redirection", "returned error: 30",
    "[rejected]", "[remote rejected]", "not our ref", "not a valid object name",
)  # fmt: skip
"""What git says where trying again changes nothing."""

_PASSED_ON = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO")


class PushError(RuntimeError):
    """Nothing was pushed. refused: for a reason that stays; otherwise it may go well another time."""

    def __init__(self, message: str, *, refused: bool) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class Remote:
    """Where to push, as whom. url: https, http of this machine, or a file's."""

    url: str
    user: str = ""
    token: str = field(default="", repr=False)

    def environment(self) -> dict[str, str]:
        """Of a git that may talk to it and to nothing else."""
        scheme = self.url.partition("://")[0]
        settings = {
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "100",
            "http.lowSpeedTime": "60",
            "credential.helper": "",
            "gc.auto": "0",
            "maintenance.auto": "false",
        }
        if self.token and scheme != "file":
            both = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {both}"
        numbered = {
            f"GIT_CONFIG_{part}_{number}": each
            for number, pair in enumerate(settings.items())
            for part, each in zip(("KEY", "VALUE"), pair, strict=True)
        }
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if "SSL_CERT_FILE" in os.environ:
            kept.setdefault("GIT_SSL_CAINFO", os.environ["SSL_CERT_FILE"])
        count = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_ALLOW_PROTOCOL": scheme}
        return {**kept, **numbered, **count}


@dataclass(frozen=True)
class Pushed:
    """The commit on the branch. new: it was not there before."""

    commit: str
    new: bool


def push_patch(
    remote: Remote, parent: str, patch: bytes, branch: str, message: str, author: tuple[str, str]
) -> Pushed:
    """Put `parent` + patch on a new branch of the remote. One that has the same tree upon the same parent is
    what was wanted, whoever pushed it. Raises PushError; nothing is ever forced."""
    with tempfile.TemporaryDirectory(prefix="marginal-agent-") as scratch:
        git_dir = empty_git_dir(Path(scratch))
        _fetch(remote, git_dir, parent)
        tree = _patched(git_dir, parent, patch)
        if there := _tip(remote, git_dir, branch):
            return _same(remote, git_dir, branch, there, tree, parent)
        name, email = author
        identity = {
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email,
        }  # fmt: skip
        made = git("commit-tree", tree, "-p", parent, "-m", message, git_dir=git_dir, env=identity)
        commit = made.decode().strip()
        try:
            _talk(remote, git_dir, "push", "--no-verify", remote.url, f"{commit}:refs/heads/{branch}")
        except PushError:
            if there := _tip(remote, git_dir, branch):  # another job was quicker
                return _same(remote, git_dir, branch, there, tree, parent)
            raise
        return Pushed(commit, new=True)


def _fetch(remote: Remote, git_dir: Path, what: str) -> None:
    """One commit with its tree, without its history."""
    options = ("--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet")
    _talk(remote, git_dir, "fetch", *options, remote.url, what)


def _tip(remote: Remote, git_dir: Path, branch: str) -> str:
    """The commit that a branch of the remote ends at, or ""."""
    name = f"refs/heads/{branch}"
    found = _talk(remote, git_dir, "ls-remote", remote.url, name).decode("utf-8", "replace")
    tips = (line.split("\t") for line in found.splitlines())
    return next((tip for tip, other in tips if other == name), "")


def _same(remote: Remote, git_dir: Path, branch: str, tip: str, tree: str, parent: str) -> Pushed:
    _fetch(remote, git_dir, tip)
    said = git("cat-file", "commit", tip, git_dir=git_dir).partition(b"\n\n")[0].decode("utf-8", "replace")
    if re.findall(r"^(?:tree|parent) (\w+)$", said, re.MULTILINE) != [tree, parent]:
        what = "it has a branch of this name with something else on it"
        raise PushError(f"{remote.url}: {branch}: {what}; remove or rename that", refused=True)
    return Pushed(tip, new=False)


def _patched(git_dir: Path, parent: str, patch: bytes) -> str:
    """The tree of a commit with the patch, which may touch only files that a fix may touch."""
    index = {"GIT_INDEX_FILE": str(git_dir / "index")}
    try:
        git("read-tree", parent, git_dir=git_dir, env=index)
        git("apply", "--cached", "--whitespace=nowarn", "-", git_dir=git_dir, env=index, stdin=patch)
        tree = git("write-tree", git_dir=git_dir, env=index).decode().strip()
        before = f"{parent}^{{tree}}"
        raw = git("diff-tree", "-r", "-z", "--raw", "--no-renames", before, tree, git_dir=git_dir)
    except GitError as error:
        why = f"the patch does not fit commit {parent[:12]} ({plain_line(str(error))})"
        mend = "it builds on work that is not committed: commit that, or take the patch file"
        raise PushError(f"{why}; {mend}", refused=True) from error
    records = raw.decode("utf-8", "surrogateescape").split("\0")[:-1]
    for about, path in zip(records[::2], records[1::2], strict=True):
        problem = unsafe_path(path)
        if problem is None and not {*about.lstrip(":").split(" ")[:2]} <= {"000000", "100644", "100755"}:
            problem = "is no plain file"
        if problem is not None:
            raise PushError(f"the patch changes {plain_line(path)!r}, which {problem}", refused=True)
    return tree


def _talk(remote: Remote, git_dir: Path, *arguments: str) -> bytes:
    environment: Mapping[str, str] = remote.environment()
    try:
        return git(*arguments, git_dir=git_dir, env=environment, timeout=SECONDS)
    except GitError as error:
        refused = any(word in error.said.lower() for word in _REFUSED)
        raise PushError(f"{remote.url}: {_why(error.said)}", refused=refused) from error


def _why(said: str) -> str:
    """What git and the remote say, without the lines that say nothing."""
    empty = ("error: failed to push some refs", "hint:", "To ", "remote: \n")
    lines = [plain_line(line) for line in said.splitlines()]
    told = [line for line in lines if line and line != "remote:" and not line.startswith(empty)]
    return plain_line("; ".join(told or lines[-1:]), 400)
