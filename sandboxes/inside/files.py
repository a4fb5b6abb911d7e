"""Files of the work area, handled as their unprivileged owner while no command runs."""

from __future__ import annotations

import os
import secrets
import stat
import tarfile
from typing import Any, BinaryIO, Dict, List, Set, cast

from sandboxes.inside.frames import CHUNK, send, write_all
from sandboxes.inside.identity import WORK

INSIDE = "/opt/agent-inside"


class Incoming:
    """The payload of a frame as a file to read from; `rest` throws away what nobody read.

    It can seek forward, which is all that `tarfile` needs to read an archive from its begin to its end.
    """

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        parts = []
        while wanted:
            part = os.read(self.fd, min(wanted, CHUNK))
            if not part:
                raise EOFError("the other end is gone")
            parts.append(part)
            wanted -= len(part)
            self.left -= len(part)
        return b"".join(parts)

    def tell(self) -> int:
        return self.size - self.left

    def seek(self, position: int) -> int:
        """Skip to `position`. Raises ValueError when it was passed already."""
        if position < self.tell():
            raise ValueError("what was read cannot be read again")
        while self.left and self.tell() < position:
            self.read(min(CHUNK, position - self.tell()))
        return self.tell()

    def rest(self) -> None:
        while self.left:
            self.read(CHUNK)


class Outgoing:
    """A file whose bytes leave as chunk frames. Raises ValueError beyond `limit` bytes."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self.limit = limit
        self.left = limit

    def write(self, data: bytes) -> int:
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"more than {self.limit} bytes")
        send(self.fd, {"kind": "chunk"}, data)
        return len(data)


def within(path: str) -> str:
    """`path` itself when its links lead nowhere outside the work area. Raises ValueError otherwise."""
    if path != WORK and not path.startswith(WORK + "/"):
        raise ValueError(f"{path} lies outside the work area")
    return path


def locate(path: str) -> str:
    """Where an entry of the work area really lies: links in its folders resolved, not in its last part."""
    if path == WORK:
        return WORK
    folder, name = os.path.split(os.path.normpath(path))
    return os.path.join(within(os.path.realpath(folder)), name)


def locate_folder(path: str) -> str:
    """Where a folder of the work area really lies."""
    return within(os.path.realpath(path))


def read(path: str, max_bytes: int) -> bytes:
    """A regular file. Raises FileNotFoundError, IsADirectoryError, or ValueError when it is too large."""
    real = within(os.path.realpath(path))
    with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise ValueError(f"{path} is not a regular file")
        if state.st_size > max_bytes:
            raise ValueError(f"{path} has {state.st_size} bytes, more than {max_bytes}")
        return file.read()


def write(path: str, data: Incoming, mode: int) -> None:
    """Create a file anew; what was there under that name is unlinked, never written to.

    Where that was a program, the new file is one, too.
    """
    real = locate(path)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    if os.path.isfile(real) and not os.path.islink(real):
        mode |= stat.S_IMODE(os.lstat(real).st_mode) & 0o111
    create(real, data, data.left, mode)


def create(path: str, data: Incoming, size: int, mode: int) -> None:
    """Create a file anew of the next `size` bytes, in a folder that is there and that no link leads to.

    Raises ValueError when there are fewer bytes.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        fd = os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        fd = os.open(path, flags, mode)
    try:
        while size:
            chunk = data.read(min(CHUNK, size))
            if not chunk:
                raise ValueError(f"{path} is cut short")
            write_all(fd, chunk)
            size -= len(chunk)
    finally:
        os.close(fd)


def unlink_if_there(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def remove(path: str) -> None:
    """Remove a file, a link or a whole folder, if it is there. The work area itself is only emptied."""
    real = locate(path)
    if os.path.isdir(real) and not os.path.islink(real):
        empty(real)
        if real != WORK:
            os.rmdir(real)
    else:
        unlink_if_there(real)


def empty(folder: str) -> None:
    """Remove all that is in a folder, however deep and however many: folders two levels down move up first.

    Entries are removed as they are listed, because a list of all may be more than memory holds.
    """
    if folder != WORK:  # that is opened again after every command, and root may own it
        os.chmod(folder, 0o755)
    again = True
    while again:
        again = False
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    again = empty_into(entry.path, folder) or again
                    os.rmdir(entry.path)
                else:
                    os.unlink(entry.path)


def empty_into(folder: str, above: str) -> bool:
    """Remove all files in a folder and move its folders to the one above; whether there were any."""
    os.chmod(folder, 0o700)
    moved = False
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                os.rename(entry.path, os.path.join(above, secrets.token_hex(16)))
                moved = True
            else:
                os.unlink(entry.path)
    return moved


def unpack(path: str, tar: Incoming) -> None:
    """Unpack regular files, folders and links below `path`. Raises ValueError for anything else.

    No member is written through a link: every folder used was made, or seen to be a real one, before.
    """
    top = locate_folder(path)
    os.makedirs(top, exist_ok=True)
    known: Set[str] = {top}
    with tarfile.open(fileobj=cast(BinaryIO, tar), mode="r:") as archive:
        for member in archive:
            target = os.path.normpath(os.path.join(top, member.name))
            if target != top and not target.startswith(top + "/"):
                raise ValueError(f"tar member {member.name!r} leaves its folder")
            if member.isdir():
                make_folder(target, top, known)
                continue
            make_folder(os.path.dirname(target), top, known)
            if member.issym():
                unlink_if_there(target)
                os.symlink(member.linkname, target)
            elif member.isreg() and not member.issparse():
                create(target, tar, member.size, 0o755 if member.mode & 0o100 else 0o644)
            else:
                raise ValueError(f"tar member {member.name!r} is neither file, folder nor link")


def make_folder(path: str, top: str, known: Set[str]) -> None:
    """Make a folder and those above it up to `top`. Raises ValueError where a link is in the way."""
    if path in known:
        return
    make_folder(os.path.dirname(path), top, known)
    if os.path.islink(path):
        raise ValueError(f"{os.path.relpath(path, top)} is a link")
    os.makedirs(path, exist_ok=True)
    known.add(path)


def pack(path: str, out: Outgoing) -> None:
    """A folder as tar: regular files, folders and links as they are; sockets, pipes and devices stay out."""
    top = locate_folder(path)
    with tarfile.open(fileobj=cast(BinaryIO, out), mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for name in walk(top):
            add_entry(archive, os.path.join(top, name), name, out)


def walk(top: str) -> List[str]:
    """Relative names of all entries, folders before what they hold."""
    names: List[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        full = os.path.join(top, folder)
        if not os.access(full, os.R_OK | os.X_OK):
            os.chmod(full, 0o700)  # code under repair may have shut it; it is ours all the same
        with os.scandir(full) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                names.append(name)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
    return names


def add_entry(archive: tarfile.TarFile, path: str, name: str, out: Outgoing) -> None:
    state = os.lstat(path)
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(state.st_mode)
    if stat.S_ISDIR(state.st_mode):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    elif stat.S_ISLNK(state.st_mode):
        member.type = tarfile.SYMTYPE
        member.linkname = os.readlink(path)
        archive.addfile(member)
    elif stat.S_ISREG(state.st_mode):
        if state.st_size > out.left:
            raise ValueError(f"more than {out.limit} bytes: {name!r} alone has {state.st_size}")
        member.size = state.st_size
        with open_anyway(path) as file:
            archive.addfile(member, file)


def open_anyway(path: str) -> BinaryIO:
    """A file of the owner, opened to be read whatever its mode says; the mode stays as it was."""
    try:
        return open(path, "rb")
    except PermissionError:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, 0o600)
        try:
            return open(path, "rb")
        finally:
            os.chmod(path, mode)


def install_inside(request: Dict[str, Any], payload: BinaryIO) -> None:
    """Write our own files as root where the code under repair can read and not write."""
    for name, size in request["files"]:
        target = os.path.normpath(os.path.join(INSIDE, name))
        if not target.startswith(INSIDE + "/"):
            raise ValueError(f"{name} lies outside {INSIDE}")
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        unlink_if_there(target)
        with open(target, "wb") as file:
            file.write(payload.read(size))
        os.chmod(target, 0o644)
