"""Which parts of a repository bear on a failing test: by the map where there is one, else around the lines
that its output mentions. What each is worth is for policies to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Literal

from sandboxes.interface import REPO
from tools.mapped_tests import MOST_TESTS, test_of, tests_of
from tools.repository_map import Definition, Place, RepositoryMap

SMALL_FILE = 600
"""Bytes; a file that is smaller is one part."""

LARGE_DEFINITION = 200
WINDOW = 30
MAX_SUSPECTS = 40
MAX_EXPANDED = 5
"""Suspects whose callees, callers and types are looked for."""

MOST: Mapping[str, int] = {
    "callee": 20,
    "type": 12,
    "caller": 12,
    "import": 8,
    "neighbour": 3,
    "test": MOST_TESTS,
}
MAX_CLASS_LINES = 120
_MENTION = re.compile(r"([\w./@+-]{1,300}\.[A-Za-z]\w{0,9}):(\d{1,7})")

PartKind = Literal["test", "suspect", "callee", "type", "caller", "import", "neighbour"]
Read = Callable[[str], bytes | None]
Line = tuple[str, int]


@dataclass(frozen=True)
class Part:
    """Lines `first` to `last` (1-based, inclusive) of a file and why they may matter; `rank` counts from 1
    within a kind, what is likelier needed first."""

    path: str
    first: int
    last: int
    kind: PartKind
    name: str
    rank: int


def mentioned(texts: Iterable[str], read: Read) -> tuple[Line, ...]:
    """Lines of files of the repository that texts mention as `path:line`, the last mentioned first."""
    found: dict[Line, None] = {}
    for text in texts:
        for match in reversed(list(_MENTION.finditer(text[-20_000:]))[-200:]):
            whole = match[1].removeprefix("//").removeprefix(f"{REPO}/")
            path = str(PurePosixPath(whole))
            if ".." not in PurePosixPath(path).parts and read(path) is not None:
                found.setdefault((path, int(match[2])))
    return tuple(found)


def parts_of(
    repository: RepositoryMap,
    targets: Sequence[str],
    suspicious: Sequence[Line],
    failures: Sequence[str],
    read: Read,
) -> tuple[Part, ...]:
    """Parts that bear on the targets, by kind and rank.

    suspicious: lines, most suspect first. failures: what the tests said; the lines that it mentions are
    suspect too, after those. read: files of the base.
    """
    gathered = _Gathered(repository, read)
    own = [place for target in targets for place in tests_of(repository, target)]
    stopped = mentioned(failures, read)
    gathered.tests(targets, own, stopped)
    tests = {target.split("::")[0] for target in targets} | {path for path, each in own}
    lines = [line for line in chain(suspicious, stopped) if line[0] not in tests]
    suspects = gathered.suspects(lines)
    if not suspicious:
        suspects += gathered.called("suspect", own)
    suspects = suspects[:MAX_EXPANDED]
    gathered.called("callee", suspects)
    gathered.types(suspects)
    gathered.callers(suspects, tests)
    gathered.imports(list(dict.fromkeys(path for path, _ in lines))[:MAX_EXPANDED])
    gathered.neighbours(suspects)
    return gathered.parts()


class _Gathered:
    """Parts so far. A definition is a part once, under the first kind that it is found by."""

    def __init__(self, repository: RepositoryMap, read: Read) -> None:
        self._map = repository
        self._read = read
        self._found: dict[tuple[str, int, int], Part] = {}
        self._ranks: dict[PartKind, int] = {}

    def parts(self) -> tuple[Part, ...]:
        return tuple(self._found.values())

    def _add(self, kind: PartKind, path: str, first: int, last: int, name: str) -> bool:
        """Whether there was room for it."""
        rank = self._ranks.get(kind, 0) + 1
        if rank > MOST.get(kind, MAX_SUSPECTS):
            return False
        data = self._read(path)
        if data is None:
            return True
        if len(data) <= SMALL_FILE:
            first, last, name = 1, _count(data), ""
        key = (path, first, min(last, _count(data)))
        if key[2] >= first and key not in self._found:
            self._found[key] = Part(path, first, key[2], kind, name, rank)
            self._ranks[kind] = rank
        return True

    def _add_place(self, kind: PartKind, place: Place, line: int = 0) -> bool:
        """A definition; of a large one the lines around the one that matters, or its beginning."""
        path, each = place
        first, last = each.first, each.last
        if last - first >= LARGE_DEFINITION:
            middle = line or first + WINDOW
            first, last = max(first, middle - WINDOW), min(last, middle + WINDOW)
        return self._add(kind, path, first, last, each.name)

    def tests(self, targets: Sequence[str], places: Sequence[Place], stopped: Sequence[Line]) -> None:
        """Targets with what belongs to them, of a long one also where it `stopped`; of one that is not in the
        map, where its name stands."""
        for path, each in places:
            if each.kind == "class":  # of a helper class all of it, of the test's own class its head
                self._add(
                    "test",
                    path,
                    each.first,
                    each.last if each.last - each.first < 60 else each.head,
                    each.name,
                )
                continue
            self._add_place("test", (path, each))
            at = next(
                (line for where, line in stopped if where == path and each.first <= line <= each.last), 0
            )
            if at > each.first + 2 * WINDOW and each.last - each.first >= LARGE_DEFINITION:
                self._add_place("test", (path, each), at)
        for target in targets:
            path, *names = target.split("::")
            if test_of(self._map, target) is None:
                self._add_named(path, names)

    def _add_named(self, path: str, names: Sequence[str]) -> None:
        """Lines of a file around the first that holds the last part of a test's name, else its beginning."""
        data = self._read(path)
        if data is None:
            return
        words = re.split(r" > |[/\\:]", names[-1] if names else "")
        lines = data.decode("utf-8", "replace").split("\n")
        name = words[-1].partition("[")[0].removesuffix(f" #{words[-1].rpartition('#')[2]}") if words else ""
        at = next((number for number, line in enumerate(lines, 1) if name and name in line), 1 + WINDOW)
        self._add("test", path, max(1, at - WINDOW), at + WINDOW, name)

    def suspects(self, lines: Sequence[Line]) -> list[Place]:
        """Definitions that hold these lines, in their order; lines outside all definitions by themselves.

        The line that defines a function runs when its file is imported: it says nothing about the function.
        """
        places: list[Place] = []
        for path, line in lines:
            file = self._map.files.get(path)
            each = file.at(line) if file else None
            defines = each is not None and each.kind in ("function", "method") and line <= each.head
            if defines or (file and file.imports[0] <= line <= file.imports[1]):
                continue
            if file and each is not None and each.kind == "constant" and "." in each.name:
                each = file.by_name.get(each.name.rpartition(".")[0], each)
            if each is not None and each.kind == "class":
                each = _head(each) if line <= each.head else None
            if each is None:
                if not any(p.path == path and p.first <= line <= p.last for p in self._found.values()):
                    around = 3 if file and file.definitions else WINDOW
                    self._add("suspect", path, max(1, line - around), line + around, "")
            elif (path, each) not in places:
                places.append((path, each))
                if not self._add_place("suspect", (path, each), line):
                    break
        return places

    def called(self, kind: PartKind, places: Sequence[Place]) -> list[Place]:
        """What these definitions call or name, in their order; classes are left to `types`."""
        found: dict[Place, None] = {}
        for path, each in places:
            for name in (*each.calls, *each.names):
                for place in self._map.resolve(path, name, each.name):
                    if place in places:
                        continue
                    if place[1].kind != "class":
                        found.setdefault(place)
                    elif kind == "suspect" and (made := self._constructor(place)):
                        found.setdefault(made)
        for place in found:
            self._add_place(kind, place)
        return list(found)

    def _constructor(self, place: Place) -> Place | None:
        file = self._map.files[place[0]]
        made = file.by_name.get(f"{place[1].name}.__init__")
        return (place[0], made) if made else None

    def types(self, places: Sequence[Place]) -> None:
        """The classes that definitions belong to, construct or name: their heads and constructors."""
        found: dict[Place, None] = {}
        for path, each in places:
            owner = self._map.files[path].by_name.get(each.name.rpartition(".")[0])
            if owner is not None and owner.kind == "class":
                found.setdefault((path, owner))
            for name in (*each.types, *each.calls, *each.names):
                for place in self._map.resolve(path, name, each.name):
                    if place[1].kind == "class":
                        found.setdefault(place)
        for place in found:
            self._add_place("type", (place[0], _head(place[1])))
            if made := self._constructor(place):
                self._add_place("type", made)

    def callers(self, places: Sequence[Place], tests: set[str]) -> None:
        for place in places:
            for caller in self._map.callers(place):
                if (
                    caller[0] not in tests
                    and caller[1].kind != "class"
                    and not self._add_place("caller", caller)
                ):
                    return

    def imports(self, paths: Sequence[str]) -> None:
        for path in paths:
            first, last = self._map.files[path].imports if path in self._map.files else (0, 0)
            if first:
                self._add("import", path, first, min(last, first + 60), "imports")

    def neighbours(self, places: Sequence[Place]) -> None:
        """The whole class of a suspect, where it is not long."""
        for path, each in places:
            owner = self._map.files[path].by_name.get(each.name.rpartition(".")[0])
            if owner is not None and owner.last - owner.first < MAX_CLASS_LINES:
                self._add("neighbour", path, owner.first, owner.last, owner.name)


def _head(each: Definition) -> Definition:
    """A class without its functions; other definitions as they are."""
    if each.kind != "class" or not each.head:
        return each
    return Definition(each.name, each.kind, each.first, each.head, each.calls, each.names, each.types)


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))
