"""`python -m sandboxes.setup`: an engine and a base image, made ready. Run again, it only looks.

Exit code 0, or 20 with one line that says what is missing.
"""

from __future__ import annotations

import sys

from sandboxes.docker import reap_orphans
from sandboxes.engine import ensure_engine
from sandboxes.images import ensure_base
from sandboxes.interface import ImageError, SandboxError

_INFRASTRUCTURE = 20


def main() -> int:
    """Set up and say so; returns the exit code."""
    try:
        client = ensure_engine(_say)
        for name in reap_orphans(client):
            _say(f"removed {name}, left by a process that is gone")
        base = ensure_base(client, _say)
    except ImageError as error:
        print(error.tail, file=sys.stderr, end="")
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    except SandboxError as error:
        print(f"sandboxes: {error}", file=sys.stderr)
        return _INFRASTRUCTURE
    _say(f"ready: engine {client.version()['Version']}, base image {base}")
    return 0


def _say(line: str) -> None:
    print(f"sandboxes: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
