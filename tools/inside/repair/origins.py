"""Which statements bind the names that a statement reads, outside of functions: what raises while a module is
imported is often wrong there."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from .source import NAMED_FUNCTIONS, Source

BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
Place = tuple[str, int]
"""A path below the root, and the first line of a statement."""


def origins(root: str, path: str, line: int) -> list[Place]:
    """Statements of the module, or of the one that a name is imported from, which bind a name that the
    statement at `line` of `path` reads. Nothing for files that cannot be read or parsed."""
    source = _load(root, path)
    if source is None:
        return []
    holds = [
        statement
        for statement in _statements(source.tree)
        if source.first_line(statement) <= line <= (statement.end_lineno or line)
    ]
    names = {
        node.id
        for node in (_own(holds[-1]) if holds else ())
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    found: list[Place] = []
    for statement in _statements(source.tree):
        bound = names & _bound(statement)
        if bound and statement not in holds:
            found.append((path, statement.lineno))
            if isinstance(statement, ast.ImportFrom):
                found += _imported(root, path, statement, bound)
    return found


def _imported(root: str, path: str, statement: ast.ImportFrom, names: set[str]) -> Iterator[Place]:
    """Statements that bind these names in the module they are imported from, if that is below the root."""
    folder = os.path.dirname(path)  # noqa: PTH120
    for _ in range(statement.level - 1):
        folder = os.path.dirname(folder)  # noqa: PTH120
    wanted = {alias.name for alias in statement.names if (alias.asname or alias.name) in names}
    for start in (folder,) if statement.level else ("", "src", folder):
        module = os.path.join(start, *(statement.module or "").split("."))  # noqa: PTH118
        for name in (f"{module}.py", f"{module}/__init__.py"):
            source = _load(root, name)
            if source is not None:
                bound = (each for each in _statements(source.tree) if wanted & _bound(each))
                yield from ((name, each.lineno) for each in bound)
                return


def _load(root: str, path: str) -> Source | None:
    try:
        with open(os.path.join(root, path), "rb") as file:  # noqa: PTH118, PTH123
            return Source(path, file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements outside of functions, outer ones first."""
    for field in BODIES:
        for each in getattr(node, field, ()):
            if isinstance(each, ast.stmt):
                yield each
            if not isinstance(each, NAMED_FUNCTIONS):
                yield from _statements(each)


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement without the statements in it."""
    waiting: list[ast.AST] = [
        child
        for name, value in ast.iter_fields(statement)
        if name not in BODIES
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST)
    ]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += ast.iter_child_nodes(node)


def _bound(statement: ast.stmt) -> set[str]:
    """Names that the statement binds by itself."""
    if isinstance(statement, (*NAMED_FUNCTIONS, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {
        node.id
        for node in _own(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del))
    }
