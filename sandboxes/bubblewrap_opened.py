"""Images in use, and root file systems that are none of the store."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sandboxes.interface import ImageError


@dataclass
class Opened:
    """An image in use. `base`: name of the image whose root it has; `env`: its ENV folder where that is not
    the root's; `lock`: a descriptor that keeps it from being removed until `close`."""

    digest: str
    root: Path
    base: str = ""
    env: Path | None = None
    lock: int = -1

    def close(self) -> None:
        """Let go of it."""
        lock, self.lock = self.lock, -1
        if lock >= 0:
            os.close(lock)


def open_folder(path: str) -> Opened:
    """A root file system that the user has. Raises ImageError."""
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise ImageError(f"'{path}' is no folder: without an engine, an image is a root file system's folder")
    if folder.samefile("/"):
        raise ImageError(f"'{path}' is this machine's own root, which is never shown to code under repair")
    if not any(os.path.lexists(folder / each / "python3") for each in ("usr/local/bin", "usr/bin", "bin")):
        raise ImageError(f"'{path}' has no python3; the sandbox needs one")
    return Opened(f"metadata:{_metadata_digest(folder)}", folder)


def _metadata_digest(folder: Path) -> str:
    """Hash of names, modes, sizes, times and link targets, which is quick, and misses only what hides."""
    found = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = f"{place}/{name}"
            state = os.lstat(path)
            target = os.readlink(path) if stat.S_ISLNK(state.st_mode) else ""  # noqa: PTH115
            line = (path, state.st_mode, state.st_size, state.st_mtime_ns, target)
            found.update(repr(line).encode())
    return found.hexdigest()
