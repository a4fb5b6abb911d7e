"""Checkpoints of a folder: a private copy of its bytes, and what tells a changed file from an unchanged one.

Hard-link copies would be cheaper to make, but a test that opens a file for writing changes the kept copy
with it. So the copy lies in a memory file that only the runner and its file workers hold. Restoring is
cheap all the same: a file whose inode, size and change time are as recorded was not touched (nobody inside
can set a change time), unless the recording is so fresh that the clock could not tell; then bytes decide.

Layout of the memory file: contents one after another, the index as JSON, 8 bytes length of the contents.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import time
from typing import Any, Dict, List, Tuple

from sandboxes.inside.files import empty, locate, locate_folder, open_anyway, unlink_if_there, walk
from sandboxes.inside.frames import CHUNK
from sandboxes.inside.identity import WORK

LIMIT = 512 * 2**20  # bytes of all checkpoints together
CLOCK_GRAIN = 50_000_000  # nanoseconds: coarser than the tick of any kernel's file clock
TRAILER = struct.Struct(">QQ")

Entry = List[Any]  # [kind, mode, link target or offset, size, mtime_ns, inode, ctime_ns, fresh]
Index = Dict[str, Entry]


def keep(path: str, store: int, limit: int) -> None:
    """Copy the folder `path` into the memory file `store`. Raises ValueError beyond `limit` bytes."""
    top = locate_folder(path)
    index: Index = {}
    offset = 0
    for name in walk(top):
        full = os.path.join(top, name)
        state = os.lstat(full)
        if stat.S_ISREG(state.st_mode):
            if offset + state.st_size > limit:
                raise ValueError(f"{path} holds more than the {limit} bytes left for checkpoints")
            with open_anyway(full) as file:
                copy(file.fileno(), store)
            state = os.lstat(full)
            index[name] = ["file", stat.S_IMODE(state.st_mode), offset, state.st_size, state.st_mtime_ns]
            index[name] += signature(state)
            offset += state.st_size
        elif stat.S_ISLNK(state.st_mode):
            index[name] = ["link", 0, os.readlink(full)]
        elif stat.S_ISDIR(state.st_mode):
            index[name] = ["folder", stat.S_IMODE(state.st_mode)]
    write_index(store, index, offset)


def put_back(path: str, store: int) -> None:
    """Make the folder `path` what it was when `store` was filled."""
    top = locate(path)
    if os.path.islink(top) or not os.path.isdir(top):
        unlink_if_there(top)
        os.makedirs(top)
    index, end = read_index(store)
    if top != WORK:  # that is opened again after every command, and root may own it
        os.chmod(top, 0o755)
    remove_strangers(top, index)
    for name, entry in index.items():
        full = os.path.join(top, name)
        if entry[0] == "folder":
            os.makedirs(full, exist_ok=True)
            os.chmod(full, entry[1] | 0o700)
        elif entry[0] == "link":
            put_back_link(full, entry[2])
        else:
            put_back_file(full, entry, store)
    write_index(store, index, end)


def remove_strangers(top: str, index: Index) -> None:
    """Remove every entry the checkpoint does not have, or has as something else."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(top, folder)) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                kind = index[name][0] if name in index else ""
                if entry.is_dir(follow_symlinks=False):
                    if kind == "folder":
                        os.chmod(entry.path, 0o700)
                        waiting.append(name)
                    else:
                        empty(entry.path)
                        os.rmdir(entry.path)
                elif kind != ("link" if entry.is_symlink() else "file"):
                    os.unlink(entry.path)


def put_back_link(path: str, target: str) -> None:
    if not (os.path.islink(path) and os.readlink(path) == target):
        unlink_if_there(path)
        os.symlink(target, path)


def put_back_file(path: str, entry: Entry, store: int) -> None:
    """Leave an untouched file alone; write any other anew."""
    _, mode, offset, size, mtime, inode, ctime, fresh = entry
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        state = None
    if state is not None and stat.S_ISREG(state.st_mode):
        same = [state.st_ino, state.st_ctime_ns, state.st_size] == [inode, ctime, size]
        if same and not (fresh and differs(path, size, offset, store)):
            entry[5:] = signature(state)
            return
    unlink_if_there(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for start in range(offset, offset + size, CHUNK):
            file.write(os.pread(store, min(CHUNK, offset + size - start), start))
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.utime(file.fileno(), ns=(mtime, mtime))
        entry[5:] = signature(os.fstat(file.fileno()))


def differs(path: str, size: int, offset: int, store: int) -> bool:
    with open_anyway(path) as file:
        for start in range(0, size, CHUNK):
            if file.read(CHUNK) != os.pread(store, min(CHUNK, size - start), offset + start):
                return True
    return False


def signature(state: os.stat_result) -> List[Any]:
    """Inode, change time, and whether that time is too fresh to tell a later change from it."""
    fresh = time.time_ns() - state.st_ctime_ns < CLOCK_GRAIN
    return [state.st_ino, state.st_ctime_ns, fresh]


def copy(source: int, store: int) -> None:
    chunk = os.read(source, CHUNK)
    while chunk:
        os.write(store, chunk)
        chunk = os.read(source, CHUNK)


def write_index(store: int, index: Index, end: int) -> None:
    os.ftruncate(store, end)
    os.lseek(store, end, os.SEEK_SET)
    body = json.dumps(index).encode("ascii")
    os.write(store, body + TRAILER.pack(end, len(body)))


def read_index(store: int) -> Tuple[Index, int]:
    size = os.fstat(store).st_size
    end, length = TRAILER.unpack(os.pread(store, TRAILER.size, size - TRAILER.size))
    index: Index = json.loads(os.pread(store, length, end).decode("ascii"))
    return index, end
