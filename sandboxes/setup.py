"""`python -m sandboxes.setup`: an engine and a base image, made ready. Run again, it only looks.

Exit code 0, or 20 with one line that says what is missing.
"""

from __future__ import annotations

import sys

from packaging.specifiers import SpecifierSet

from sandboxes.docker_backend import DockerBackend
from sandboxes.engine import ensure_engine
from sandboxes.interface import ImageError, SandboxError

_INFRASTRUCTURE = 20


def main() -> int:
    """Set up and say so; returns the exit code."""
    try:
        backend = DockerBackend(ensure_engine(_say))
        for name in backend.reap():
            _say(f"removed {name}, left by a process that is gone")
        base = backend.base(SpecifierSet(), _say)
    except ImageError as error:
        print(error.tail, file=sys.stderr, end="")
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    except SandboxError as error:
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    _say(f"ready: {backend.description}, base image {base}")
    return 0


def _say(line: str) -> None:
    print(f"sandboxes: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
