"""`agent trace export`: a trace as one file, for an auditor (`tar`) or in the format of another tool."""

from __future__ import annotations

import gzip
import os
import re
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from agent.errors import AgentError, UsageError, unwritable
from agent.trace import BLOBS, EVENTS, MAX_BLOB_BYTES, MAX_LINE_BYTES, Trace, is_written
from agent.traces.checking import KNOWN, SIGNATURES, opened

TAR = "tar"


def exporter(name: str) -> Callable[[Trace, BinaryIO], None]:
    """What writes a trace in the format `name`. Raises UsageError for an unknown one."""
    if name == TAR:
        return write_tar
    others = _others()
    if name not in others:
        raise UsageError(f"format: '{name[:40]}' is none of {', '.join((TAR, *sorted(others)))}")

    def write(trace: Trace, stream: BinaryIO) -> None:
        for piece in others[name](trace):
            stream.write(piece)

    return write


def write_tar(trace: Trace, stream: BinaryIO) -> None:
    """A .tar.gz with the files of a trace, the same bytes each time: names in order, no times, no owners.

    Raises UsageError while the trace is being written."""
    if is_written(trace.folder):
        raise UsageError(f"{trace.folder} is being written; export it when the run has ended")
    top = re.sub(r"[^A-Za-z0-9._-]", "_", trace.folder.resolve().name).lstrip(".") or "trace"
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=cast("BinaryIO", packed), mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(_names(trace.folder)):
            _add(archive, trace.folder / name, f"{top}/{name}")


def write_new(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """A new file, whole or not at all, for its owner's eyes. Raises UsageError where there is one already, or
    none can be; AgentError where the disk is full or fails."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} exists already; name a new file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_out(write: Callable[[BinaryIO], None]) -> None:
    """To standard output. Raises AgentError where it cannot be written; that nobody reads any more (`| head`)
    is no error."""
    try:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise AgentError(f"cannot write to standard output: {error.strerror or error}") from error


def _others() -> Mapping[str, Callable[[Trace], Iterator[bytes]]]:
    """Formats of other tools, imported where they are used: no other command is to wait for them."""
    from agent.foreign.exports import EXPORTERS

    return EXPORTERS


def _names(folder: Path) -> Iterator[str]:
    """The files of a trace, by their names in it; nothing that is no part of one."""
    for below in ("", BLOBS, SIGNATURES):
        place = folder / below
        if not place.is_dir() or (below and place.is_symlink()):
            continue
        for each in place.iterdir():
            if below or each.name in KNOWN:
                yield f"{below}/{each.name}" if below else each.name


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """A file, as long as it was when it was opened; a link or a folder is left out."""
    try:
        with opened(path, None if path.name == EVENTS else MAX_BLOB_BYTES) as stream:
            if path.name == EVENTS:
                _check_lines(path, stream)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = os.fstat(stream.fileno()).st_size, 0o600
            archive.addfile(entry, stream)
    except OSError as error:
        if path.is_file() and not path.is_symlink():
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _check_lines(path: Path, events: BufferedReader) -> None:
    """Raises UsageError for a line that no event has: the file may have no end that is worth waiting for."""
    for line in iter(lambda: events.readline(MAX_LINE_BYTES), b""):
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            raise UsageError(f"{path} has a line that is longer than any event; it is not exported")
    events.seek(0)
