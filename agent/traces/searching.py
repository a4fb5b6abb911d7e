"""`agent trace grep`: a regular expression in the events of many traces, as they stand in the file, and in
their blobs. Lines are not checked here, so that traces that do not hold are searched too.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.errors import UsageError
from agent.trace import BLOBS, EVENTS, MAX_LINE_BYTES, is_hash
from agent.traces.checking import opened

AROUND = 60
"""Characters shown before and after what was found."""

MOST_SHOWN = 200
"""Characters of what was found itself."""

_TYPE = re.compile(rb'^\{"prev":"[^"]{0,64}","hash":"[^"]{0,64}","event":(\{"type":"([a-z-]{1,20})")?')
_NAME = re.compile(rb"[0-9a-f]{64}")
_OF_NO_STEP = frozenset({b"run-started", b"run-resumed", b"run-ended", b""})


class Match(NamedTuple):
    """Where something was found. line: of `events.jsonl`, 0 for a blob that no event names. step: 0 outside
    of any. event: its type. blob: the name, "" for none; excerpt: untrusted."""

    folder: Path
    line: int
    step: int
    event: str
    blob: str
    excerpt: str


class _Place(NamedTuple):
    line: int
    step: int
    event: str


def pattern_of(text: str, ignore_case: bool) -> re.Pattern[str]:
    """Raises UsageError for what is no regular expression."""
    try:
        return re.compile(text, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"'{text[:80]}' is no regular expression: {error}") from None


def search(folder: Path, pattern: re.Pattern[str], blobs: bool) -> Iterator[Match]:
    """The first match in each line of the events, and in each line of the blobs. Links are not followed.

    Raises OSError."""
    named: dict[str, _Place] = {}
    step = 1
    with opened(folder / EVENTS, most=None) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b""), start=1):
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise OSError(errno.EFBIG, f"line {number} is longer than any event", str(folder / EVENTS))
            head = _TYPE.match(line)
            kind, begin = (head[2] or b"", head.start(1)) if head and head[1] else (b"", 0)
            place = _Place(number, 0 if kind in _OF_NO_STEP else step, kind.decode())
            body = line[begin : -2 if begin else None]
            for name in _NAME.findall(body) if blobs else ():
                named.setdefault(name.decode(), place)
            for excerpt in _found(pattern, body.decode("utf-8", "replace")):
                yield Match(folder, *place, "", excerpt)
            step += kind == b"result"
    if blobs and (folder / BLOBS).is_symlink():
        raise OSError(errno.ELOOP, f"{BLOBS} is a link to somewhere else", str(folder / BLOBS))
    if blobs and (folder / BLOBS).is_dir():
        yield from _in_blobs(folder, pattern, named)


def _in_blobs(folder: Path, pattern: re.Pattern[str], named: dict[str, _Place]) -> Iterator[Match]:
    nowhere = _Place(0, 0, "")
    with os.scandir(folder / BLOBS) as entries:
        names = [each.name for each in entries if each.is_file(follow_symlinks=False)]
    for path in sorted(
        (folder / BLOBS / name for name in names if is_hash(name)),
        key=lambda each: (named.get(each.name, nowhere).line, each.name),
    ):
        with opened(path) as stream:
            for line in iter(lambda: stream.readline(MAX_LINE_BYTES), b""):
                for excerpt in _found(pattern, line.decode("utf-8", "replace").rstrip("\r\n")):
                    yield Match(folder, *named.get(path.name, nowhere), path.name, excerpt)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """What was found in a line, with what stands around it."""
    if (match := pattern.search(text)) is not None:
        begin, end = match.span()
        end = min(end, begin + MOST_SHOWN)
        before = "…" if begin > AROUND else ""
        after = "…" if end + AROUND < len(text) else ""
        yield f"{before}{text[max(0, begin - AROUND) : end + AROUND]}{after}"
