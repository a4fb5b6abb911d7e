"""Executed lines as statements: which statement a line belongs to, and which functions enclose it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable

from .source import NAMED_FUNCTIONS, Source


class StatementMap:
    """Maps executed lines of one file to first lines of their innermost statements."""

    def __init__(self, source: Source) -> None:
        self._statement: dict[int, int] = {}
        self._function: dict[int, int] = {}
        for node in ast.walk(source.tree):  # outer nodes come before inner ones
            if not isinstance(node, ast.stmt) or node.end_lineno is None:
                continue
            for line in range(source.first_line(node), node.end_lineno + 1):
                self._statement[line] = node.lineno
            if isinstance(node, NAMED_FUNCTIONS):
                for line in range(node.body[0].lineno, node.end_lineno + 1):
                    self._function[line] = node.lineno

    def statement(self, line: int) -> int:
        """First line of the innermost statement that holds the line (the line itself outside of any)."""
        return self._statement.get(line, line)

    def statements(self, lines: Iterable[int]) -> list[int]:
        """First lines of the statements executed. A function's own line counts as executed with its body:
        its defaults are part of every call."""
        found: set[int] = set()
        for line in lines:
            if line in self._statement:
                found.add(self._statement[line])
            if line in self._function:
                found.add(self._function[line])
        return sorted(found)


class Statements:
    """Statement maps of a repository's files, made when they are first needed."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._maps: dict[str, StatementMap | None] = {}

    def of(self, path: str, lines: Iterable[int]) -> list[int]:
        """Statements of the file at `path` (relative) for executed lines; nothing for a file that cannot
        be read or parsed (a generated name, an extension)."""
        found = self._map(path)
        return found.statements(lines) if found else []

    def frames(self, frames: Iterable[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
        """The same frames with the first lines of their statements."""
        found = []
        for path, line, function in frames:
            known = self._map(path)
            found.append((path, known.statement(line) if known else line, function))
        return found

    def _map(self, path: str) -> StatementMap | None:
        if path not in self._maps:
            self._maps[path] = self._load(path)
        return self._maps[path]

    def _load(self, path: str) -> StatementMap | None:
        try:
            with open(os.path.join(self.root, path), "rb") as file:  # noqa: PTH118, PTH123
                return StatementMap(Source(path, file.read()))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None
