"""Git on the host, closed against the repository: no hook, filter, monitor or attribute of it can run.

Plumbing commands only, with an empty configuration. Where the repository's own git folder is not needed,
an empty bare one of ours is used instead.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

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


class GitError(RuntimeError):
    """A git command failed; the message is its own last line."""


def git(
    *arguments: str,
    git_dir: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
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
        raise GitError("git is not installed; install it (for example: apt-get install git)") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} did not end within {timeout:.0f} s") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(lines[-1] if lines else f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout


def empty_git_dir(folder: Path) -> Path:
    """An empty bare git folder of ours below `folder`, holding no configuration of anyone else."""
    git_dir = folder / "trusted.git"
    if not git_dir.exists():
        (git_dir / "objects").mkdir(parents=True)
        (git_dir / "refs").mkdir()
        (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
        (git_dir / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return git_dir
