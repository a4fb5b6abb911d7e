"""What set-up may do to this host: run a program with its output followed, install packages by apt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from sandboxes.interface import SandboxError

Progress = Callable[[str], None]
_TAIL_LINES = 40


class ProgramFailed(SandboxError):
    """A program of set-up failed; `tail` holds the end of its output."""

    def __init__(self, message: str, tail: str) -> None:
        super().__init__(message)
        self.tail = tail


def quiet(_line: str) -> None:
    """A Progress that shows nothing."""


def run_program(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run to the end and return the last lines of output. Raises ProgramFailed for any exit code but 0."""
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise ProgramFailed(f"{argv[0]} cannot be run: {error}", "") from error
    with process:
        assert process.stdout is not None
        tail.extend(process.stdout)
    if process.returncode != 0:
        raise ProgramFailed(f"{argv[0]} ended with exit code {process.returncode}", "".join(tail))
    return "".join(tail)


def can_install() -> bool:
    """Whether set-up could install packages: root, a Debian family, not forbidden."""
    forbidden = os.environ.get("NO_SYSTEM_INSTALL", "") not in ("", "0")
    return os.getuid() == 0 and shutil.which("apt-get") is not None and not forbidden


def may_install(package: str, progress: Progress) -> bool:
    """Ask on a terminal; without one say so and go on. False where installing is impossible or refused."""
    if not can_install():
        return False
    if sys.stdin.isatty() and sys.stdout.isatty():
        return input(f"Install {package} with apt-get now? [Y/n] ").strip().lower() in ("", "y", "yes")
    progress(f"installing {package} with apt-get (NO_SYSTEM_INSTALL=1 forbids it)")
    return True


def apt_install(package: str) -> None:
    """Install a package of the distribution. Raises ProgramFailed when apt-get does."""
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    try:
        run_program(command, environment)
    except ProgramFailed:
        # The package lists may be missing or older than the mirror.
        run_program(["apt-get", "update"], environment)
        run_program(command, environment)
