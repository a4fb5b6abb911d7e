"""A reply's changes made on the base: whole new contents, or one plain reason why they do not fit.

A place is found exactly or not at all, save where only white space differs and one place alone fits
(`places`). Files keep their form: byte order mark and line ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from agent.tiers.changes import Change, Delete, Hunk, Replace, Whole
from agent.tiers.lines import Place
from agent.tiers.places import Several, Unfit, place_of, places_of_all, put
from agent.tiers.reply_paths import without_lines
from sandboxes.interface import REPO
from tools.files import FileEdit
from tools.patch import unsafe_path
from tools.plain import plain_line

MAX_FILE = 2 * 2**20
MAX_UNNAMED = 20
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_LEFT_OUT = re.compile(
    r"\s*(?:#|//|--|/\*|<!--|;)?\s{0,3}(?:\.\.\.|…)\s{0,3}\(?(?:the )?"
    r"(?:rest|existing|unchanged|remaining|other|same)\b.*",
    re.IGNORECASE,
)

Read = Callable[[str], bytes | None]
Paths = Callable[[], Sequence[str]]


class EditRefused(ValueError):
    """The changes cannot be made; the message is one plain line that tells a model what to mend."""


def edits_of(changes: Sequence[Change], read: Read, files: Paths = tuple) -> tuple[FileEdit, ...]:
    """The files that the changes alter, each once, in order of mention. `read`: a file of the base, or None.
    `files`: paths of those that a change may be in that names none.

    Raises EditRefused when a change does not fit, leads out of the tree, or nothing is changed.
    """
    made: dict[str, _File] = {}
    by_path: dict[str, list[Change]] = {}
    unnamed = [change for change in changes if not change.path]
    if len(unnamed) > MAX_UNNAMED:
        raise EditRefused(f"more than {MAX_UNNAMED} edits name no file")
    among = files() if unnamed else ()
    for change in changes:
        path = path_of(change.path, read) if change.path else _path_by_text(change, read, among)
        by_path.setdefault(path, []).append(change)
    for path, mine in by_path.items():
        file = made[path] = _File(path, read(path))
        try:
            _make(file, mine)
        except Unfit as reason:
            raise EditRefused(plain_line(f"{path}: {reason}")) from None
    edits = [FileEdit(path, file.content()) for path, file in made.items()]
    altered = tuple(edit for edit in edits if edit.content != made[edit.path].base)
    if not altered:
        raise EditRefused("the edits change nothing")
    return altered


def path_of(named: str, read: Read) -> str:
    """The path in the tree that is meant. Raises EditRefused for one outside it."""
    path = named.strip().strip("`\"'")
    if read(path) is None:
        path = without_lines(path)
    if "\\" in path and read(path) is None:
        path = path.replace("\\", "/")
    path = path.removeprefix(f"{REPO}/")
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise EditRefused(plain_line(f"'{named}' leads out of the tree"))
    path = str(PurePosixPath(path))
    if path[:2] in ("a/", "b/") and read(path) is None and read(path[2:]) is not None:
        path = path[2:]
    reason = "names no file" if path == "." else unsafe_path(path)
    if reason or any(ord(character) in range(0xD800, 0xE000) for character in path):
        raise EditRefused(plain_line(f"'{named}' {reason or 'is not valid Unicode'}"))
    return path


def _path_by_text(change: Change, read: Read, files: Sequence[str]) -> str:
    """The one file that has the text of a change which names none, once. Raises EditRefused."""
    if isinstance(change, Whole | Delete):
        raise EditRefused("an edit names no file")
    old = change.old if isinstance(change, Hunk) else change.search.split("\n")
    first = next((line.strip() for line in old if line.strip()), "")[:60]
    if not first:
        raise EditRefused("an edit names no file, and has no text to search for")
    found, where = list[str](), ""
    for path in files:
        file = _File(path, read(path))
        if file.text is None or first not in file.text or len(found) > 1:
            continue
        try:
            place_of(file.old(), change)
        except Several:
            where = f"more than once in {path}"
        except Unfit:
            continue
        found.append(path)
    if len(found) == 1 and not where:
        return found[0]
    if len(found) != 1:
        where = f"in {' and '.join(found)}" if found else "in no file shown that may be edited"
    raise EditRefused(plain_line(f"an edit names no file, and its text to search for ('{first}') is {where}"))


class _File:
    """A file under change. `text`: line feeds at line ends, no byte order mark; None: not there, no text."""

    def __init__(self, path: str, base: bytes | None) -> None:
        self.path = path
        self.base = base
        self.text: str | None = None
        self._bom = self._crlf = False
        self._problem = ""
        if base is None:
            return
        if len(base) > MAX_FILE:
            self._problem = f"larger than {MAX_FILE // 2**20} MB"
            return
        try:
            text = base.decode()
        except UnicodeDecodeError:
            self._problem = "not UTF-8 text"
            return
        if "\0" in text:
            self._problem = "not text"
        self._bom = text.startswith(BOM)
        self._crlf = 0 < text.count("\n") == text.count("\r\n")
        text = text.removeprefix(BOM)
        self.text = text.replace("\r\n", "\n") if self._crlf else text

    def old(self) -> str:
        """The text, where there has to be one. Raises Unfit."""
        if self._problem:
            raise Unfit(f"the file is {self._problem}")
        if self.text is None:
            raise Unfit("there is no such file")
        return self.text

    def content(self) -> bytes | None:
        """Its bytes in the form the file had; None when it is gone. Raises EditRefused."""
        if self.text is None:
            return None
        text = self.text.replace("\n", "\r\n") if self._crlf else self.text
        try:
            return (BOM * self._bom + text).encode()
        except UnicodeEncodeError:
            raise EditRefused(plain_line(f"{self.path}: the new text is not valid Unicode")) from None


def _make(file: _File, changes: Sequence[Change]) -> None:
    """Make the changes of one file. Raises Unfit.

    Places are looked for in the file as it was, so that no change's text can be mistaken for another's; where
    one is only there after an earlier change, or two overlap, the changes are made one after the other.
    """
    before = file.text or ""
    for text in (line for change in changes for line in _new_lines(change)):
        if _LEFT_OUT.fullmatch(text[:200]) and text not in before:
            raise Unfit(f"the edit leaves text out ('{text.strip()[:60]}')")
    placed = [change for change in changes if isinstance(change, Replace | Hunk)]
    if len(placed) == len(changes) and len(placed) > 1 and file.base is not None:
        found = _all_at_once(file.old(), placed)
        if found is not None:
            file.text = found
            return
    done: set[Change] = set()
    for change in changes:
        if change in done:
            continue
        done.add(change)
        _make_one(file, change, Counter(changes)[change])


def _all_at_once(text: str, changes: Sequence[Replace | Hunk]) -> str | None:
    """The text with every change made in its place in it, or None where the order matters."""
    counts = Counter(changes)
    places: list[Place] = []
    for change, times in counts.items():
        try:
            places += places_of_all(text, change, times)
        except Unfit:
            return None
    places.sort(key=lambda place: (place.start, place.end))
    if any(a.end > b.start or a.start == b.start for a, b in pairwise(places)):
        return None
    return put(text, places)


def _make_one(file: _File, change: Change, times: int) -> None:
    match change:
        case Delete():
            file.old()
            file.text = None
        case Whole(content=content, loose=loose):
            if loose and not _like(content, file.old()):
                raise Unfit("what follows its name is not the whole file")
            if file.base is not None:
                file.old()
            file.text = _as_file(content)
        case Replace(search=search, replace=replace) if not search.strip():
            if file.base is not None and file.old().strip():
                raise Unfit("the text to search for is empty")
            file.text = _as_file(replace)
        case Replace():
            file.text = put(file.old(), places_of_all(file.old(), change, times))
        case Hunk():
            file.text = put(file.old(), [place_of(file.old(), change)])


def _like(content: str, old: str) -> bool:
    """Whether half of a file's lines are in the content that may be its new one."""
    before, after = ({line.strip() for line in text.split("\n")} - {""} for text in (old, content))
    return 2 * len(before & after) >= len(before) > 0


def _as_file(content: str) -> str:
    content = content.replace("\r\n", "\n").removeprefix(BOM)
    return f"{content}\n" if content and not content.endswith("\n") else content


def _new_lines(change: Change) -> Iterator[str]:
    match change:
        case Replace(replace=text) | Whole(content=text):
            yield from text.split("\n")
        case Hunk(new=lines):
            yield from lines
