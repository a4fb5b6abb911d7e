"""Reading a run that another agent wrote down, whatever its format: one importer for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from agent.audit.runs import Run, Source
from agent.errors import TraceError, UsageError
from agent.foreign.atif import Atif
from agent.foreign.claude_code import ClaudeCode
from agent.foreign.codex import Codex
from agent.foreign.mini_swe_agent import MiniSweAgent
from agent.foreign.reading import ForeignFile, Record
from policies.vocabulary import Prices


class Importer(Protocol):
    """Reads one format. A field of the wrong type is no field; a gap is a note, and its amounts are None."""

    @property
    def name(self) -> Source:
        """As `--format` names it."""
        ...

    @property
    def expects(self) -> str:
        """What such a file holds, for the one who gave another."""
        ...

    @property
    def words(self) -> tuple[bytes, ...]:
        """What, all of it, stands at the beginning of such a file, of whatever version and even if it is cut
        off, and of hardly any other."""
        ...

    def recognises(self, head: Sequence[Record]) -> bool:
        """Whether a file with these first lines (or this document) is of the format."""
        ...

    def read(self, file: ForeignFile, prices: Prices) -> tuple[Run, ...]:
        """The runs in it, to be audited by `prices`. Raises TraceError where it cannot be read."""
        ...


IMPORTERS: tuple[Importer, ...] = (Atif(), ClaudeCode(), Codex(), MiniSweAgent())

FORMATS: Mapping[str, Importer] = {importer.name: importer for importer in IMPORTERS}


BEGINNING = 2**16
"""Bytes of a file that no importer takes, in which a format's own words are looked for."""


def is_run(path: Path) -> bool:
    """Whether a file that was found in a folder is a run of some format, by its beginning, or looks like one
    that cannot be read: those are for `read_foreign` to read, or to name."""
    try:
        head = ForeignFile(path).head
    except UsageError:  # nobody knows what is in it
        return True
    except TraceError:
        head = ()
    return any(importer.recognises(head) for importer in IMPORTERS) or bool(_resembled(path, IMPORTERS))


def _resembled(path: Path, importers: Sequence[Importer]) -> str:
    """The one of these formats whose own words stand in the file's beginning, "" for none."""
    try:
        with path.open("rb") as stream:
            beginning = stream.read(BEGINNING)
    except OSError:
        return ""
    return next((each.name for each in importers if all(word in beginning for word in each.words)), "")


def read_foreign(path: Path, prices: Prices, format_name: str = "") -> tuple[Run, ...]:
    """The runs in a file of another agent; its format is told by its content unless it is named.

    Raises UsageError for a file that cannot be read, is too large, or a name of no format; TraceError where
    it is of none of the formats, or not of the one that was named.
    """
    if format_name and format_name not in FORMATS:
        raise UsageError(f"unknown format '{format_name}'; known are: {', '.join(FORMATS)}")
    file = ForeignFile(path)
    importers = [FORMATS[format_name]] if format_name else IMPORTERS
    for importer in importers:
        if importer.recognises(file.head):
            return importer.read(file, prices)
    file.check_size()
    expected = "; ".join(f"{importer.name}: {importer.expects}" for importer in importers)
    like = _resembled(path, importers)
    said = "is not a run of a known format"
    if like:
        said = f"begins like {like}, but is cut off or of an unknown version"
    raise TraceError(f"{path} {said}. Expected is {expected}")
