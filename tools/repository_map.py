"""The map of a repository: what is defined where, what it calls, and where a name is defined.

Files are parsed inside the sandbox (`inside/mapping_run.py`); here is what comes back, checked and bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from sandboxes.interface import INSIDE, REPO, RunRequest, Runtime
from tools.inside_files import inside_files
from tools.repair.reports import events

SECONDS = 20.0
MAX_REPORT = 64_000_000
MEMORY_BYTES = 2**30
MAX_DEPTH = 5
MAX_LINES = 200
MOST_OF_A_NAME = 2
"""Methods that may be meant where only their own name is known; with more it says nothing."""

Line = Annotated[int, Field(ge=0, le=10_000_000)]
Name = Annotated[str, Field(max_length=4_000)]
Names = Annotated[tuple[Name, ...], Field(max_length=1_000)]


@dataclass(frozen=True)
class Definition:
    """A function, class, test or assigned name: `name` qualified within its file, lines 1-based and
    inclusive, decorators included. calls, names, types: dotted names as they are written. head: the last line
    of a class before its first function, of a function before its body. fixture: pytest's."""

    name: Name
    kind: Literal["function", "method", "class", "constant", "test"]
    first: Line
    last: Line
    calls: Names = ()
    names: Names = ()
    types: Names = ()
    arguments: Names = ()
    head: Line = 0
    fixture: bool = False


@dataclass(frozen=True)
class FileMap:
    """A file: lines, bytes, lines of the imports at its top ((0, 0): none), what imports bind (name -> dotted
    origin), modules imported with *, and its definitions in order."""

    path: Name
    lines: Line
    size: Annotated[int, Field(ge=0)]
    imports: tuple[Line, Line] = (0, 0)
    bound: Annotated[dict[Name, Name], Field(max_length=1_000)] = field(default_factory=dict)
    stars: Names = ()
    definitions: Annotated[tuple[Definition, ...], Field(max_length=10_000)] = ()
    problem: Name = ""

    @cached_property
    def by_name(self) -> Mapping[str, Definition]:
        """The last definition of each qualified name."""
        return {each.name: each for each in self.definitions}

    def at(self, line: int) -> Definition | None:
        """The innermost definition that holds a line."""
        holding = [each for each in self.definitions if each.first <= line <= each.last]
        return min(holding, key=lambda each: each.last - each.first, default=None)


_COMMON = frozenset(chain(*map(dir, (str, bytes, list, dict, set, int, Path))))
"""Methods of builtin types: a call of one says nothing about the repository's."""

_FILE = TypeAdapter(FileMap)
Place = tuple[str, Definition]


@dataclass(frozen=True)
class RepositoryMap:
    """Files by path. `problem`: why it is not whole, "" when it is."""

    files: Mapping[str, FileMap]
    problem: str = ""

    @cached_property
    def _modules(self) -> Mapping[str, str]:
        """Dotted name -> path, with and without folders in front; what drops the fewest comes first."""
        found: dict[str, tuple[int, str]] = {}
        for path in sorted(self.files):
            parts = list(PurePosixPath(path).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            for dropped in range(len(parts)):
                name = ".".join(parts[dropped:])
                if name not in found or dropped < found[name][0]:
                    found[name] = (dropped, path)
        return {name: path for name, (_, path) in found.items()}

    @cached_property
    def _methods(self) -> Mapping[str, Sequence[Place]]:
        """By their own name, without those that builtin types have too; of languages whose imports are not
        followed, functions and classes as well."""
        found: dict[str, list[Place]] = {}
        for path, file in sorted(self.files.items()):
            kinds = {"method"} if path.endswith(".py") else {"method", "function", "class"}
            for each in file.definitions:
                if each.kind in kinds and (last := each.name.rpartition(".")[2]) not in _COMMON:
                    found.setdefault(last, []).append((path, each))
        return found

    def resolve(self, path: str, name: str, within: str = "") -> tuple[Place, ...]:
        """What a dotted name in a file may stand for; () when it is defined outside the repository or nobody
        knows. `within`: the qualified name of the definition that reads it."""
        head, _, rest = name.partition(".")
        if head in ("self", "cls", "this") and rest:
            found = self._method(path, within.rpartition(".")[0], rest.partition(".")[0], MAX_DEPTH)
        else:
            found = self._defined(path, name, MAX_DEPTH)
        if found:
            return (found,)
        last = name.rpartition(".")[2]
        known = self._methods.get(last, ()) if "." in name or not path.endswith(".py") else ()
        return tuple(known) if len(known) <= MOST_OF_A_NAME else ()

    def _method(self, path: str, owner: str, name: str, depth: int) -> Place | None:
        """A method of a class or of one of its bases."""
        file = self.files.get(path)
        if file is None or not depth:
            return None
        if found := file.by_name.get(f"{owner}.{name}"):
            return (path, found)
        bases = file.by_name[owner].types if owner in file.by_name else ()
        for base in bases:
            place = self._defined(path, base, depth - 1)
            if place and (found_in_base := self._method(place[0], place[1].name, name, depth - 1)):
                return found_in_base
        return None

    def _defined(self, path: str, name: str, depth: int) -> Place | None:
        """Where a dotted name is defined: in the file, or where the file imports it from."""
        file = self.files.get(path)
        if file is None or not depth:
            return None
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if found := file.by_name.get(".".join(parts[:length])):
                return (path, found)
        origins = [file.bound[parts[0]]] if parts[0] in file.bound else []
        for origin in [
            *(".".join([each, *parts[1:]]) for each in origins),
            *(f"{s}.{name}" for s in file.stars),
        ]:
            if found_there := self._imported(origin, depth - 1):
                return found_there
        return None

    def _imported(self, dotted: str, depth: int) -> Place | None:
        parts = dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            path = self._modules.get(".".join(parts[:length]))
            if path is not None:
                return self._defined(path, ".".join(parts[length:]), depth)
        return None

    def callers(self, place: Place) -> Iterator[Place]:
        """Definitions that call or name this one, in order of path and line."""
        last = place[1].name.rpartition(".")[2]
        for path, file in sorted(self.files.items()):
            for each in file.definitions:
                named = [n for n in (*each.calls, *each.names) if n.rpartition(".")[2] == last]
                if each != place[1] and any(place in self.resolve(path, n, each.name) for n in named):
                    yield (path, each)


def map_repository(
    runtime: Runtime,
    python: str,
    tests: Sequence[str],
    lines: Sequence[tuple[str, int]],
    seconds: float = SECONDS,
    repo: str = REPO,
) -> RepositoryMap:
    """Map the Python files that bear on test files and on (suspicious) lines, in the sandbox: those
    themselves, what defines what they use, what mentions them.

    A map that `seconds` or its bounds cut short says so; files that cannot be parsed are in it without
    definitions. Raises SandboxError when the sandbox is gone.
    """
    runtime.install_inside(inside_files())
    by_file: dict[str, list[int]] = {}
    for path, line in lines[:MAX_LINES]:
        by_file.setdefault(path, []).append(line)
    settings = {"first": [*tests, *by_file], "lines": by_file, "seconds": 0.8 * seconds}
    result = runtime.run(
        RunRequest(
            argv=(python, "-E", "-s", "-B", f"{INSIDE}/mapping_run.py"),
            timeout=seconds,
            cwd=repo,
            stdin=json.dumps(settings).encode(),
            report=True,
            max_report=MAX_REPORT,
            memory_bytes=MEMORY_BYTES,
        )
    )
    problem = "" if result.exit_code == 0 else "the map is not whole: its process ended early"
    if result.timed_out:
        problem = f"the map is not whole: it took longer than {seconds:.0f} s"
    return read_map(result.report, problem)


def read_map(report: bytes, problem: str = "") -> RepositoryMap:
    """The map that a report (untrusted) holds; what is malformed is left out."""
    files: dict[str, FileMap] = {}
    complete = False
    for event in events(report):
        if event.kind == "end":
            complete = event.truth("complete")
        elif event.kind == "file":
            try:
                file = _FILE.validate_python(event.fields)
            except ValidationError:
                continue
            files[file.path] = file
    if not complete and not problem:
        problem = "the map is not whole: the repository is larger than its bounds"
    return RepositoryMap(files, problem)
