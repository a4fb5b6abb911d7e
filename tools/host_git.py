"""Git on the host, closed against the repository: no hook, filter, monitor or attribute of it can run.

Plumbing commands only, with an empty configuration. Where the repository's own git folder is not needed,
an empty bare one of ours is used instead. Where a repository lies is found without git: its configuration
could name any folder of the host as its tree.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from configparser import Error as ConfigParserError
from pathlib import Path

from git.config import GitConfigParser

_CLOSED = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "diff.ignoreSubmodules=all",
    "-c",
    "safe.directory=*",
    "-c",
    "core.quotePath=true",
)


_LINK_BYTES = 8192
_MISSING = "git is not installed; install it (for example: apt-get install git)"


class GitError(RuntimeError):
    """A git command failed; the message is its own last line, `said` all of them."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said or message


def find_repository(folder: Path) -> tuple[Path, Path | None]:
    """The top folder and the git folder of the repository that holds `folder`; (`folder`, None) outside git.

    Raises GitError for a bare repository.
    """
    start = folder.resolve()
    for top in (start, *start.parents):
        git_dir = _linked(top / ".git")
        if _is_git_dir(git_dir):
            return top, git_dir.resolve()
        if _is_git_dir(top):
            raise GitError(f"{folder} is a bare repository; check it out first")
    return start, None


def common_dir(git_dir: Path) -> Path:
    """What the worktrees of a repository share: the git folder itself, but for an added worktree."""
    shared = git_dir / "commondir"
    return (git_dir / _first_line(shared)).resolve() if shared.is_file() else git_dir


def _linked(path: Path) -> Path:
    """A git folder, or what the file in its place (worktrees, submodules) names."""
    line = _first_line(path) if path.is_file() else ""
    return path.parent / line.removeprefix("gitdir: ") if line.startswith("gitdir: ") else path


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return os.fsdecode(stream.read(_LINK_BYTES).split(b"\n")[0])


def _is_git_dir(path: Path) -> bool:
    shared = path / "commondir"
    return (path / "HEAD").is_file() and (
        shared.is_file() or ((path / "objects").is_dir() and (path / "refs").is_dir())
    )


def git(
    *arguments: str,
    git_dir: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 60,
) -> bytes:
    """Run one plumbing command against `git_dir`; returns its output. Raises GitError."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
        **(env or {}),
    }
    try:
        done = subprocess.run(
            ["git", *_CLOSED, f"--git-dir={git_dir}", *arguments],
            input=stdin,
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise GitError(_MISSING) from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} did not end within {timeout:.0f} s") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        lines = said.splitlines()
        raise GitError(lines[-1] if lines else f"git {arguments[0]} ended with {done.returncode}", said)
    return done.stdout


def user_setting(name: str, *options: str) -> str:
    """A setting of the user's own global configuration, which our closed git does not see, or "".

    Raises GitError.
    """
    command = ["git", "config", "--global", *options, name]
    try:
        done = subprocess.run(command, capture_output=True, check=False, cwd="/")
    except FileNotFoundError:
        raise GitError(_MISSING) from None
    return done.stdout.decode("utf-8", "replace").strip()


def author(git_dir: Path) -> tuple[str, str]:
    """Name and address for a commit: those the repository names, else the user's own, else ours."""
    config = common_dir(git_dir) / "config"
    local = _without_includes(config) if config.is_file() else {}
    names = [
        local.get(name) or user_setting(f"user.{name}") or ours
        for name, ours in (("name", "marginal-agent"), ("email", "agent@localhost"))
    ]
    return names[0], names[1]


def _without_includes(config: Path) -> dict[str, str]:
    """The section `user` of a repository's configuration, as text: files it includes could be anything."""
    try:
        with GitConfigParser(config, read_only=True, merge_includes=False) as reader:
            pairs = reader.items("user") if reader.has_section("user") else ()
            return {name: str(value) for name, value in pairs}
    except (OSError, ValueError, ConfigParserError):
        return {}


def empty_git_dir(folder: Path) -> Path:
    """An empty bare git folder of ours below `folder`, holding no configuration of anyone else."""
    git_dir = folder / "trusted.git"
    if not git_dir.exists():
        (git_dir / "objects").mkdir(parents=True)
        (git_dir / "refs").mkdir()
        (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
        (git_dir / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return git_dir
