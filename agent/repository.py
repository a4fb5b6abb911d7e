"""What the command line reads of a repository before anything else: its `pyproject.toml`, as bytes."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UsageError


def pyproject_of(folder: Path) -> bytes | None:
    """The pyproject.toml of the repository that holds the folder. Raises UsageError when unreadable."""
    root = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
    path = root / "pyproject.toml"
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
