"""What the command line looks at first: a repository's `pyproject.toml`, a named Dockerfile."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UsageError
from agent.settings import Resolved


def pyproject_of(folder: Path) -> bytes | None:
    """The pyproject.toml of the repository that holds the folder. Raises UsageError when unreadable."""
    root = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
    path = root / "pyproject.toml"
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None


def check_dockerfile(resolved: Resolved) -> None:
    """Raises UsageError for a Dockerfile that is not there."""
    named = resolved.sandbox.dockerfile
    if named and not Path(named).is_file():
        raise UsageError(f"{named} is not a file; name a Dockerfile or a devcontainer.json")
