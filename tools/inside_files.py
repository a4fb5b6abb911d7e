"""Our own files that run inside a sandbox, read from this installation."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def _load() -> tuple[tuple[str, bytes], ...]:
    found: list[tuple[str, bytes]] = []
    _collect(files("tools") / "inside", "", found)
    return tuple(sorted(found))


def _collect(folder: Traversable, prefix: str, found: list[tuple[str, bytes]]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif entry.name.endswith(".py"):
            found.append((prefix + entry.name, entry.read_bytes()))


def inside_files() -> dict[str, bytes]:
    """Name relative to `sandboxes.interface.INSIDE` -> source bytes, for `Runtime.install_inside`."""
    return dict(_load())
