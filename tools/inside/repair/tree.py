"""The tree under trial: candidates are written into it and taken out again, and what tests leave is seen.

Every folder that tests can write to is watched (inotify), so that one look after a candidate tells whether
anything was left, however many files there are and whoever wrote them. New files are removed; a changed or
removed file that was there before cannot be put back here, and the tree is called spoiled.
"""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Edits = Mapping[str, "bytes | None"]
"""New contents by path relative to the root; None removes the file."""

MODIFY, ATTRIB, CLOSE_WRITE = 0x2, 0x4, 0x8
MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x40, 0x80, 0x100, 0x200
WATCHED = MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
OVERFLOW, IGNORED = 0x4000, 0x8000
ONLY_DIRECTORIES = 0x01000000
NOTICE = struct.Struct("iIII")
MAX_FOLDERS = 20_000


class Unwatchable(OSError):
    """Changes of files cannot be seen here, so no candidate can be sure of the tree it runs on."""


class Watched:
    """Folders under inotify, with the names that were in them at the start."""

    def __init__(self, roots: list[str], unseen: str) -> None:
        """Raises Unwatchable. The folder `unseen` is left out."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise Unwatchable("no inotify here")
        self._folders: dict[int, tuple[str, set[bytes]]] = {}
        for root in roots:
            for folder, inner, files in os.walk(os.path.realpath(root)):
                self._add(folder, {os.fsencode(name) for name in (*inner, *files)})
                inner[:] = [name for name in inner if os.path.join(folder, name) != unseen]  # noqa: PTH118

    def _add(self, folder: str, names: set[bytes]) -> None:
        number = self._libc.inotify_add_watch(
            self._descriptor, os.fsencode(folder), WATCHED | ONLY_DIRECTORIES
        )
        if number < 0 or len(self._folders) >= MAX_FOLDERS:
            raise Unwatchable(f"{folder} cannot be watched")
        self._folders[number] = (folder, names)

    def changes(self) -> tuple[set[str], bool]:
        """New paths since the last look, and whether anything that was there at the start was touched."""
        new: set[str] = set()
        touched = False
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return new, touched
            position = 0
            while position < len(data):
                number, mask, _, length = NOTICE.unpack_from(data, position)
                position += NOTICE.size + length
                name = data[position - length : position].rstrip(b"\0")
                folder, names = self._folders.get(number, ("", set()))
                if mask & OVERFLOW or not folder:
                    touched = True
                elif name and name not in names:
                    new.add(os.path.join(folder, os.fsdecode(name)))  # noqa: PTH118
                elif not mask & IGNORED and (name or mask & ~ATTRIB):
                    # A folder's own notice tells of its times, which every file in it changes.
                    touched = True


class Tree:
    """A repository and what else its tests can write to: the home and the temporary folders."""

    def __init__(self, root: str, places: list[str], unseen: str) -> None:
        """Watches the folders `places` (see `places_of`; none: nothing is watched or cleaned) and those in
        them. What happens in the folder `unseen` is our own business. Raises Unwatchable."""
        self.root = root
        self._watched = Watched(places, os.path.realpath(unseen)) if places else None
        self.spoiled = False

    @contextmanager
    def holding(self, edits: Edits) -> Iterator[None]:
        """The tree holds the edits inside the block, and what it held before after it."""
        before: dict[Path, tuple[bytes, int] | None] = {}
        made: list[Path] = []
        try:
            for name, content in edits.items():
                path = Path(self.root, name)
                before[path] = (path.read_bytes(), path.stat().st_mode & 0o777) if path.exists() else None
                for folder in [p for p in reversed(path.parents) if not p.exists()]:
                    folder.mkdir()
                    made.append(folder)
                put(path, content, 0o644 if before[path] is None else before[path][1])  # type: ignore[index]
            self._look()
            yield
        finally:
            self.clean()
            for path, old in before.items():
                put(path, *(old or (None, 0)))
            for folder in reversed(made):
                shutil.rmtree(folder, ignore_errors=True)
            self._look()

    def clean(self) -> bool:
        """Remove what was left since the last look; whether anything had been left or touched at all."""
        new, touched = self._look()
        for path in new:
            if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.lexists(path):
                os.unlink(path)  # noqa: PTH108
        if new:
            touched = self._look()[1] or touched
        self.spoiled = self.spoiled or touched
        return bool(new) or touched

    def _look(self) -> tuple[set[str], bool]:
        return self._watched.changes() if self._watched is not None else (set(), False)


def places_of(root: str) -> list[str]:
    """The folders of a sandbox that tests can write to: the repository, the home and the temporary ones."""
    homes = [os.environ.get("HOME", ""), tempfile.gettempdir(), "/tmp", "/dev/shm"]  # noqa: S108
    places: list[str] = []
    for place in (root, *homes):
        real = os.path.realpath(place) if place else ""
        writable = real and os.path.isdir(real) and os.access(real, os.W_OK)  # noqa: PTH112
        if writable and not any((real + "/").startswith(known + "/") for known in places):
            places = [known for known in places if not known.startswith(real + "/")] + [real]
    return places


def inside(root: str, names: Mapping[str, object]) -> bool:
    """Whether every path stays in the tree, through no symbolic link."""
    return all(
        os.path.realpath(os.path.join(root, name)) == os.path.join(root, name)  # noqa: PTH118
        for name in names
    )


def put(path: Path, content: bytes | None, mode: int) -> None:
    """The file holds `content` (None: is not there). It is unlinked before it is written, so that
    hard-linked copies keep theirs; compiled files of it are removed, since an equal size and time would make
    them look current."""
    kept = path.parent / "__pycache__"
    if kept.is_dir():
        for compiled in kept.glob(f"{glob.escape(path.stem)}.*.pyc"):
            compiled.unlink()
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
