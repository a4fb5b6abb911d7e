"""Guards: early returns, skips and default values put before a statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import variables
from .registry import Edit, Place, template
from .scope import parameters
from .source import walked

MAX_NAMES = 6
USUAL_RETURNS = (b"None", b"[]", b"0", b"False", b"True", b'""', b"{}", b"()")


def _insert(statement: ast.stmt, lines: list[bytes], place: Place, weight: float) -> Iterator[Edit]:
    """Insert lines before a statement, indented as it is (none where it shares its line)."""
    source = place.source
    indent = source.indent(statement)
    if indent is not None:
        start = source.offset(source.first_line(statement), statement.col_offset)
        glue = source.newline + indent
        yield Edit(start, start, b"".join(line + glue for line in lines), weight)


def returned_values(function: ast.AST, place: Place) -> list[bytes]:
    """What the function's return statements give (constants, names and empty displays), commonest first."""
    seen: dict[bytes, int] = {}
    for node in walked(function):
        if isinstance(node, ast.Return) and node.value is not None:
            empty = (
                isinstance(node.value, (ast.List, ast.Tuple, ast.Dict))
                and len(place.source.code(node.value)) == 2
            )
            if empty or isinstance(node.value, ast.Constant):
                code = place.source.code(node.value)
                seen[code] = seen.get(code, 0) + 1
    return sorted(seen, key=lambda code: (-seen[code], code))


@template("guard", ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For, ast.While, ast.If, prior=3.0)
def guard(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Return, or go on with the loop, when a name that the statement uses is None or empty.

    def f(xs):\\n    return xs[0]  ->  def f(xs):\\n    if not xs:\\n        return None\\n    return xs[0]
    def f(x):\\n    return x.y  ->  def f(x):\\n    if x is None:\\n        return None\\n    return x.y
    def f(x):\\n    return x.y.z  ->  def f(x):\\n    if x.y is None:\\n        return None\\n    return x.y.z
    """
    function = place.source.function(node)
    if function is None or _is_docstring(node):
        return
    unit = place.source.indent_unit
    heads = [
        getattr(node, name)
        for name in ("value", "test", "iter", "target")
        if isinstance(getattr(node, name, None), ast.AST)
    ]
    used = [n.id for head in heads for n in walked(head) if isinstance(n, ast.Name)]
    bases = [place.source.code(n).decode() for head in heads for n in walked(head) if _is_base(n, place)]
    local = place.project.names(node, place.source).local
    names = [name for name in dict.fromkeys(used) if name in local and name not in ("self", "cls")]
    first = [s for s in getattr(function, "body", []) if not _is_docstring(s)][:1]
    if first == [node]:
        names = list(dict.fromkeys([*names, *[p for p in parameters(function) if p not in ("self", "cls")]]))
    names = list(dict.fromkeys([*names[: MAX_NAMES - 2], *bases, *names]))
    values = list(dict.fromkeys([*returned_values(function, place), *USUAL_RETURNS]))
    in_loop = any(isinstance(a, (ast.For, ast.While)) for a in _within_function(node, place))
    for position, name in enumerate(names[:MAX_NAMES]):
        this, weight = name.encode(), 1.0 / (1 + 0.5 * position)
        for condition in (b"not " + this, this + b" is None"):
            head = b"if " + condition + b":"
            if in_loop:
                yield from _insert(node, [head, unit + b"continue"], place, weight)
                yield from _insert(node, [head, unit + b"break"], place, weight * 0.5)
            for rank, value in enumerate([*values, this]):
                body = unit + b"return " + value
                yield from _insert(node, [head, body], place, weight / (1 + 0.4 * rank))


def _is_base(node: ast.AST, place: Place) -> bool:
    """An attribute that the statement looks into, `x.y` of `x.y.z` or `x.y[0]`, or one of `self`."""
    if not isinstance(node, ast.Attribute):
        return False
    parent = place.source.parents[node]
    if isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is node:
        return True
    is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
    return is_own and not (isinstance(parent, ast.Call) and parent.func is node)


def _within_function(node: ast.AST, place: Place) -> Iterator[ast.AST]:
    for ancestor in place.source.ancestors(node):
        if isinstance(ancestor, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        yield ancestor


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@template("default for none", ast.Assign, ast.Return, ast.Expr, ast.For, ast.If, prior=1.0)
def default_for_none(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Give a parameter its value when it is None, before the function's first statement.

    def f(x):\\n    return x  ->  def f(x):\\n    if x is None:\\n        x = []\\n    return x
    def f(a, b=None):\\n    return b  ->  def f(a, b=None):\\n    if b is None:\\n        b = a\\n    return b
    """
    function = place.source.function(node)
    first = [s for s in getattr(function, "body", []) if not _is_docstring(s)][:1]
    if function is None or first != [node]:
        return
    unit = place.source.indent_unit
    names = [p for p in parameters(function) if p not in ("self", "cls")]
    absent = absent_by_default(function)
    for name in (absent or names)[:MAX_NAMES]:
        this, values = name.encode(), dict.fromkeys((b"[]", b"{}", b"0", b'""', b"()", b"set()"), 1.0)
        if name in absent:
            values.update({other.encode(): 1.0 for other in names[:4] if other != name})
            values.update({b"lambda item: item": 1.0} if "key" in name or "func" in name else {})
        for value, weight in values.items():
            lines = [b"if " + this + b" is None:", unit + this + b" = " + value]
            yield from _insert(node, lines, place, weight)


def absent_by_default(function: ast.AST) -> list[str]:
    """Parameters that are None when they are not given."""
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return []
    positional = [*function.args.posonlyargs, *function.args.args]
    given = list(zip(positional[len(positional) - len(function.args.defaults) :], function.args.defaults))  # noqa: B905
    given += [(a, d) for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults) if d]  # noqa: B905
    return [a.arg for a, d in given if isinstance(d, ast.Constant) and d.value is None]


@template("fallback value", ast.Name, ast.Attribute, ast.Call, prior=1.0)
def fallback_value(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Fall back to an empty value where None or an error would come.

    for x in xs: pass  ->  for x in xs or []: pass
    return x  ->  return x or None
    def f(x, y): return x  ->  def f(x, y): return x or y
    """
    parent, source = place.source.parents[node], place.source
    if isinstance(parent, ast.For) and parent.iter is node:
        yield Edit(*source.span(node), source.code(node) + b" or []")
    elif isinstance(parent, (ast.Return, ast.Assign)) and parent.value is node:
        for value in (b"None", b"[]", b'""', b"0", b"{}"):
            yield Edit(*source.span(node), source.code(node) + b" or " + value, 0.4)
        used = [n.id for n in walked(node) if isinstance(n, ast.Name)]
        for rank, name in enumerate([n for n in variables(node, place) if n not in used][:3]):
            yield Edit(*source.span(node), source.code(node) + b" or " + name.encode(), 0.4 / (1 + rank))
