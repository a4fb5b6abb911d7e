"""Which runs are to be audited, and the audit of all of them: in this process if few, else in two."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.audit.audited import audit_of, audit_run
from agent.audit.ours import is_trace, our_run
from agent.audit.results import RunAudit
from agent.audit.results_sums import Audit, Broken
from agent.audit.runs import Run
from agent.audit.sections import FEW
from agent.audit.tallies import Tallies
from agent.audit.twins import copies_note, grouped, one_of
from agent.errors import AgentError, TraceError, UsageError
from agent.trace import EVENTS
from policies.vocabulary import Prices

SUFFIXES = (".json", ".jsonl", ".traj")
"""Of files that are looked at when a folder is named."""

PROCESSES, TOGETHER = 2, 50
"""Processes, and traces that one of them reads at a time."""

MOST_NOTES = 10
"""Of runs that were named more than once."""


@dataclass
class Part:
    """What a share of the traces came to. full: the runs themselves, where they are few. notes:
    on runs that were named more than once."""

    runs: list[RunAudit] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    full: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Audited:
    """An audit; runs: those it is of, in the same order, where they are few, else none."""

    audit: Audit
    runs: tuple[Run, ...]


Waiting = Callable[[], AbstractContextManager[object]]


def audit_paths(paths: Sequence[Path], prices: Prices, waiting: Waiting, format_name: str = "") -> Audited:
    """Audit what these paths are: trace folders, folders of them, files of other agents or folders of such,
    which are priced at `prices`, and of the format `format_name` ("": by their content). A trace that does
    not hold is named in the result; the others are audited. waiting: shown meanwhile.

    A run that is named more than once counts once, see `twins`.

    Raises UsageError for a path that is neither, or a folder in which there is no trace.
    """
    sources, passed_over = _sources(paths)
    whole, full = _whole(grouped(sources), prices, waiting, format_name)
    notes = whole.notes[:MOST_NOTES]
    if len(whole.notes) > MOST_NOTES:
        notes.append(f"runs of which the same is to be said: {len(whole.notes) - MOST_NOTES:,} more")
    if passed_over:
        notes.append(_passed_over(passed_over))
    return Audited(audit_of(whole.runs, whole.broken, whole.tallies, notes), tuple(full))


def _whole(
    sources: Sequence[tuple[Path, ...]], prices: Prices, waiting: Waiting, format_name: str
) -> tuple[Part, Sequence[Run]]:
    """All of them audited, and the runs themselves where they are few."""
    if len(sources) <= FEW:
        with waiting():
            whole = _audited(sources, prices, format_name, steps=True)
        if len(whole.runs) > FEW:  # one file may hold any number of them
            whole.full, whole.runs = [], [run.model_copy(update={"steps": ()}) for run in whole.runs]
        return whole, whole.full
    whole = Part()
    shares = [sources[at : at + TOGETHER] for at in range(0, len(sources), TOGETHER)]
    try:
        # Forked, as what starts this process may not be imported again; before any thread is started.
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_deaf) as pool:
            parts = pool.map(_share, shares, len(shares) * [prices], len(shares) * [format_name])
            with waiting():
                for part in parts:
                    whole.runs += part.runs
                    whole.broken += part.broken
                    whole.tallies.add(part.tallies)
                    whole.notes += part.notes
    except BrokenProcessPool:
        raise AgentError("a process of the audit was ended from outside (out of memory?)") from None
    return whole, ()


def _sources(paths: Sequence[Path]) -> tuple[list[Path], int]:
    """The trace folders and files that these paths mean, those of a folder sorted; and how many files in
    folders were passed over, as they are no runs."""
    found, passed_over = list[Path](), set[Path]()
    for path in paths:
        if path.is_dir() and not is_trace(path):
            in_it = list(_looked_at(path))
            sources = sorted(source for source, is_source in in_it if is_source)
            if not sources:
                raise UsageError(f"{path} is no trace, and there is none in it, nor a run of another agent")
            found += sources
            passed_over |= {source for source, is_source in in_it if not is_source}
        elif path.is_dir() or path.is_file():
            found.append(path.parent if path.name == EVENTS and is_trace(path.parent) else path)
        else:
            raise UsageError(f"{path} is neither a folder nor a file")
    return list(dict.fromkeys(found)), len(passed_over - set(found))


def _looked_at(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The trace folders below a folder, and outside them the files that another agent's run may be by their
    name, each with whether it is one, or looks like one; symbolic links are not followed."""
    for root, folders, names in os.walk(folder):
        if EVENTS in names:
            folders.clear()
            yield Path(root), True
            continue
        for path in (Path(root, name) for name in names if name.endswith(SUFFIXES)):
            yield path, not path.is_symlink() and path.is_file() and _is_run(path)


def _passed_over(files: int) -> str:
    which = "1 file is no run" if files == 1 else f"{files:,} files are no runs"
    return (
        f"{which} of a known format, or a link, and passed over (of those that end in {', '.join(SUFFIXES)})"
    )


def _deaf() -> None:
    """Ctrl-C is for the process that was asked; this one is ended by it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it has nothing to put in order


def _share(sources: Sequence[tuple[Path, ...]], prices: Prices, format_name: str) -> Part:
    return _audited(sources, prices, format_name, steps=False)


def _audited(sources: Sequence[tuple[Path, ...]], prices: Prices, format_name: str, *, steps: bool) -> Part:
    """Each group of sources that may be the same run."""
    part = Part()
    for group in sources:
        for run in _runs(group, part, prices, format_name, beliefs=steps):
            part.runs.append(audit_run(run, steps=steps))
            part.tallies.take(run)
            if steps:
                part.full.append(run)
    return part


def _runs(
    group: tuple[Path, ...], part: Part, prices: Prices, format_name: str, *, beliefs: bool
) -> Sequence[Run]:
    """What counts of a group; what is broken and what is to be noted is told to the part."""
    if not group[0].is_dir():
        for place, source in enumerate(group, start=1):
            with _naming_broken(source, part):
                found = _foreign(source, prices, format_name)
                part.notes += [copies_note(source, group[place:])] if group[place:] else []
                return found
        return ()
    run, notes = one_of(_ours(group, part, beliefs=beliefs))
    part.notes += notes
    return () if run is None else (run,)


def _ours(group: tuple[Path, ...], part: Part, *, beliefs: bool) -> Iterator[Run]:
    for source in group:
        with _naming_broken(source, part):
            yield our_run(source, beliefs=beliefs)


@contextmanager
def _naming_broken(source: Path, part: Part) -> Iterator[None]:
    try:
        yield
    except AgentError as error:
        tampered = isinstance(error, TraceError)
        part.broken.append(Broken(path=str(source), problem=str(error), tampered=tampered))


def _foreign(path: Path, prices: Prices, format_name: str) -> tuple[Run, ...]:
    """The runs in a file of another agent. Imported here, as few audits are of such."""
    from agent.foreign.interface import read_foreign

    return read_foreign(path, prices, format_name)


def _is_run(path: Path) -> bool:
    from agent.foreign.interface import is_run

    return is_run(path)
