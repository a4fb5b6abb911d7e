"""Statements: deleted, moved by one place or one level, swapped with a neighbour, small ones inserted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .registry import Edit, Place, template
from .source import walked

SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Break,
    ast.Continue,
    ast.Delete,
)
MAX_NAMES = 6


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _lines(node: ast.stmt, place: Place) -> tuple[int, int]:
    """Byte span of the statement's whole lines."""
    assert node.end_lineno is not None
    source = place.source
    return source.line_start(source.first_line(node)), source.line_end(node.end_lineno)


def _whole_lines(node: ast.stmt, place: Place) -> bool:
    """Whether the statement has its lines to itself (comments aside)."""
    start, end = _lines(node, place)
    tail = place.source.data[place.source.span(node)[1] : end].strip()
    return place.source.indent(node) is not None and (not tail or tail.startswith(b"#")) and start < end


@template("deleted statement", *SIMPLE, ast.If, prior=0.8)
def deleted_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Delete a statement.

    def f(x):\\n    x = 1\\n    return x  ->  def f(x):\\n    pass\\n    return x
    """
    if not _is_docstring(node) and not place.source.data.startswith(b"elif", place.source.span(node)[0]):
        yield Edit(*place.source.span(node), b"pass")


@template("moved statement", *SIMPLE, ast.If, prior=1.0)
def moved_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Swap a statement with the next one.

    def f(x):\\n    x += 1\\n    x *= 2\\n    return x  ->  def f(x):\\n    x *= 2\\n    x += 1\\n    return x
    """
    block = place.source.block(node)
    position = block.index(node)
    if position + 1 >= len(block) or _is_docstring(node):
        return
    other = block[position + 1]
    if _whole_lines(node, place) and _whole_lines(other, place):
        (a, b), (c, d) = place.source.span(node), place.source.span(other)
        if place.source.first_line(other) == other.lineno:
            yield Edit(a, d, place.source.data[c:d] + place.source.data[b:c] + place.source.data[a:b])


@template("dedented statement", *SIMPLE, prior=1.5)
def dedented_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Move the last statement of a block out of it.

    for x in xs:\\n    y = x\\n    z = y  ->  for x in xs:\\n    y = x\\nz = y
    """
    source = place.source
    block, parent = source.block(node), source.parents[node]
    if (
        not isinstance(parent, (ast.For, ast.While, ast.If, ast.With))
        or len(block) < 2
        or block[-1] is not node
    ):
        return
    indent, outer = source.indent(node), source.indent(parent)
    if (
        indent is not None
        and outer is not None
        and _whole_lines(node, place)
        and node.lineno == node.end_lineno
    ):
        start = source.line_start(node.lineno)
        yield Edit(start, start + len(indent), outer)


@template("indented statement", *SIMPLE, prior=1.0)
def indented_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Move a statement into the block before it.

    for x in xs:\\n    y = x\\nz = y  ->  for x in xs:\\n    y = x\\n    z = y
    """
    source = place.source
    block = source.block(node)
    position = block.index(node)
    before = block[position - 1] if position else None
    if not isinstance(before, (ast.For, ast.While, ast.If, ast.With)) or node.lineno != node.end_lineno:
        return
    tail = getattr(before, "orelse", None) or before.body
    indent, inner = source.indent(node), source.indent(tail[-1])
    if indent is not None and inner is not None and _whole_lines(node, place):
        start = source.line_start(node.lineno)
        yield Edit(start, start + len(indent), inner)


@template(
    "inserted statement",
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.While,
    ast.Return,
    prior=1.0,
)
def inserted_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Insert a small statement before this one: count, collect, remember, or a copy of a simple statement
    of the same function.

    def f(n):\\n    g(n)\\n    n += 1  ->  def f(n):\\n    n += 1\\n    g(n)\\n    n += 1
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    if function is None or indent is None or _is_docstring(node):
        return
    start, glue = source.offset(source.first_line(node), node.col_offset), source.newline + indent
    local = place.project.names(node, source).local
    ingredients: dict[bytes, float] = {}
    loop = next(
        (a for a in source.ancestors(node) if isinstance(a, ast.For) and isinstance(a.target, ast.Name)), None
    )
    if loop is not None and isinstance(loop.target, ast.Name):
        item = loop.target.id.encode()
        for name in sorted(n for n in local if n != loop.target.id)[:MAX_NAMES]:
            ingredients[name.encode() + b".add(" + item + b")"] = 0.4
            ingredients[name.encode() + b".append(" + item + b")"] = 0.4
    for name in sorted(n for n, line in local.items() if 0 < line <= node.lineno)[:MAX_NAMES]:
        ingredients[name.encode() + b" += 1"] = 0.4
        ingredients[name.encode() + b" -= 1"] = 0.2
    for other in walked(function):
        if (
            isinstance(other, (ast.Assign, ast.AugAssign, ast.Expr))
            and other is not node
            and not _is_docstring(other)
        ):
            code = source.code(other)
            if len(code) <= 80 and not re.search(rb"[\r\n]", code):
                ingredients[code] = 1.0
    for code, weight in sorted(ingredients.items())[:30]:
        yield Edit(start, start, code + glue, weight)
