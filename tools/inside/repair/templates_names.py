"""Names: variables, attributes, functions and arguments replaced by others that are in scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import attribute_names
from .registry import Edit, Place, template
from .scope import BUILTINS, dotted, parameters
from .source import FUNCTIONS, pairs

MAX_NAMES = 25


def _similarity(one: str, other: str) -> float:
    """Share of letters in a common prefix or suffix, in [0, 1]: `low` and `lower` are easily confused."""
    shortest = min(len(one), len(other))
    prefix = next((i for i in range(shortest) if one[i] != other[i]), shortest)
    suffix = next((i for i in range(shortest) if one[-1 - i] != other[-1 - i]), shortest)
    return min(1.0, max(prefix, suffix) / max(len(one), len(other)))


@template("variable", ast.Name, prior=5.0)
def variable(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Put another variable that is in scope; names of the own function first, similar names before others.

    def f(a, b): return a  ->  def f(a, b): return b
    """
    if not isinstance(node.ctx, ast.Load):
        return
    names = place.project.names(node, place.source)
    parent = place.source.parents[node]
    called = isinstance(parent, ast.Call) and parent.func is node
    if called and names.local.get(node.id) is None:
        return  # A called function of the module is the business of the template "function".
    ranked: dict[str, float] = {}
    for name, line in names.local.items():
        if line <= node.lineno:
            ranked[name] = 1.0
    for name in names.outer:
        ranked.setdefault(name, 0.5)
    if node.id in names.module or not names.defined(node.id):
        for name in names.module:
            ranked.setdefault(name, 0.4)
    ranked.pop(node.id, None)
    weighted = sorted(
        ((w * (0.6 + _similarity(node.id, n)), n) for n, w in ranked.items()), key=lambda p: (-p[0], p[1])
    )
    for weight, name in weighted[:MAX_NAMES]:
        yield Edit(*place.source.span(node), name.encode(), weight)


@template("stored variable", ast.Name, prior=1.0)
def stored_variable(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Assign to another variable of the function.

    def f(a, b): a = 1  ->  def f(a, b): b = 1
    """
    if not isinstance(node.ctx, ast.Store):
        return
    if not isinstance(place.source.statement(node), (ast.Assign, ast.AugAssign)):
        return
    for name in sorted(place.project.names(node, place.source).local)[:MAX_NAMES]:
        if name != node.id:
            yield Edit(*place.source.span(node), name.encode(), 0.6 + _similarity(node.id, name))


@template("function", ast.Name, prior=2.0)
def function(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Call another function of the module.

    g(x)\\ndef g(x): pass\\ndef h(x): pass  ->  h(x)\\ndef g(x): pass\\ndef h(x): pass
    """
    parent = place.source.parents[node]
    if not (isinstance(parent, ast.Call) and parent.func is node):
        return
    module = [
        n
        for n in place.source.tree.body
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    own = {type(n) for n in module if n.name == node.id}
    names = place.project.names(node, place.source)
    imported = [n for n in names.module if n not in {m.name for m in module} and n.islower()]
    ranked = {n.name: 1.0 if type(n) in own or not own else 0.3 for n in module}
    ranked.update(dict.fromkeys(imported, 0.3))
    ranked.update({n: 0.5 for n in names.local if n.islower() and names.local[n] <= node.lineno})
    ranked.pop(node.id, None)
    weighted = sorted(
        ((w * (0.5 + _similarity(node.id, n)), n) for n, w in ranked.items()), key=lambda p: (-p[0], p[1])
    )
    for weight, name in weighted[:MAX_NAMES]:
        yield Edit(*place.source.span(node), name.encode(), weight)


@template("attribute", ast.Attribute, prior=4.0)
def attribute(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Put another attribute or method seen on the same base (for `self`: of the class).

    a = self.x + self.y  ->  a = self.y + self.y
    """
    base = dotted(node.value)
    known = place.project.attributes(base, node, place.source) if base else {}
    if not known:
        known = dict.fromkeys(attribute_names(place.source)[0], 1)
        scale = 0.3
    else:
        scale = 1.0
    parent = place.source.parents[node]
    called = isinstance(parent, ast.Call) and parent.func is node
    seen_called = attribute_names(place.source)[1]
    end = place.source.span(node)[1]
    start = end - len(node.attr.encode())
    if place.source.data[start:end] != node.attr.encode():
        return
    weighted = []
    for name in known:
        if name != node.attr and not (name.startswith("__") and not called):
            fits = 1.0 if (name in seen_called) == called else 0.3
            weighted.append((scale * fits * (0.4 + _similarity(node.attr, name)), name))
    for weight, name in sorted(weighted, key=lambda pair: (-pair[0], pair[1]))[:MAX_NAMES]:
        yield Edit(start, end, name.encode(), weight)


@template("name to attribute", ast.Name, prior=0.7)
def name_to_attribute(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Use `self.x` where a plain name stands, or an attribute of the name.

    class A:\\n x = 1\\n def g(self): return x  ->  class A:\\n x = 1\\n def g(self): return self.x
    """
    if not isinstance(node.ctx, ast.Load) or node.id in ("self", "cls"):
        return
    owner = place.source.function(node)
    first = parameters(owner)[:1] if owner else []
    span = place.source.span(node)
    if first in (["self"], ["cls"]):
        known = place.project.attributes(first[0], node, place.source)
        if node.id in known:
            yield Edit(*span, f"{first[0]}.{node.id}".encode(), 2.0)
        for name in sorted(known):
            if _similarity(name, node.id) >= 0.5 and name != node.id:
                yield Edit(*span, f"{first[0]}.{name}".encode(), 0.4)
    if isinstance(place.source.parents[node], ast.Attribute):
        return
    for name in sorted(place.project.attributes(node.id, node, place.source))[:10]:
        yield Edit(*span, f"{node.id}.{name}".encode(), 0.3)


@template("attribute to base", ast.Attribute, prior=0.7)
def attribute_to_base(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Use the object where its attribute is taken, or the plain name where `self.name` is.

    def f(node): return node.next  ->  def f(node): return node
    def f(self, x): return self.x  ->  def f(self, x): return x
    def f(self, x): return self.x, x.y  ->  def f(self, x): return self.x.y, x.y
    """
    if not isinstance(node.ctx, ast.Load):
        return
    if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        if place.project.names(node, place.source).defined(node.attr):
            yield Edit(*place.source.span(node), node.attr.encode())
        for base in (f"{node.value.id}.{node.attr}", node.attr):
            known = place.project.attributes(base, node, place.source)
            for name in sorted(known, key=lambda n: -known[n])[:3]:
                yield Edit(*place.source.span(node), f"{node.value.id}.{node.attr}.{name}".encode(), 0.4)
    else:
        yield Edit(*place.source.span(node), place.source.code(node.value))


@template("argument swap", ast.Call, prior=3.0)
def argument_swap(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Swap two positional arguments.

    f(a, b)  ->  f(b, a)
    f(a, b, c)  ->  f(a, c, b)
    """
    source, args = place.source, node.args
    if any(isinstance(arg, (ast.Starred, ast.GeneratorExp)) for arg in args):
        return
    for i in range(min(len(args), 5)):
        for j in range(i + 1, min(len(args), 5)):
            (a, b), (c, d) = source.span(args[i]), source.span(args[j])
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 1.0 / (j - i))


@template("argument", ast.Call, prior=1.5)
def argument(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Drop one argument, or add a variable of the function as an argument.

    f(a, b)  ->  f(a)
    def f(a, b): return g(a)  ->  def f(a, b): return g(a, b)
    """
    source = place.source
    every: list[ast.expr | ast.keyword] = sorted([*node.args, *node.keywords], key=lambda n: source.span(n))
    for position, arg in enumerate(every):
        if len(every) == 1:
            if not isinstance(arg, ast.GeneratorExp):
                yield Edit(*source.span(arg), b"", 0.5)
        elif position:
            yield Edit(source.span(every[position - 1])[1], source.span(arg)[1], b"", 0.7)
        else:
            yield Edit(source.span(arg)[0], source.span(every[1])[0], b"", 0.5)
    scope = place.source.function(node)
    if (
        scope is None
        or any(isinstance(arg, (ast.Starred, ast.GeneratorExp)) for arg in node.args)
        or node.keywords
    ):
        return
    closing = source.span(node)[1] - 1
    names = place.project.names(node, source).local
    comma = b", " if node.args else b""
    for name in sorted(n for n, line in names.items() if line <= node.lineno)[:10]:
        yield Edit(closing, closing, comma + name.encode(), 0.3)


@template("tuple order", ast.Tuple, prior=2.0)
def tuple_order(node: ast.Tuple, place: Place) -> Iterator[Edit]:
    """Swap two neighbours of a tuple.

    return a, b  ->  return b, a
    x, y = y, x + 1  ->  y, x = y, x + 1
    """
    source, parts = place.source, node.elts
    for left, right in pairs(parts):
        (a, b), (c, d) = source.span(left), source.span(right)
        if source.data[b:c].strip() == b",":
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])


@template("exception type", ast.ExceptHandler, ast.Raise, prior=1.5)
def exception_type(node: ast.ExceptHandler | ast.Raise, place: Place) -> Iterator[Edit]:
    """Catch or raise another common exception.

    raise KeyError(x)  ->  raise ValueError(x)
    try: pass\\nexcept KeyError: pass  ->  try: pass\\nexcept IndexError: pass
    """
    target = node.type if isinstance(node, ast.ExceptHandler) else node.exc
    if isinstance(target, ast.Call):
        target = target.func
    if not isinstance(target, ast.Name):
        return
    own = [
        n.name
        for n in place.source.tree.body
        if isinstance(n, ast.ClassDef) and n.name.endswith(("Error", "Exception"))
    ]
    common = [
        "ValueError",
        "TypeError",
        "KeyError",
        "IndexError",
        "AttributeError",
        "LookupError",
        "StopIteration",
    ]
    more = [
        "ZeroDivisionError",
        "OverflowError",
        "NotImplementedError",
        "RuntimeError",
        "OSError",
        "Exception",
        "SyntaxError",
        "FileNotFoundError",
        "AssertionError",
        "TimeoutError",
        "UnicodeDecodeError",
        "RecursionError",
        "EOFError",
    ]
    imported = [n for n in place.project.bound(place.source.tree) if n.endswith(("Error", "Exception"))]
    for rank, name in enumerate(dict.fromkeys([*common, *own, *imported, *more])):
        if name != target.id and (name in BUILTINS or name in own or name in imported):
            yield Edit(*place.source.span(target), name.encode(), 1.0 / (1 + rank * 0.2))


@template("default value", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.0)
def default_value(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Change a parameter's default.

    def f(x=True): pass  ->  def f(x=False): pass
    def f(x=None): pass  ->  def f(x=0): pass
    """
    assert isinstance(node, FUNCTIONS)
    for default in [*node.args.defaults, *[d for d in node.args.kw_defaults if d]]:
        if not isinstance(default, ast.Constant):
            continue
        span = place.source.span(default)
        if isinstance(default.value, bool):
            yield Edit(*span, repr(not default.value).encode(), 1.0)
        elif default.value is None:
            for other in (b"0", b"()", b'""', b"1", b"True", b"False"):
                yield Edit(*span, other, 0.4)
        elif isinstance(default.value, (int, float)):
            yield Edit(*span, b"None", 0.4)
