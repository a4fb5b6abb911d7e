"""`agent trace prune`: which traces go, and how a trace is removed.

Only what is a trace through and through is removed: its first event is ours, nothing else lies in its folder
nor below it, no part is a link, nobody writes to it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import AgentError, TraceError
from agent.events import RunStarted
from agent.trace import BLOBS, EVENTS, Trace, is_hash
from agent.traces.checking import KNOWN, LEFT, SIGNATURES, opened
from agent.traces.facts import RUNNING, UNREADABLE, Facts
from tools.plain import plain_line


@dataclass(frozen=True)
class Rules:
    """A trace goes only if every rule that is given lets it. older_than: seconds since it began. keep: as
    many of the newest stay. outcomes: only those. max_bytes: the oldest go until all take no more."""

    older_than: float | None = None
    keep: int | None = None
    outcomes: tuple[str, ...] = ()
    max_bytes: int | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Plan:
    """goes: oldest first. resumable: how many would go but for being resumable."""

    goes: tuple[Facts, ...]
    resumable: int


def plan(traces: Sequence[Facts], rules: Rules, at: float) -> Plan:
    """What goes of `traces` (newest first) at the time `at`, in seconds since the epoch."""
    allowed = [
        each
        for position, each in enumerate(traces)
        if each.outcome != RUNNING
        and (each.outcome != UNREADABLE or UNREADABLE in rules.outcomes)  # it may be evidence
        and (rules.keep is None or position >= rules.keep)
        and (rules.older_than is None or at - each.started > rules.older_than)
        and (not rules.outcomes or each.outcome in rules.outcomes)
    ]
    free = [each for each in allowed if rules.interrupted or not each.resumable]
    goes = list(reversed(free))
    if rules.max_bytes is not None:
        surplus = sum(each.bytes for each in traces) - rules.max_bytes
        needed = list[Facts]()
        for each in goes:
            if surplus <= 0:
                break
            surplus -= each.bytes
            needed.append(each)
        goes = needed
    return Plan(tuple(goes), len(allowed) - len(free))


def remove(folder: Path) -> str:
    """Remove a trace; returns why it was not, or "". Only files that were looked at go, so that what appears
    meanwhile stays."""
    try:
        if folder.is_symlink():
            return "it is a link"
        files = _files(folder)
        with opened(folder / EVENTS, most=None) as events:
            if not isinstance(next(Trace(folder).events(), None), RunStarted):
                return "it does not begin with the start of a run"
            fcntl.flock(events, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in files:
                path.unlink()
            for place in (folder / BLOBS, folder / SIGNATURES):
                if place.is_dir():
                    place.rmdir()
            (folder / EVENTS).unlink()  # last: what is left of a trace is still one
            folder.rmdir()
    except BlockingIOError:
        return "it is being written"
    except AgentError as error:
        return str(error)
    except OSError as error:
        return f"cannot remove it: {error.strerror or error}"
    return ""


def _files(folder: Path) -> list[Path]:
    """Every file of a trace beside its events. Raises TraceError for anything that is no part of one."""
    files = list[Path]()
    for path, kind in _entries(folder, ""):
        if path.name in (BLOBS, SIGNATURES) and kind == "folder":
            files += (each for each, _ in _entries(path, f"{path.name}/"))
        elif path.name != EVENTS:
            files.append(path)
    return files


def _entries(folder: Path, below: str) -> Iterator[tuple[Path, str]]:
    """What lies in a folder of a trace, each with its kind."""
    with os.scandir(folder) as entries:
        for each in entries:
            kind = _kind(each)
            if kind != _expected(below, each.name):
                what = "" if kind == "file" else f", a {kind},"
                name = plain_line(f"{below}{each.name}", 100)
                raise TraceError(f"{name}{what} lies in it, which is no part of a trace")
            yield Path(each.path), kind


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "device or pipe"


def _expected(below: str, name: str) -> str:
    """The kind that a part of a trace with this name is of, "" for what is none."""
    if not below:
        folder = name in (BLOBS, SIGNATURES)
        return "folder" if folder else "file" if name in KNOWN | LEFT else ""
    known = is_hash(name.removesuffix(".part")) if below.startswith(BLOBS) else name.endswith(".sig")
    return "file" if known else ""
