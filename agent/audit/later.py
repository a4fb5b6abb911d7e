"""What became of a run's patch, as a person or a hook says later: a file beside the events.

A line of `later.jsonl` is `{"prev":H0,"hash":H1,"said":{…}}` with H1 = SHA-256(H0 + the bytes of `said`); the
first H0 is the head hash of the trace, so the file holds for this trace only. The events are not touched.
What the chain cannot detect: words that were removed from the end, or all of them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from agent.audit.runs import Later
from agent.errors import TraceError, UsageError, unwritable
from agent.task import Record
from agent.trace import sync_folder

LATER = "later.jsonl"

MOST_BYTES = 2**20
"""Some ten thousand words; more are none of ours."""

MOST_MINUTES = 60 * 24 * 365


class Said(Record):
    """A word on a run, as it is written. minutes: of rework. time: seconds since the epoch. commit: id of the
    one in a history that says so, "" where a person does."""

    word: Literal["merged", "reverted", "reworked"]
    time: float = Field(ge=0, le=1e12)
    minutes: float = Field(default=0.0, ge=0, le=MOST_MINUTES)
    commit: str = Field(default="", pattern="^([0-9a-f]{40}|[0-9a-f]{64})?$")


def read_later(folder: Path, head: str) -> tuple[Later, ...]:
    """What was said of the run whose trace, with this head hash, is in `folder`; the newest last. A last line
    without its end, as a killed process leaves it, is passed over.

    Raises TraceError where a line was altered, or was said of another trace.
    """
    return tuple(later for _, later in _checked(folder / LATER, _read(folder / LATER), head))


def ends_torn(folder: Path) -> bool:
    """Whether the last line of what was said of the run in `folder` has no end. Raises TraceError."""
    data = _read(folder / LATER)
    return _whole(data) != data


def append_later(folder: Path, head: str, later: Later) -> None:
    """Add a word on the run whose trace, with this head hash, is in `folder`; it is on disk on return, or
    nothing of it is.

    Raises TraceError where what was said before does not hold, UsageError where it cannot be written.
    """
    path = folder / LATER
    if not 0 <= later.minutes <= MOST_MINUTES:
        raise UsageError(f"{later.minutes:g} minutes of rework are not between 0 and {MOST_MINUTES:,}")
    word = Said(word=later.word, time=later.time, minutes=later.minutes, commit=later.commit)
    said = word.model_dump_json(exclude=None if later.commit else {"commit"}).encode()
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            data = _bounded(path, stream)
            before = _checked(path, data, head)
            _add(stream, len(_whole(data)), _line(before[-1][0] if before else head, said))
        sync_folder(folder)  # its name, too
    except OSError as error:
        raise unwritable(path, error) from error


def _add(stream: FileIO, size: int, line: bytes) -> None:
    """Put the line after the first `size` bytes, which are whole lines. Raises OSError; then nothing of it
    stays."""
    stream.truncate(size)
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):  # where this fails, readers pass over what is half written
            stream.truncate(size)
        raise


def _read(path: Path) -> bytes:
    """What the file holds, nothing where there is none. Raises TraceError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            return _bounded(path, stream)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise TraceError(f"cannot read {path}: {error.strerror or error}") from error


def _bounded(path: Path, stream: FileIO) -> bytes:
    """Raises TraceError for more than such a file has, OSError for what is no file."""
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    if status.st_size > MOST_BYTES:
        raise TraceError(f"{path} is larger than {MOST_BYTES} bytes, which no such file is")
    return stream.read(MOST_BYTES)


def _whole(data: bytes) -> bytes:
    """The lines that have an end."""
    return data[: data.rfind(b"\n") + 1]


def _checked(path: Path, data: bytes, head: str) -> list[tuple[str, Later]]:
    """Each word with the hash of its line."""
    found: list[tuple[str, Later]] = []
    prev = head
    for number, line in enumerate(_whole(data).splitlines(keepends=True), start=1):
        start = len(b'{"prev":"","hash":"","said":') + 2 * 64
        body = line[start:-2]
        if _line(prev, body) != line:
            raise TraceError(
                f"line {number} of {path} does not hold: it was altered, or said of another trace", number
            )
        try:
            said = Said.model_validate_json(body)
        except ValidationError:
            raise TraceError(f"line {number} of {path} is not a word this version knows", number) from None
        prev = hashlib.sha256(prev.encode() + body).hexdigest()
        found.append((prev, _later(said)))
    return found


def _later(said: Said) -> Later:
    """The word as it is read."""
    return Later(word=said.word, time=said.time, minutes=said.minutes, commit=said.commit)


def _line(prev: str, body: bytes) -> bytes:
    digest = hashlib.sha256(prev.encode() + body).hexdigest()
    return b'{"prev":"%s","hash":"%s","said":%s}\n' % (prev.encode(), digest.encode(), body)
