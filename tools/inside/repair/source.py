"""One Python file under repair: its bytes, its tree, and exact byte spans of every node."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TypeVar

from .fstrings import locate

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
NAMED_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.Constant,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
)
Item = TypeVar("Item")
BOM = b"\xef\xbb\xbf"
MAX_FILE_BYTES = 2_000_000


@lru_cache(maxsize=8192)
def walked(node: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of `ast.walk`, kept: many templates look at the same functions."""
    return tuple(ast.walk(node))


class Source:
    """A parsed file. `path` is relative to the repository; all offsets are bytes into `data`.

    Raises SyntaxError, ValueError (not UTF-8, null bytes, too large), RecursionError or MemoryError for
    a file that cannot be handled.
    """

    def __init__(self, path: str, data: bytes) -> None:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        self.path = path
        self.data = data
        self.text = data.decode("utf-8-sig")
        self.tree = ast.parse(self.text)
        # ast columns count UTF-8 bytes of the text without its byte order mark.
        start = len(BOM) if data.startswith(BOM) else 0
        self._line_starts = [start] + [m.end() for m in re.finditer(rb"\r\n|\n|\r", data)]
        self.newline = b"\r\n" if b"\r\n" in data else b"\n"
        self.located = locate(self.tree, data, self.offset)  # f-strings whose inside can be edited
        self.parents: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }

    def offset(self, line: int, column: int) -> int:
        return self._line_starts[line - 1] + column

    def line_start(self, line: int) -> int:
        return self._line_starts[line - 1]

    def line_end(self, line: int) -> int:
        """Offset just after the line's newline (or the end of the file)."""
        return self._line_starts[line] if line < len(self._line_starts) else len(self.data)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Byte offsets [start, end) of an expression or statement, enclosing parentheses excluded."""
        assert isinstance(node, (ast.expr, ast.stmt, ast.keyword, ast.arg, ast.excepthandler, ast.alias))
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def code(self, node: ast.AST) -> bytes:
        start, end = self.span(node)
        return self.data[start:end]

    def atom(self, node: ast.AST) -> bytes:
        """The node's code, in parentheses where an operator beside it could tear it apart."""
        code = self.code(node)
        wrapped = code[:1] in (b"(", b"[", b"{") and isinstance(node, (ast.Tuple, ast.GeneratorExp))
        return code if isinstance(node, ATOMS) or wrapped else b"(" + code + b")"

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds the node (the node itself, if it is one)."""
        if isinstance(node, ast.stmt):
            return node
        return next((a for a in self.ancestors(node) if isinstance(a, ast.stmt)), None)

    def function(self, node: ast.AST) -> ast.AST | None:
        """The innermost named function around the node."""
        return next((a for a in self.ancestors(node) if isinstance(a, NAMED_FUNCTIONS)), None)

    def outermost_function(self, node: ast.AST) -> ast.AST | None:
        """The outermost named function around the node."""
        found = [a for a in self.ancestors(node) if isinstance(a, NAMED_FUNCTIONS)]
        return found[-1] if found else None

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        return next((a for a in self.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that the statement stands in."""
        parent = self.parents[statement]
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    def indent(self, statement: ast.stmt) -> bytes | None:
        """White space before the statement; None when it shares its line with something before it."""
        first = self.first_line(statement)
        before = self.data[self.line_start(first) : self.offset(first, statement.col_offset)]
        return before if not before.strip() else None

    @staticmethod
    def first_line(statement: ast.stmt) -> int:
        """The line a statement starts on, decorators included."""
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        return min([statement.lineno] + [decorator.lineno for decorator in decorators])

    @cached_property
    def indent_unit(self) -> bytes:
        """One level of indentation as this file writes it."""
        for node in ast.walk(self.tree):
            if isinstance(node, NAMED_FUNCTIONS) and node.body[0].lineno > node.lineno:
                inner, outer = self.indent(node.body[0]), self.indent(node)
                if inner is not None and outer is not None and inner.startswith(outer) and inner != outer:
                    return inner[len(outer) :]
        return b"    "

    def operator(self, left: ast.AST, right: ast.AST, pattern: bytes) -> tuple[int, int] | None:
        """Byte span of the operator that matches `pattern` between two operands; comments are skipped."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = re.sub(rb"#[^\r\n]*", lambda m: b" " * len(m.group()), self.data[start:end])
        match = re.search(pattern, gap)
        return (start + match.start(), start + match.end()) if match else None

    def apply(self, start: int, end: int, replacement: bytes) -> bytes:
        return self.data[:start] + replacement + self.data[end:]


def pairs(items: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Neighbours of a sequence (itertools.pairwise is newer than Python 3.9)."""
    return [(items[position], items[position + 1]) for position in range(len(items) - 1)]
