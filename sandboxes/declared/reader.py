"""The files of a repository, read within bounds, with notes of what could not be."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandboxes.declared.formats import Sections, decode, load_ini, load_json
from sandboxes.declared.named import shorten
from sandboxes.toml import load_toml

MAX_TEXT_BYTES = 2**20
MAX_LOCK_BYTES = 8 * 2**20
"""One file's bounds; all that are read under a bound may have twice as much together."""

MAX_NOTES = 60
MAX_NOTE = 300

_Document = TypeVar("_Document")


@dataclass
class Reader:
    """Access to `files` (path -> bytes). A file that is missing or unreadable is empty; the latter is noted.

    `used` holds every path that was looked into.
    """

    files: Mapping[str, bytes]
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    _documents: dict[str, Any] = field(default_factory=dict)
    _bytes: Counter[int] = field(default_factory=Counter)

    def __contains__(self, path: str) -> bool:
        return path in self.files

    def text(self, path: str) -> str:
        """The file as text, with `\\n` for line ends."""
        return self._load(path, "text", decode, MAX_TEXT_BYTES, "")

    def ini(self, path: str) -> Sections:
        """The file's sections."""
        return self._load(path, "ini", lambda data: load_ini(decode(data)), MAX_TEXT_BYTES, {})

    def toml(self, path: str, max_bytes: int = MAX_TEXT_BYTES) -> dict[str, Any]:
        """The file's tables."""
        return self._load(path, "toml", lambda data: load_toml(data, max_bytes), max_bytes, {})

    def json(self, path: str) -> object:
        """The file's value; the file may have the size of a lock file."""
        return self._load(path, "json", load_json, MAX_LOCK_BYTES, None)

    def note(self, text: str) -> None:
        """One line for the user, about something left out; names in it may be the repository's."""
        text = "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_NOTE])
        if text not in self.notes and len(self.notes) <= MAX_NOTES:
            self.notes.append(text if len(self.notes) < MAX_NOTES else "more was left out, not listed here")

    def digest(self) -> str:
        """Hash of the names and bytes of every file that was read."""
        total = hashlib.sha256()
        for path in sorted(self.used):
            total.update(f"{path}\0{len(self.files[path])}\0".encode(errors="surrogateescape"))
            total.update(self.files[path])
        return total.hexdigest()

    def _load(
        self, path: str, form: str, load: Callable[[bytes], _Document], max_bytes: int, empty: _Document
    ) -> _Document:
        if path not in self.files:
            return empty
        key = f"{form}:{path}"
        if key not in self._documents:
            self._documents[key] = self._loaded(path, load, max_bytes, empty)
        document: _Document = self._documents[key]
        return document

    def _loaded(
        self, path: str, load: Callable[[bytes], _Document], max_bytes: int, empty: _Document
    ) -> _Document:
        data = self.files[path]
        self.used.add(path)
        if len(data) > max_bytes or self._bytes[max_bytes] + len(data) > 2 * max_bytes:
            self.note(f"{shown(path)} cannot be read: too large")
            return empty
        self._bytes[max_bytes] += len(data)
        try:
            return load(data)
        except ValueError as error:
            self.note(f"{shown(path)} cannot be read: {type(error).__name__}: {shorten(str(error))}")
            return empty


def shown(path: str) -> str:
    """A path of the repository for a note."""
    return path if path.isprintable() and len(path) <= 100 else shorten(path)
