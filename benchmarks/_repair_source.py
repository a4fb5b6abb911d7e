"""A Python file as the makers of defects see it: byte spans, parents, names in scope; and their registry."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PARSER = threading.RLock()
"""Held wherever a syntax tree is made or compiled: CPython 3.11 fails where two threads do so at once."""


@dataclass(frozen=True)
class Change:
    """The bytes from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Defect:
    """One change of a file, with the kind of mistake it is and the line (from 1) it is on."""

    kind: str
    line: int
    change: Change


class Source:
    """A parsed file. Raises SyntaxError, or UnicodeDecodeError where it is not UTF-8."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        with PARSER:
            self.tree = ast.parse(data.decode("utf-8"))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self._names: dict[ast.AST | None, list[str]] = {}
        self._starts = [0]
        for line in data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined, no-any-return]

    def end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined, no-any-return]

    def text(self, node: ast.AST) -> str:
        """The node as it is written."""
        return self.data[self.start(node) : self.end(node)].decode()

    def replace(self, node: ast.AST, text: str) -> Change:
        return Change(self.start(node), self.end(node), text)

    def between(self, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[Change]:
        """The first `old` that stands between two nodes becomes `new`."""
        begin = self.end(left)
        gap = self.data[begin : self.start(right)].decode()
        if found := re.search(rf"(?<!\w){re.escape(old)}(?!\w)" if old[0].isalpha() else re.escape(old), gap):
            at = begin + len(gap[: found.start()].encode())
            yield Change(at, at + len(old.encode()), new)

    def swap(self, one: ast.AST, other: ast.AST) -> Change:
        """The first node and the second, which comes later, change places."""
        middle = self.data[self.end(one) : self.start(other)].decode()
        return Change(self.start(one), self.end(other), self.text(other) + middle + self.text(one))

    def drop(self, statement: ast.stmt) -> Iterator[Change]:
        """The statement goes, with its line if it has one to itself; the only one of a body becomes pass."""
        if len(self.siblings(statement)) == 1:
            yield self.replace(statement, "pass")
            return
        begin = self._starts[statement.lineno - 1]
        rest = self.data[self.end(statement) :].split(b"\n", 1)[0]
        if self.data[begin : self.start(statement)].strip() or rest.split(b"#")[0].strip():
            yield self.replace(statement, "pass")
        else:
            yield Change(begin, self.end(statement) + len(rest) + 1, "")

    def siblings(self, statement: ast.stmt) -> list[ast.stmt]:
        """The block that the statement is part of."""
        parent = self.parents.get(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    def up(self, node: ast.AST, *kinds: type[ast.AST]) -> ast.AST | None:
        """The nearest node of one of the kinds around this one."""
        found = self.parents.get(node)
        while found is not None and not isinstance(found, kinds):
            found = self.parents.get(found)
        return found

    def names(self, node: ast.AST) -> list[str]:
        """Parameters and local variables of the function around a node, sorted."""
        function = self.up(node, *FUNCTIONS)
        if function not in self._names:
            self._names[function] = self._find_names(function)
        return self._names[function]

    def _find_names(self, function: ast.AST | None) -> list[str]:
        if function is None:
            return []
        found = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
        found |= {
            each.id
            for each in ast.walk(function)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        return sorted(found - {"self", "cls", "_"})

    def methods(self, node: ast.AST) -> dict[str, int]:
        """Methods of the class around a node, with how many parameters each has."""
        around = self.up(node, ast.ClassDef)
        body = around.body if isinstance(around, ast.ClassDef) else []
        return {each.name: len(each.args.args) for each in body if isinstance(each, FUNCTIONS)}

    def attributes(self, node: ast.AST) -> list[str]:
        """Attributes of self that the class around a node assigns, sorted."""
        around = self.up(node, ast.ClassDef)
        return sorted(
            {
                each.attr
                for each in ast.walk(around or ast.Module([], []))
                if isinstance(each, ast.Attribute)
                and isinstance(each.ctx, ast.Store)
                and isinstance(each.value, ast.Name)
                and each.value.id == "self"
            }
        )

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """What may be mistaken: no annotations, no docstrings, nothing inside an f-string (where older
        interpreters give wrong places), nothing that only runs as a program."""
        return list(self._walk(self.tree))

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        yield node
        if isinstance(node, ast.JoinedStr):
            return
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_comment", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _idle(child):
                    yield from self._walk(child)


def _idle(node: ast.AST) -> bool:
    """Docstrings and other bare constants; code for type checkers or for running as a program."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return bool(re.search(r"TYPE_CHECKING|__main__", ast.unparse(node.test)))
    return isinstance(node, ast.Import | ast.ImportFrom)


Maker = Callable[[ast.AST, Source], Iterator[Change]]
MAKERS: dict[str, tuple[tuple[type[ast.AST], ...], Maker]] = {}
"""Kind of mistake -> the nodes it is made at, and what makes it."""


def mistake(name: str, *nodes: type[ast.AST]) -> Callable[[Callable[..., Iterator[Change]]], None]:
    """Register a maker of one kind of mistake."""

    def register(maker: Callable[..., Iterator[Change]]) -> None:
        if name in MAKERS:
            raise ValueError(f"two makers are called {name}")
        MAKERS[name] = (nodes, maker)

    return register
