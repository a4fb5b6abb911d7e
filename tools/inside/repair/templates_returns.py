"""Returns: missing, swapped, wrong value; yield."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .registry import Edit, Place, template
from .source import NAMED_FUNCTIONS, walked

MAX_VALUES = 12


@template("missing return", ast.Expr, prior=3.0)
def missing_return(node: ast.Expr, place: Place) -> Iterator[Edit]:
    """Return the value of an expression statement; most likely the last one of its function.

    def f(x):\\n    x + 1  ->  def f(x):\\n    return x + 1
    """
    function = place.source.function(node)
    if function is None or isinstance(node.value, (ast.Constant, ast.Yield, ast.YieldFrom)):
        return
    start = place.source.span(node)[0]
    last = getattr(function, "body", [None])[-1] is node
    if not isinstance(node.value, ast.Await) or last:
        yield Edit(start, start, b"return ", 2.0 if last else 1.0)
    yield Edit(start, start, b"yield ", 0.2)
    if isinstance(node.value, ast.Call):
        yield Edit(start, start, b"yield from ", 0.2)


@template(
    "return at the end",
    *NAMED_FUNCTIONS,
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.For,
    ast.While,
    ast.If,
    ast.With,
    prior=1.5,
)
def return_at_end(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Return a variable, or an attribute that it has set, at the end of a function that falls off it.

    def f(xs):\\n    ys = sorted(xs)  ->  def f(xs):\\n    ys = sorted(xs)\\n    return ys
    def f(self):\\n    self.n += 1  ->  def f(self):\\n    self.n += 1\\n    return self.n
    """
    source = place.source
    function = source.function(node)
    if function is None or getattr(function, "body", [None])[-1] is not node:
        return
    indent = source.indent(node)
    if indent is None or node.end_lineno is None:
        return
    end = source.span(node)[1]
    if source.data[end : source.line_end(node.end_lineno)].strip():
        return
    assigned = {n.id for n in walked(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    names = [n for n in place.project.names(node, source).local if n not in ("self", "cls")]
    for name in sorted(names, key=lambda n: (n not in assigned, n))[:MAX_VALUES]:
        yield Edit(
            end, end, source.newline + indent + b"return " + name.encode(), 1.0 if name in assigned else 0.6
        )
    stored = {source.code(n) for n in walked(function) if _is_set(n)}
    for value in sorted(stored)[:MAX_VALUES]:
        yield Edit(end, end, source.newline + indent + b"return " + value, 0.8)
    for value in (b"self", b"True", b"False", b"[]", b"0"):
        if value != b"self" or "self" in place.project.names(node, source).local:
            yield Edit(end, end, source.newline + indent + b"return " + value, 0.4)


def _is_set(node: ast.AST) -> bool:
    """Whether it is an attribute of a name that is assigned to."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and not isinstance(node.ctx, ast.Load)
    )


@template("return value", ast.Return, prior=2.0)
def return_value(node: ast.Return, place: Place) -> Iterator[Edit]:
    """Return what another return of the function gives, the negation, or a usual constant.

    def f(x):\\n    if x: return 1\\n    return 2  ->  def f(x):\\n    if x: return 2\\n    return 2
    def f(x):\\n    return x > 1  ->  def f(x):\\n    return not (x > 1)
    """
    function = place.source.function(node)
    if function is None or node.value is None:
        return
    span, own = place.source.span(node.value), place.source.code(node.value)
    others = {
        place.source.code(each.value): 1.0
        for each in walked(function)
        if isinstance(each, ast.Return) and each.value is not None
    }
    for name in place.project.names(node, place.source).local:
        if name not in ("self", "cls"):
            others.setdefault(name.encode(), 0.4)
    for value in (b"None", b"[]", b"0", b"True", b"False", b"self"):
        others.setdefault(value, 0.2)
    if "self" not in place.project.names(node, place.source).local:
        others.pop(b"self")
    others.pop(own, None)
    for value in list(others)[:MAX_VALUES]:
        yield Edit(*span, value, others[value])
    if not isinstance(node.value, ast.Constant):
        yield Edit(*span, b"not (" + own + b")", 0.5)


BUILTINS = ("iter", "len", "bool", "str", "repr", "hash", "int", "float", "bytes")
COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
BUILTIN_OF = {f"__{name}__": name.encode() for name in BUILTINS}


@template("value of a special method", ast.Return, prior=3.0)
def value_of_special(node: ast.Return, place: Place) -> Iterator[Edit]:
    """Return what a special method must give; ask first whether the other is of the own class.

    class A:\\n def __iter__(self): return self.xs  ->  class A:\\n def __iter__(self): return iter(self.xs)
    class A:\\n def __eq__(self, o): return self.x == o.x  ->  \
class A:\\n def __eq__(self, o): return isinstance(o, A) and self.x == o.x
    """
    source, function = place.source, place.source.function(node)
    owner = source.enclosing_class(node)
    if not isinstance(function, NAMED_FUNCTIONS) or node.value is None or owner is None:
        return
    span, code = source.span(node.value), source.code(node.value)
    builtin = BUILTIN_OF.get(function.name)
    if builtin is not None and not code.startswith(builtin):
        yield Edit(*span, builtin + b"(" + code + b")")
    elif (
        function.name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
        and len(function.args.args) == 2
    ):
        other = function.args.args[1].arg
        yield Edit(*span, f"isinstance({other}, {owner.name}) and ".encode() + code)
        yield Edit(*span, f"isinstance({other}, type(self)) and ".encode() + code, 0.5)


@template("bare return", ast.Return, ast.Yield, prior=1.0)
def bare_return(node: ast.Return | ast.Yield, place: Place) -> Iterator[Edit]:
    """Give a value to a bare return or yield.

    def f(x):\\n    return  ->  def f(x):\\n    return x
    def f(x):\\n    yield  ->  def f(x):\\n    yield x
    """
    if node.value is None and place.source.function(node) is not None:
        names = sorted(place.project.names(node, place.source).local)[:MAX_VALUES]
        start, end = place.source.span(node)
        for value in [*[n.encode() for n in names], b"[]", b"True", b"False", b"0"]:
            yield Edit(start, end, place.source.data[start:end] + b" " + value)


@template("return or yield", ast.Return, ast.Yield, ast.YieldFrom, prior=1.0)
def return_or_yield(node: ast.Return | ast.Yield | ast.YieldFrom, place: Place) -> Iterator[Edit]:
    """Swap `return`, `yield` and `yield from`.

    def f(x):\\n    yield x  ->  def f(x):\\n    yield from x
    def f(x):\\n    yield x  ->  def f(x):\\n    return x
    """
    if node.value is None or not isinstance(
        place.source.parents[node], (ast.Expr, *NAMED_FUNCTIONS, ast.If, ast.For)
    ):
        return
    own = {ast.Return: b"return", ast.Yield: b"yield", ast.YieldFrom: b"yield from"}[type(node)]
    value = place.source.code(node.value)
    for other in (b"yield", b"yield from", b"return"):
        if other != own:
            yield Edit(*place.source.span(node), other + b" " + value)
