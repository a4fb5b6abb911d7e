"""A run that is named more than once, by copies of its trace, links to it or beginnings of it, counts once.

Of several traces with one run id the first counts, or a fuller one that begins with the same lines: as a copy
of a run that was cut off does, before it was resumed. Where two went on from there differently, or are
otherwise not the same run, they cannot both be right: the first counts, and the other is named.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agent.audit.runs import Run
from agent.trace import EVENTS, MAX_LINE_BYTES

MOST_NAMED = 3
"""Copies of one run that are named; of others the number is told."""

MOST_BYTES = 2**30
"""Of files that are compared."""

_HEAD = 4096
"""Bytes of the first line within which the run's id stands."""

_RUN_ID = re.compile(
    rb'\{"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}","event":\{"type":"run-started",'
    rb'"schema_version":\d{1,9},"run_id":"([^"\\]{1,200})"'
)


def grouped(sources: Iterable[Path]) -> list[tuple[Path, ...]]:
    """The traces (folders) with one run id together, and files with the same bytes, each in the order in
    which the first of them comes. One whose id cannot be told, or that cannot be read, is by itself."""
    known = list(sources)
    sizes = Counter(_size(source) for source in known)
    groups: dict[object, list[Path]] = {}
    for source in known:
        if source.is_dir():
            key: object = _run_id(source) or source
        else:
            size = _size(source)
            key = (size, _digest(source)) if 0 <= size <= MOST_BYTES and sizes[size] > 1 else source
        groups.setdefault(key, []).append(source)
    return [tuple(group) for group in groups.values()]


def one_of(runs: Iterator[Run]) -> tuple[Run | None, tuple[str, ...]]:
    """Of runs with the same id the one that counts (None: there is none), and notes on the others. Two are
    held at a time: there may be thousands of copies."""
    kept = next(runs, None)
    if kept is None:
        return None, ()
    copies, beginnings, others = list[str](), list[str](), list[str]()
    for run in runs:
        if run.head_hash == kept.head_hash:
            fuller, lesser = (run, kept) if len(run.later) > len(kept.later) else (kept, run)
            copies.append(lesser.path)
        elif _begins(run, kept) or _begins(kept, run):
            fuller, lesser = (kept, run) if _begins(run, kept) else (run, kept)
            beginnings.append(lesser.path)
        else:
            fuller = kept
            others.append(run.path)
        kept = fuller
    return kept, tuple(
        f"{kept.path} {words} {_named(paths)}"
        for words, paths in (
            ("counts, and its copies do not:", copies),
            ("counts, and a beginning of it does not:", beginnings),
            ("counts, and another trace of its run does not (both cannot be right):", others),
        )
        if paths
    )


def copies_note(path: Path, copies: Sequence[Path]) -> str:
    """Of a file and others with the same bytes."""
    return f"{path} counts, and its copies do not: {_named([str(each) for each in copies])}"


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join(paths[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _begins(lesser: Run, fuller: Run) -> bool:
    """Whether the lines of one trace are the first ones of the other; a last one may be torn, as a crash
    leaves it."""
    one, other = Path(lesser.path, EVENTS), Path(fuller.path, EVENTS)
    try:
        with one.open("rb") as short, other.open("rb") as long:
            while line := short.readline(MAX_LINE_BYTES):
                if line != long.readline(MAX_LINE_BYTES):
                    return not line.endswith(b"\n")
    except OSError:
        return False
    return True


def _run_id(folder: Path) -> bytes:
    """As the first line has it, b"" where it cannot be told."""
    try:
        with (folder / EVENTS).open("rb") as stream:
            found = _RUN_ID.match(stream.read(_HEAD))
    except OSError:
        return b""
    return found[1] if found else b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1


def _digest(path: Path) -> str:
    """Of a file; one that cannot be read is like no other."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return str(path)
