"""Statements inserted: steps about attributes of `self`, statements of other functions of the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import Piece, best, conditions, is_docstring, nodes, read_names, usable, variables
from .registry import Edit, Place, template
from .scope import dotted
from .source import Source, walked
from .templates_moves import ENDS
from .templates_statements import SIMPLE
from .usage import CONTAINER_METHODS, own_containers

MAX_STATEMENT = 60


def around(node: ast.stmt, texts: list[tuple[bytes, float]], place: Place) -> Iterator[Edit]:
    """Each text as a statement before the node, and behind it where it is the last of its block."""
    source = place.source
    indent = source.indent(node)
    if indent is None or is_docstring(node) or source.data.startswith(b"elif", source.span(node)[0]):
        return
    start, end = source.offset(source.first_line(node), node.col_offset), source.span(node)[1]
    is_last = source.block(node)[-1] is node and not isinstance(node, ENDS)
    for text, weight in texts:
        yield Edit(start, start, text + source.newline + indent, weight)
        if is_last:
            yield Edit(end, end, source.newline + indent + text, weight)


@lru_cache(maxsize=64)
def _stored_attributes(owner: ast.ClassDef) -> tuple[str, ...]:
    """Attributes of `self` that the class assigns to, as they come."""
    found = [
        node.attr
        for node in walked(owner)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and dotted(node.value) == "self"
    ]
    return tuple(dict.fromkeys(found))


@template("attribute step", *SIMPLE, ast.If, ast.For, ast.While, prior=1.0)
def attribute_step(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Insert a step that keeps an attribute of `self` up to date.

    class A:\\n def f(self, b):\\n  self.b = 0\\n  g()  ->  \
class A:\\n def f(self, b):\\n  self.b = 0\\n  self.b = b\\n  g()
    class A:\\n def f(self, b):\\n  self.bs.pop()\\n def g(self, x):\\n  h(x)  ->  \
class A:\\n def f(self, b):\\n  self.bs.pop()\\n def g(self, x):\\n  self.bs.append(x)\\n  h(x)
    """
    source = place.source
    owner, function = source.enclosing_class(node), source.function(node)
    if owner is None or function is None or "self" not in place.project.names(node, source).local:
        return
    names = variables(node, place)[:5]
    texts: list[tuple[bytes, float]] = []
    for attribute in _stored_attributes(owner)[:10]:
        for name in names:
            weight = 1.0 if name in attribute or attribute in name else 0.4
            texts.append((f"self.{attribute} = {name}".encode(), weight))
        texts.append((f"self.{attribute} += 1".encode(), 0.6))
        texts += [
            (f"self.{attribute} = {value}".encode(), 0.3) for value in ("None", "[]", "0", "True", "False")
        ]
    for attribute in sorted(own_containers(owner))[:5]:
        for name in names[:3]:
            for method in ("append", "add"):
                texts.append((f"self.{attribute}.{method}({name})".encode(), 0.8))
        texts += [(f"self.{attribute}.{method}()".encode(), 0.6) for method in ("clear", "pop")]
    yield from best(around(node, texts, place), 40)


@lru_cache(maxsize=256)
def _statements(source: Source) -> tuple[tuple[Piece, ast.AST | None], ...]:
    """Short simple statements of the file with the function each stands in."""
    found: dict[bytes, tuple[Piece, ast.AST | None]] = {}
    for kind in (ast.Assign, ast.AugAssign, ast.Expr, ast.Delete):
        for node in nodes(source).get(kind, ()):
            code = source.code(node)
            if len(code) > MAX_STATEMENT or b"\n" in code or is_docstring(node):
                continue
            every = [each for each in walked(node) if isinstance(each, ast.Name)]
            read = frozenset(each.id for each in every if isinstance(each.ctx, ast.Load))
            found.setdefault(code, (Piece(code, read, read, kind), source.function(node)))
    return tuple(found.values())


@template("borrowed statement", *SIMPLE, ast.If, ast.For, ast.While, prior=1.0)
def borrowed_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Insert a statement that stands elsewhere in the function, class or file.

    def f(a):\\n a.b()\\ndef g(a):\\n a.c()  ->  def f(a):\\n a.c()\\n a.b()\\ndef g(a):\\n a.c()
    """
    source = place.source
    function, owner = source.function(node), source.enclosing_class(node)
    if function is None:
        return
    texts: list[tuple[bytes, float]] = []
    for each, home in _statements(source):
        if each.code != source.code(node) and usable(each, node, place):
            same_class = home is not None and owner is not None and source.enclosing_class(home) is owner
            texts.append((each.code, 1.0 if home is function else 0.7 if same_class else 0.3))
    yield from best(around(node, texts, place), 30)


@template("last of a loop", ast.For, ast.While, prior=1.0)
def last_of_loop(node: ast.For | ast.While, place: Place) -> Iterator[Edit]:
    """Do behind a loop once more what it does with each part it has gathered: always, or if there is one.

    def f(xs):\\n    y = []\\n    for x in xs:\\n        yield y  ->  \
def f(xs):\\n    y = []\\n    for x in xs:\\n        yield y\\n    if y:\\n        yield y
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    if function is None or indent is None or node.orelse:
        return
    end, line, unit = source.span(node)[1], source.newline, source.indent_unit
    for each in walked(node):
        code = source.code(each) if isinstance(each, ast.Expr) else b"\n"
        if not isinstance(each, ast.Expr) or b"\n" in code or len(code) > MAX_STATEMENT:
            continue
        called = each.value.func if isinstance(each.value, ast.Call) else None
        gathers = isinstance(called, ast.Attribute) and called.attr in CONTAINER_METHODS
        if not (gathers or isinstance(each.value, (ast.Yield, ast.YieldFrom))):
            continue
        yield Edit(end, end, line + indent + code)
        tests = [name.encode() for name in read_names(each) if name != "self"][:4]
        tests += [other.code for other in conditions(function, source) if usable(other, each, place)][:4]
        for test in tests:
            yield Edit(end, end, line + indent + b"if " + test + b":" + line + indent + unit + code)
