"""Maps the Python files of a repository that bear on some lines of it (see `mapping`).

Run in the repository's folder with settings as JSON on stdin: `first`, files to begin with; `lines`, lines of
interest by file; `seconds`. Files are mapped that define what those lines' definitions and the other files
of `first` use, or that mention them (null instead of `lines`: all files). One JSON line for each file goes to
the report as soon as it is read, so that a file that ends this process costs only those after it.
"""

from __future__ import annotations

import builtins
import json
import os
import re
import stat
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.inside.mapping import mapped
else:
    from mapping import mapped

Row = dict[str, Any]

SKIPPED_FOLDERS = {".git", ".hg", ".tox", ".venv", "__pycache__", "node_modules", "site-packages"}
MAX_FILES = 5_000
MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 40_000_000
MAX_MENTIONED = 20
ROUNDS = 3
"""What a test uses, what that uses, and what that is derived from."""

BUILTINS = frozenset(dir(builtins))
COMMON = frozenset(chain(*map(dir, (str, bytes, list, dict, set, int, Path))))
_DEFINED = re.compile(
    rb"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]{0,200})?=[^=]", re.MULTILINE
)


def files(first: list[str]) -> Iterator[str]:
    """Regular Python files, those asked for first; links are not followed."""
    seen = set()
    for path in first:
        if path.endswith(".py") and path not in seen and ".." not in path and not path.startswith("/"):
            seen.add(path)
            yield path
    for folder, names, found in os.walk("."):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        for name in sorted(found):
            path = f"{folder}/{name}"[2:]
            if name.endswith(".py") and path not in seen:
                yield path


class Mapping:
    """Maps files into the report, within the bounds."""

    def __init__(self, report: int, seconds: float) -> None:
        self._report = report
        self._end = time.monotonic() + seconds
        self._files = self._bytes = 0
        self.complete = True

    def read(self, path: str) -> bytes | None:
        """A regular file, or None when it is none, too large, or there is no time left."""
        if self._files >= MAX_FILES or self._bytes >= MAX_TOTAL_BYTES or time.monotonic() > self._end:
            self.complete = False
            return None
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
                return None
            data = Path(path).read_bytes()
        except OSError:
            return None
        self._files += 1
        self._bytes += len(data)
        return data

    def write(self, row: Row) -> None:
        """One line of the report."""
        line = json.dumps(row).encode() + b"\n"
        while line:
            line = line[os.write(self._report, line) :]

    def all(self, paths: Iterable[str]) -> list[Row]:
        """Map these files."""
        rows = []
        for path in paths:
            data = self.read(path)
            if data is not None:
                rows.append(mapped(path, data))
                self.write(rows[-1])
        return rows

    def related(self, rows: list[Row], lines: dict[str, list[int]], paths: Iterable[str]) -> None:
        """Map those of the paths that bear on the rows, which are mapped: round by round what they use."""
        interest = [each for row in rows for each in _interesting(row, lines.get(row["path"]))]
        suspects = [
            each for row in rows if row["path"] in lines for each in _interesting(row, lines[row["path"]])
        ]
        names = {_last(each) for each in suspects[:MAX_MENTIONED] if each["kind"] != "class"} - {"__init__"}
        calls = [f"{name}(".encode() for name in names]
        wanted = _used(rows, interest)
        waiting: dict[str, set[str]] = {}
        chosen: list[str] = []
        for path in paths:
            data = self.read(path)
            if data is None:
                continue
            if path.endswith("__init__.py"):  # it may hand on what it imports
                waiting[path] = {word.decode() for word in re.findall(rb"[A-Za-z_]\w*", data)}
            else:
                waiting[path] = {(a or b).decode("utf-8", "replace") for a, b in _DEFINED.findall(data)}
            if any(call in data for call in calls):
                chosen.append(path)
        for _ in range(ROUNDS):
            chosen += [path for path in waiting if waiting[path] & wanted and path not in chosen]
            found = self.all(chosen)
            for path in chosen:
                del waiting[path]
            # From here on only what classes are derived from.
            derived = [
                each for row in found for each in row.get("definitions", []) if each["kind"] == "class"
            ]
            wanted = {
                kind.split(".")[-1] for each in derived if _last(each) in wanted for kind in each["types"]
            }
            chosen = []


def _interesting(row: Row, lines: list[int] | None) -> list[Row]:
    """Definitions that hold one of the lines; all of a file without any."""
    definitions = row.get("definitions", [])
    if lines is None:
        return list(definitions)
    return [each for each in definitions if any(each["first"] <= line <= each["last"] for line in lines)]


def _last(definition: Row) -> str:
    return str(definition["name"]).split(".")[-1]


def _used(rows: list[Row], definitions: list[Row]) -> set[str]:
    """Last parts of the names that definitions use and that a file may define: what is called, asked for as
    an argument, a type, an attribute, or imported (by the name it has there)."""
    bound = {name: origin for row in rows for name, origin in row.get("bound", {}).items()}
    found = set()
    for each in definitions:
        for name in (*each["calls"], *each["names"], *each.get("types", []), *each.get("arguments", [])):
            head, _, attribute = name.partition(".")
            if head in bound:
                found.add(bound[head].split(".")[-1])
            if attribute:
                found |= {attribute.split(".")[-1]} - COMMON
        for name in (*each["calls"], *each.get("types", []), *each.get("arguments", [])):
            found |= {name} - BUILTINS
    return found


def main() -> int:
    """Map what is asked for within the bounds; the last line says whether that was all."""
    settings = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    mapping = Mapping(int(os.environ["AGENT_REPORT_FD"]), float(settings["seconds"]))
    first = list(dict.fromkeys(settings["first"]))
    paths = list(islice(files(first), 50 * MAX_FILES))
    begin = [path for path in paths if path in first]
    rest = [path for path in paths if path not in first]
    rows = mapping.all(begin)
    if settings["lines"] is None:
        mapping.all(rest)
    else:
        mapping.related(rows, settings["lines"], rest)
    mapping.write({"event": "end", "complete": mapping.complete})
    return 0


if __name__ == "__main__":
    sys.exit(main())
