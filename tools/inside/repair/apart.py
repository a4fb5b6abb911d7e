"""Whether tests keep to themselves, so that they can run beside others, on a tree that is not up to date."""

from __future__ import annotations

import _posixsubprocess
import os
import sys
from collections.abc import Collection
from typing import Any

STARTS = (
    "subprocess.Popen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
)
CHANGES = (
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
)
SHARES = (
    *("socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"),
    *("sqlite3.connect", "mmap.__new__", "fcntl.flock", "fcntl.lockf"),
)
_fork_exec: Any = _posixsubprocess.fork_exec
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Apart:
    """Listens to what this process does from `begin` on. `broken`: the first thing that others could notice,
    or that depends on the files `names`; "" while there was none."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(os.path.basename(name) for name in names)  # noqa: PTH119
        self.broken = ""

    def begin(self) -> None:
        """An audit hook cannot be taken away: for a process that ends with its tests."""
        sys.addaudithook(self._hear)
        _posixsubprocess.fork_exec = self._told_of_spawn  # multiprocessing calls it, and no event tells

    def _told_of_spawn(self, *given: Any) -> int:
        self.broken = self.broken or "it starts a process"
        process: int = _fork_exec(*given)
        return process

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = given
            if isinstance(path, (str, bytes, os.PathLike)):
                path = os.fsdecode(path)
                name = os.path.basename(path)  # noqa: PTH119
                if name in self._names or (flags & WRITING and path != os.devnull):
                    self.broken = self.broken or f"opens {name}"
        elif event in STARTS or event in CHANGES or event in SHARES:
            self.broken = self.broken or event
