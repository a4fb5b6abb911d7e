"""`python -m sandboxes.setup [--every-backend]`: an engine and a base image, made ready.

Run again, it only looks. With `--every-backend` bubblewrap is made ready, too, as the tests of this project
need it. Exit code 0, or 20 with one line that says what is missing.
"""

from __future__ import annotations

import shutil
import sys

from packaging.specifiers import SpecifierSet

from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.docker_backend import DockerBackend
from sandboxes.engine import ensure_engine
from sandboxes.host import apt_install, may_install
from sandboxes.interface import ImageError, SandboxError

_INFRASTRUCTURE = 20


def main() -> int:
    """Set up and say so; returns the exit code."""
    try:
        backend = DockerBackend(ensure_engine(_say))
        for name in backend.reap():
            _say(f"removed {name}, left by a process that is gone")
        base = backend.base(SpecifierSet(), _say)
        if "--every-backend" in sys.argv[1:]:
            _make_bubblewrap_ready()
    except ImageError as error:
        print(error.tail, file=sys.stderr, end="")
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    except SandboxError as error:
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    _say(f"ready: {backend.description}, base image {base}")
    return 0


def _make_bubblewrap_ready() -> None:
    """Raises SandboxError where it cannot be used."""
    if shutil.which("bwrap") is None and may_install("bubblewrap", _say):
        apt_install("bubblewrap")
    BubblewrapBackend().base(SpecifierSet(), _say)


def _say(line: str) -> None:
    print(f"sandboxes: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
