"""The trace: an append-only, hash-chained event log and its blobs, one directory per run.

A line of `events.jsonl` is `{"prev":H0,"hash":H1,"event":{…}}` with H1 = SHA-256(H0 + the bytes of event).
A changed byte breaks the line it is in, a removed or moved line breaks the next, and a removed end shows
against the head hash that was printed when the run ended. What the chain alone cannot detect: a whole
trace written anew by somebody who can replace the printed head hash as well.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from pydantic import ValidationError

from agent.bounds import check_numbers
from agent.errors import TraceError, TraceLost, UsageError
from agent.events import Event, RunStarted
from agent.redact import Redactor
from agent.schema import EVENT, first_event

EVENTS = "events.jsonl"
BLOBS = "blobs"
GENESIS = "0" * 64
MAX_LINE_BYTES = 32 * 2**20
"""Of a line of events: the most that is written, and read. A run's longest is that of its baseline, at some
hundred bytes for each test that fails."""
MAX_BLOB_BYTES = 256 * 2**20
"""Of a body, written and read."""


class TraceWriter:
    """Appends events, each on disk (fsync) before the next effect. One writer per trace at a time.

    written_at: seconds since the epoch when the trace was last written to before.
    Raises UsageError when the folder cannot be used, TraceLost when writing fails later, and TraceError when
    a trace that is to be resumed was altered.
    """

    def __init__(self, folder: Path, redactor: Redactor, *, resume: bool = False) -> None:
        self.folder = folder
        self._redactor = redactor
        self._lost: tuple[str, str] | None = None
        try:
            if not resume and folder.exists() and any(folder.iterdir()):
                raise UsageError(f"{folder} is not empty; name another folder for the trace")
            (folder / BLOBS).mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # it holds the repository's text
            self._file = (folder / EVENTS).open("ab", buffering=0)
        except OSError as error:
            raise UsageError(*_unwritable(folder, error)) from error
        try:
            _lock(self._file.fileno())
            status = os.fstat(self._file.fileno())
            if not resume and status.st_size:  # another run was begun and ended here this very moment
                raise UsageError(f"{folder} is not empty; name another folder for the trace")
            sync_folder(folder)
            self.written_at = status.st_mtime
            self.head, self._size = GENESIS, 0
            if resume:
                self.head, self._size = _whole(folder / EVENTS)
                if self._size < status.st_size:  # a line that a crash left half-written
                    self._file.truncate(self._size)
        except BaseException as error:
            self._file.close()
            if isinstance(error, BlockingIOError):
                raise UsageError(f"{folder} is being written by another run") from None
            if isinstance(error, OSError):
                raise UsageError(*_unwritable(folder, error)) from error
            raise

    def append(self, event: Event) -> Event:
        """Write one event; returns it as written (redacted), which is what a replay will see.

        Raises TraceLost when the disk refuses it: nothing of it is on disk then, and nothing is written any
        more.
        """
        written = EVENT.dump_json(event)
        plain = json.loads(written)
        redacted = self._redactor.tree(plain) if self._redactor.finds(written) else plain
        body = json.dumps(redacted, separators=(",", ":"), ensure_ascii=False).encode()
        head, line = seal(self.head, body)
        if len(line) > MAX_LINE_BYTES:
            raise TraceLost(f"an event of {len(line) / 2**20:.0f} MB is more than a trace can hold")
        self._write(line)
        self.head = head
        return event if redacted == plain else EVENT.validate_json(body)

    def blob(self, data: bytes) -> str:
        """Store a body; returns its SHA-256. Known secret values are redacted first, patterns of keys are
        not: a body may be a file of the repository, which has to stay what it is. Raises TraceLost."""
        data = self._redactor.exact(data)
        name = hashlib.sha256(data).hexdigest()
        path = self.folder / BLOBS / name
        if len(data) > MAX_BLOB_BYTES:
            raise TraceLost(f"a body of {len(data) / 2**20:.0f} MB is more than a trace can hold")
        if not path.exists():
            write_whole(path, data)
        return name

    def close(self) -> None:
        """Release the trace."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        if self._lost:
            raise TraceLost(*self._lost)
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # where this fails, the next reader passes over what is half-written
                self._file.truncate(self._size)
            lost = _lost(self.folder / EVENTS, error)
            self._lost = lost if self._size else _unwritable(self.folder, error)
            raise TraceLost(*self._lost) from error
        self._size += len(line)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of a trace: whole or not at all, whatever happens meanwhile. Raises TraceLost."""
    temporary = path.with_name(f"{path.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise TraceLost(*_lost(path, error)) from error


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lost(path: Path, error: OSError) -> tuple[str, str]:
    """What is wrong, and the mend."""
    mend = "what was recorded is whole: mend that, then go on with --resume"
    return f"cannot write to {path}: {error.strerror or error}", mend


def _unwritable(folder: Path, error: OSError) -> tuple[str, str]:
    what = f"cannot write a trace to {folder}: {error.strerror or error}"
    return what, "name another folder with --trace"


def _whole(path: Path) -> tuple[str, int]:
    """Head hash and bytes of a trace's whole lines. Raises TraceError for one that does not hold."""
    head, size = GENESIS, 0
    try:
        for digest, body in _checked_lines(path):
            head, size = digest, size + _AROUND + len(body)
    except TornEnd:
        pass
    return head, size


_PREV, _HASH, _EVENT = b'{"prev":"', b'","hash":"', b'","event":'
_AROUND = len(_PREV) + 64 + len(_HASH) + 64 + len(_EVENT) + 2
"""Bytes of a line beside its event."""


class TornEnd(TraceError):
    """The last line has no end: a crash, or a file that was cut."""


def is_hash(text: str) -> bool:
    """Whether it has the form of a SHA-256, as hashes of events and names of blobs do."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def seal(prev: str, body: bytes) -> tuple[str, bytes]:
    """The hash of an event after the one with hash `prev`, and its line."""
    digest = hashlib.sha256(prev.encode() + body).hexdigest()
    return digest, b"".join((_PREV, prev.encode(), _HASH, digest.encode(), _EVENT, body, b"}\n"))


def _checked_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """(hash, event bytes) of each line. Raises TraceError naming the first line that does not hold."""
    prev = GENESIS
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b""), start=1):
            prev, body = checked_line(line, prev, number, path)
            del line  # it may be large
            yield prev, body


def checked_line(line: bytes, prev: str, number: int, path: Path) -> tuple[str, bytes]:
    """Hash and event bytes of line `number` of the file `path`, which follows the one with the hash `prev`.

    Raises TraceError when it does not hold."""
    if not line.endswith(b"\n"):
        if len(line) == MAX_LINE_BYTES:
            raise TraceError(f"line {number} of {path} is longer than any event", number)
        raise TornEnd(f"line {number} of {path} is cut off (a crash, or a truncated file)", number)
    body = line[_AROUND - 2 : -2]
    digest = hashlib.sha256(prev.encode() + body).hexdigest()
    around = b"".join((_PREV, prev.encode(), _HASH, digest.encode(), _EVENT))
    if line[: _AROUND - 2] != around or line[-2:] != b"}\n":
        raise TraceError(f"line {number} of {path} {_wrong(line, body)}", number)
    return digest, body


def _wrong(line: bytes, body: bytes) -> str:
    """How a line does not hold, in words."""
    stored = line[len(_PREV) : len(_PREV) + 64].decode("ascii", "replace")
    own = hashlib.sha256(stored.encode() + body).hexdigest().encode()
    if own == line[_AROUND - 2 - len(_EVENT) - 64 : _AROUND - 2 - len(_EVENT)]:
        return "does not follow the line before it (lines removed, added or moved)"
    return "was altered"


def event_of(body: bytes, number: int, path: Path) -> Event:
    """The event of a line, as this version knows it. Raises TraceError for an unknown one."""
    try:
        event = first_event(body) if number == 1 else EVENT.validate_json(body)
        check_numbers(event)
        return event
    except TraceError as error:
        raise TraceError(f"line {number} of {path}: {error}", number) from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise TraceError(
            f"line {number} of {path} is not an event this version knows: {where}: {problem['msg']}", number
        ) from None


def is_written(folder: Path) -> bool:
    """Whether a run writes to this trace at the moment. Raises OSError when its events cannot be read."""
    descriptor = os.open(folder / EVENTS, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError when it is locked for longer than others take to look (`is_written`)."""
    until = time.monotonic() + 0.2
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)


class Trace:
    """A trace on disk, read and checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / EVENTS
        if not self.path.is_file():
            raise UsageError(f"{folder} is not a trace (it has no {EVENTS})")
        self.head = GENESIS

    def events(self, *, allow_torn_end: bool = False) -> Iterator[Event]:
        """Every event in order, those of older traces as this version knows them. Raises TraceError at the
        first line that was altered or is not understood.

        allow_torn_end: a last line without its end, as a crash leaves it, is passed over.
        """
        number = 0
        try:
            for head, body in _checked_lines(self.path):
                self.head, number = head, number + 1
                yield event_of(body, number, self.path)
        except TornEnd:
            if not allow_torn_end:
                raise
        except OSError as error:
            raise TraceError(f"cannot read {self.path}: {error.strerror or error}") from error

    def blob(self, name: str) -> bytes:
        """Bytes of a blob. Raises TraceError when it is missing or its content does not match its name."""
        with self._opened(name) as stream:
            data = stream.read()
        if hashlib.sha256(data).hexdigest() != name:
            raise TraceError(f"blob {name[:12]} of {self.folder} was altered")
        return data

    def check_blobs(self) -> int:
        """Check every blob against its name; returns how many there are. Raises TraceError."""
        count = 0
        for path in sorted((self.folder / BLOBS).glob("[0-9a-f]*")):
            if path.suffix != ".part":
                with self._opened(path.name) as stream:
                    found = hashlib.file_digest(stream, "sha256").hexdigest()
                if found != path.name:
                    raise TraceError(f"blob {path.name[:12]} of {self.folder} was altered")
                count += 1
        return count

    @contextmanager
    def _opened(self, name: str) -> Iterator[BufferedReader]:
        """A blob to read: a file of its own, not too large; no link, and no pipe that never ends."""
        if not is_hash(name):
            raise TraceError(f"{name!r} is not the name of a blob")
        path = self.folder / BLOBS / name
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise TraceError(f"blob {name[:12]} cannot be read: it is no file")
                if status.st_size > MAX_BLOB_BYTES:
                    raise TraceError(f"blob {name[:12]} is larger than {MAX_BLOB_BYTES // 2**20} MB")
                yield stream
        except OSError as error:
            raise TraceError(f"blob {name[:12]} cannot be read: {error.strerror or error}") from error


def start_of(trace: Trace, *, allow_torn_end: bool = False) -> tuple[RunStarted, Iterator[Event]]:
    """The start of the run, and an iterator over what follows it (see `Trace.events`). Raises TraceError."""
    events = trace.events(allow_torn_end=allow_torn_end)
    return started(next(events, None), trace.path), events


def started(first: Event | None, path: Path) -> RunStarted:
    """The first event of the file `path`. Raises TraceError where it is not the start of a run, or is not
    there."""
    if not isinstance(first, RunStarted):
        raise TraceError(f"{path} does not begin with the start of a run", 1)
    return first
