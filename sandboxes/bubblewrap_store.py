"""Root file systems and kept environments as folders of the user's cache.

    lock                         held while something below is being made, opened or taken away
    images/NAME/image.json       what it is; locked (shared) by every sandbox of it
    images/NAME/root             of a base: a root file system
    images/NAME/env              of a kept image: its ENV folder, whole; the root is that of its base
    scratch/TOKEN, TOKEN.lock    an image in the making, or a builder's folders; its maker holds the lock

All that `root` and `env` hold belongs to the range of ids of `Host`, whose first id is root inside, and code
under repair has written some of it. So nothing there is run or followed on the host: it is copied, measured
and removed by plain programs as that range's root, which is nobody on the host, and mounted without setuid
and devices; the host lists its folders, no more. The store itself can be entered by its user alone.

Nothing is added to an image or removed from it after it was made. So one in which a folder changed since
(whoever removed a part of it by hand, or was stopped while doing so) is as good as none, and is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_cache_path

from sandboxes.backend import Facts
from sandboxes.bases import ENV
from sandboxes.bubblewrap_host import Host, Order, run_mapped
from sandboxes.bubblewrap_launch import STAGE
from sandboxes.bubblewrap_opened import Opened, open_folder
from sandboxes.interface import UID, ImageError, SandboxError

_RECORD = "image.json"
_HOSTS = "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 sandbox\n"
# Devices cannot be made without privileges, and the host's names and package sources are its own business.
_LEFT_OUT = ("./dev/*", "./etc/hostname", "./etc/hosts", "./etc/resolv.conf", "./etc/apt/*")


@dataclass(frozen=True)
class Record:
    """What an image is. `base`: name of the image whose root it has, "" for a base, which has no facts.

    `digest`: of a base, the hash of the archive it was unpacked from. Of a kept image a random id given when
    it was made: nothing changes its files afterwards, so the id stands for them, and hashing what hostile
    code wrote would cost more than that tells. `size` in bytes, `created` in Unix seconds.
    """

    name: str
    base: str
    digest: str
    size: int
    created: float
    facts: Facts | None = None


@dataclass(frozen=True)
class Scratch:
    """A folder of its maker, and the descriptor of its lock."""

    folder: Path
    lock: int


class Store:
    """The images of one user and range of ids. Methods raise OSError; SandboxError when a program fails."""

    def __init__(self, host: Host, folder: Path | None = None) -> None:
        self.host = host
        self.folder = (folder or user_cache_path("marginal-agent") / "bubblewrap") / f"ids-{host.uids}"
        self.images = self.folder / "images"
        self.scratches = self.folder / "scratch"
        self._whole: set[str] = set()
        for each in (self.folder, self.images, self.scratches):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def find(self, name: str) -> Record | None:
        """The image of this name, where all of it is there."""
        record = _read(self._place(name))
        if record is None or not self._is_whole(record):
            return None
        return record if not record.base or self.find(record.base) else None

    def records(self) -> tuple[Record, ...]:
        """Every image, newest first, whether or not all of it is there."""
        found = [record for folder in self.images.iterdir() if (record := _read(folder))]
        return tuple(sorted(found, key=lambda record: -record.created))

    def open(self, image: str) -> Opened:
        """An image by its name, or a root file system by its path, for use. Raises ImageError."""
        with self._locked():
            record = self.find(image)
            if record is not None:
                lock = os.open(self._place(image) / _RECORD, os.O_RDONLY | os.O_CLOEXEC)
                fcntl.flock(lock, fcntl.LOCK_SH)
        if record is None and self._place(image).exists() and not Path(image).exists():
            raise ImageError(f"the image {image} is damaged: `agent env prune --bases` removes what is left")
        if record is None:
            return open_folder(image)
        base = record.base or image
        env = self._place(image) / "env" if record.base else None
        return Opened(record.digest, self._place(base) / "root", base, env, lock)

    @contextmanager
    def making(self, name: str) -> Iterator[None]:
        """While this lasts, no other process is making the image of this name."""
        with self._locked(f"{_file_name(name)}.lock"):
            yield

    def add_base(self, name: str, archive: Path) -> None:
        """Unpack a root file system, a tar, and keep it under `name`."""
        with archive.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        scratch = self.scratch()
        try:
            options = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
            with archive.open("rb") as file:
                self._work(scratch, "mkdir", "root")
                unpack = ("tar", "-x", "-p", "--numeric-owner", *options, "-C", "root")
                run_mapped(self.host, Order(unpack), scratch.folder, stdin=file, keeping=scratch.lock)
            for path, text in (("hosts", _HOSTS), ("hostname", "sandbox\n"), ("resolv.conf", "")):
                self._work(scratch, "sh", "-c", 'printf %s "$1" > "root/etc/$2"', "sh", text, path)
            record = Record(name, "", digest, self._size(scratch, "root"), time.time())
            self._publish(scratch, record)
        finally:
            self.discard(scratch)

    def scratch(self) -> Scratch:
        """A new folder of our own, to be given to `discard` in the end."""
        with self._locked():
            folder = self.scratches / secrets.token_hex(8)
            lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.mkdir()
            folder.chmod(0o777)  # for root of the range, which is a stranger; others do not come this far
        return Scratch(folder, lock)

    def furnish(self, scratch: Scratch, opened: Opened) -> None:
        """Put a copy of an image's ENV folder and an empty folder for wheels into a builder's scratch."""
        env = opened.env or Path(f"{opened.root}{ENV}")
        copy = ("cp", "-a", "--reflink=auto", f"{STAGE}/below", "env")
        order = Order(copy, folders=[(env, "below")])
        run_mapped(self.host, order, scratch.folder, keeping=scratch.lock)
        self._work(scratch, "install", "-d", "-o", str(UID), "-g", str(UID), "wheels")

    def keep(self, scratch: Scratch, name: str, base: str, facts: Facts) -> None:
        """Make a builder's scratch the image `name`. Where there is one meanwhile, that stays."""
        self._work(scratch, "rm", "-rf", "wheels")
        digest = f"random:{secrets.token_hex(32)}"
        self._publish(scratch, Record(name, base, digest, self._size(scratch, "env"), time.time(), facts))

    def discard(self, scratch: Scratch) -> None:
        """Remove what is left of a scratch folder, and let go of it."""
        if scratch.folder.exists():
            entries = [f"./{path.name}" for path in scratch.folder.iterdir()]
            self._work(scratch, "rm", "-rf", *entries)
            scratch.folder.rmdir()
        with self._locked():
            Path(f"{scratch.folder}.lock").unlink(missing_ok=True)
            os.close(scratch.lock)

    def forget(self, name: str) -> None:
        """Remove an image. Raises SandboxError when there is none, or it is in use."""
        with self._locked():
            if not self._place(name).exists():
                raise SandboxError(f"there is no image {name}")
            above = [record.name for record in self.records() if record.base == name]
            if above:
                raise SandboxError(f"the image {name} is in use: {above[0]} is built on it")
            if not self._take_away(self._place(name)):
                raise SandboxError(f"the image {name} is in use")
        self.reap()

    def reap(self) -> tuple[str, ...]:
        """Remove scratch folders whose maker is gone, and what is left of images; returns their names."""
        found = []
        with self._locked():
            for folder in self.images.iterdir():
                if _read(folder) is None:
                    self._take_away(folder)
            for name in {path.stem for path in self.scratches.iterdir()}:
                path = self.scratches / name
                lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                if _lock_at_once(lock):
                    found.append(Scratch(path, lock))
                else:
                    os.close(lock)
        for scratch in found:
            self.discard(scratch)
        return tuple(scratch.folder.name for scratch in found)

    def _place(self, name: str) -> Path:
        return self.images / _file_name(name)

    def _is_whole(self, record: Record) -> bool:
        """Whether nothing was removed from an image since it was made. Each is looked through once."""
        part = self._place(record.name) / ("env" if record.base else "root")
        if record.digest not in self._whole and part.is_dir() and not _changed_since(part, record.created):
            self._whole.add(record.digest)
        return record.digest in self._whole

    def _take_away(self, folder: Path) -> bool:
        """Leave an image to `reap`, unless it is in use: it is gone at once, even if we are killed before its
        files are. The store is locked."""
        with suppress(FileNotFoundError), (folder / _RECORD).open() as lock:
            if not _lock_at_once(lock.fileno()):
                return False
        taken = self.scratches / secrets.token_hex(8)
        Path(f"{taken}.lock").touch(0o600)
        folder.chmod(0o777)
        folder.rename(taken)
        return True

    def _publish(self, scratch: Scratch, record: Record) -> None:
        """From now on the scratch is an image, unless there is one of this name; whole, or not at all."""
        (scratch.folder / _RECORD).write_text(json.dumps(asdict(record)))
        self._work(scratch, "sync", "--file-system", ".")
        place = self._place(record.name)
        with self._locked():
            if record.base and self.find(record.base) is None:
                raise SandboxError(f"its base image {record.base} was removed meanwhile: run again")
            if self.find(record.name) is None:
                if place.exists() and not self._take_away(place):
                    raise SandboxError(f"the image {record.name} is damaged, and in use: end the other runs")
                scratch.folder.chmod(0o755)
                scratch.folder.rename(place)

    def _size(self, scratch: Scratch, name: str) -> int:
        """Bytes on disk of what is called `name` in a scratch folder."""
        return int(self._work(scratch, "du", "--summarize", "--block-size=1", name).split()[0])

    def _work(self, scratch: Scratch, *argv: str) -> str:
        return run_mapped(self.host, Order(argv), scratch.folder, keeping=scratch.lock)

    @contextmanager
    def _locked(self, name: str = "lock") -> Iterator[None]:
        """While this lasts, no other process holds the lock of this name."""
        lock = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _file_name(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")


def _read(folder: Path) -> Record | None:
    """The record of an image's folder; None without one that can be understood."""
    try:
        found = json.loads((folder / _RECORD).read_text())
        facts = found.pop("facts")
        if facts is not None:
            facts = Facts(**{**facts, "notes": tuple(facts["notes"])})
        return Record(**found, facts=facts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _changed_since(top: Path, moment: float) -> bool:
    """Whether a folder, or one below it, got or lost an entry after a moment, in Unix seconds.

    Where this user may not look it has removed nothing either, so that no other user need be asked to."""
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        with suppress(OSError):
            if os.lstat(folder).st_ctime > moment:
                return True
            with os.scandir(folder) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    return False


def _lock_at_once(lock: int) -> bool:
    """Whether the lock could be had, which it cannot while somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Turn an OSError of the store into a SandboxError that says what was being done."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"{doing}: {error}") from error
