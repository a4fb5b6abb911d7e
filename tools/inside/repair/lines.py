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
        if path not in self._maps:
            self._maps[path] = self._load(path)
        found = self._maps[path]
        return found.statements(lines) if found else []

    def _load(self, path: str) -> StatementMap | None:
        try:
            with open(os.path.join(self.root, path), "rb") as file:  # noqa: PTH118, PTH123
                return StatementMap(Source(path, file.read()))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None
