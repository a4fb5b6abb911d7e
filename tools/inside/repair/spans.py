"""The functions of a file at module or class level, under names that an edit leaves as they are."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .source import NAMED_FUNCTIONS, Source


@dataclass(frozen=True)
class Span:
    """`line`: the first one, decorators included. Bytes [start, end) of the file at `path`."""

    path: str
    name: str
    line: int
    start: int
    end: int


def functions_of(source: Source) -> dict[str, Span]:
    """By path, classes, name and number among those of the same name."""
    found: dict[str, Span] = {}
    times: Counter[str] = Counter()
    for inside, node in _functions(source.tree, f"{source.path}:"):
        name = inside + node.name
        times[name] += 1
        line = source.first_line(node)
        end = source.line_end(node.end_lineno or node.lineno)
        found[f"{name}#{times[name]}"] = Span(source.path, node.name, line, source.line_start(line), end)
    return found


def _functions(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, NAMED_FUNCTIONS):
            yield inside, child
        elif isinstance(child, ast.stmt):
            within = f"{inside}{child.name}." if isinstance(child, ast.ClassDef) else inside
            yield from _functions(child, within)
