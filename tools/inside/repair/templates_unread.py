"""What is given or imported and never used: parameters, variables, imported names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import best, is_callee, is_docstring, is_read, nodes, variables
from .registry import Edit, Place, template
from .scope import parameters
from .source import NAMED_FUNCTIONS, Source
from .templates_inserts import around
from .templates_libraries import imported_modules
from .templates_moves import lines, reindented
from .templates_statements import SIMPLE
from .usage import containers, own_containers, unread


@lru_cache(maxsize=1024)
def unused_imports(source: Source) -> tuple[str, ...]:
    """Names that the file imports at its top level and never mentions again, the first three."""
    if source.path.endswith("__init__.py") or b"__all__" in source.data:
        return ()
    used = {node.id for node in nodes(source).get(ast.Name, ()) if isinstance(node, ast.Name)}
    found = []
    for node in source.tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            found += [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    texts = source.data.decode("utf-8", "replace")
    once = [
        name for name in found if name not in used and len(re.findall(rf"\b{re.escape(name)}\b", texts)) == 1
    ]
    return tuple(once)[:3]


@template("unused import", ast.Call, ast.BinOp, ast.Name, ast.Attribute, ast.GeneratorExp, prior=1.5)
def unused_import(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Give a value to a function that is imported and not used, or call that one.

    from math import floor\\ny = a / b  ->  from math import floor\\ny = floor(a / b)
    import math\\ny = a / b  ->  import math\\ny = math.floor(a / b)
    from a import g, h\\ny = g(x)  ->  from a import g, h\\ny = h(x)
    """
    source = place.source
    unused = unused_imports(source)
    if not unused or not is_read(node):
        return
    parent, code, span = source.parents[node], source.code(node), source.span(node)
    callables = [name for name in unused if name not in imported_modules(source)]
    if is_callee(node, source):
        for name in callables:
            yield Edit(*span, name.encode())
        return
    places = (ast.Return, ast.Assign, ast.BinOp, ast.Compare, ast.keyword, ast.For, ast.comprehension)
    if not isinstance(parent, (*places, ast.Call, ast.ListComp)) or isinstance(node, ast.GeneratorExp):
        return
    for name in callables:
        yield Edit(*span, name.encode() + b"(" + code + b")", 0.7)
    for name in unused:
        for member in MEMBERS.get(name, ()) if isinstance(node, (ast.Call, ast.BinOp, ast.Name)) else ():
            yield Edit(*span, f"{name}.{member}(".encode() + code + b")", 0.5)


MEMBERS = {
    "math": ("sqrt", "floor", "ceil", "fabs", "log", "isclose"),
    "copy": ("deepcopy", "copy"),
    "re": ("escape",),
    "html": ("escape", "unescape"),
    "os": ("fspath", "path.basename", "path.abspath"),
    "json": ("dumps", "loads"),
    "shlex": ("split", "quote"),
}


@template("unused decorator", *NAMED_FUNCTIONS, prior=2.0)
def unused_decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Decorate with what is imported and not used.

    from contextlib import contextmanager\\ndef f(): yield 1  ->  \
from contextlib import contextmanager\\n@contextmanager\\ndef f(): yield 1
    import functools\\ndef f(x): return 1  ->  import functools\\n@functools.lru_cache\\ndef f(x): return 1
    """
    source, indent = place.source, place.source.indent(node)
    start = source.line_start(source.first_line(node))
    for name in unused_imports(source) if indent is not None else ():
        texts = ["functools.lru_cache", "functools.cache"] if name == "functools" else [name]
        texts = ["contextlib.contextmanager"] if name == "contextlib" else texts
        for text in texts if name not in ("re", "os", "sys", "math") else ():
            assert indent is not None
            yield Edit(start, start, indent + b"@" + text.encode() + source.newline)


@template("unread name", ast.Name, ast.Attribute, ast.Constant, ast.Call, ast.Subscript, ast.BinOp, prior=2.0)
def unread_name(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Use a parameter or variable that is never read: in the place of a value, or beside it.

    def f(n, low):\\n    total = g(n) + h(n)\\n    return total + 0  ->  \
def f(n, low):\\n    total = g(n) + h(n)\\n    return total + low
    """
    source, parent = place.source, place.source.parents[node]
    function = source.function(node)
    if function is None or not is_read(node) or is_callee(node, source):
        return
    if isinstance(parent, (ast.Expr, ast.JoinedStr, ast.Attribute, ast.arguments, ast.alias)):
        return
    known = variables(node, place)
    for name in (n for n in unread(function) if n in known):
        this, span, atom = name.encode(), source.span(node), source.atom(node)
        yield Edit(*span, this)
        if isinstance(parent, (ast.If, ast.While, ast.IfExp, ast.BoolOp)):
            code = source.code(node)
            for text in (code + b" and " + this, code + b" and not " + this, code + b" or " + this):
                yield Edit(*span, text)
        elif isinstance(parent, (ast.FormattedValue, ast.keyword)):
            yield Edit(*span, this + b" or " + source.code(node))
        elif not isinstance(node, ast.Constant) and isinstance(
            parent, (ast.Return, ast.Assign, ast.Call, ast.For)
        ):
            for text in (
                atom + b"[:" + this + b"]",
                atom + b" + " + this,
                this + b" + " + atom,
                atom + b" * " + this,
            ):
                yield Edit(*span, text, 0.5)


@template("unread parameter", *SIMPLE, ast.For, ast.If, ast.While, prior=2.0)
def unread_parameter(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Keep, call, use or ask for a parameter that the function never reads.

    class A:\\n def __init__(self, a, b):\\n  self.a = a\\n  self.c = [a, 1, 2, 3, 4, 5]  ->  \
class A:\\n def __init__(self, a, b):\\n  self.a = a\\n  self.b = b\\n  self.c = [a, 1, 2, 3, 4, 5]
    def f(a, b):\\n    a.x()\\n    a.y = [1, 2, 3, 4, 5, 6, 7, 8]\\n  ->  \
def f(a, b):\\n    if b:\\n        a.x()\\n    a.y = [1, 2, 3, 4, 5, 6, 7, 8]\\n
    """
    source = place.source
    function, owner, indent = source.function(node), source.enclosing_class(node), source.indent(node)
    if function is None or is_docstring(node):
        return
    idle = [name for name in unread(function) if name in parameters(function)]
    own = [f"self.{name}" for name in sorted(own_containers(owner))] if owner is not None else []
    texts: list[tuple[bytes, float]] = []
    known = variables(node, place) if idle else []
    for name in idle:
        if "self" in parameters(function) and source.parents[node] is function:
            texts.append((f"self.{name} = {name}".encode(), 1.0))
        for container in [*own[:3], *sorted(containers(function))[:2]]:
            texts += [
                (f"{container}.{verb}({name})".encode(), 0.5)
                for verb in ("update", "append", "add", "extend")
            ]
        for other in [n for n in reversed(known) if n not in idle][:3]:
            texts.append((f"{name}({other})".encode(), 0.5))
            texts += [(f"{other} {sign}= {name}".encode(), 0.5) for sign in ("+", "-", "*")]
    edits = list(around(node, texts, place))
    span = lines(node, source)
    for name in idle if indent is not None and span is not None else ():
        assert indent is not None
        inner = reindented(node, indent + source.indent_unit, source)
        for test in (
            (name.encode(), b"not " + name.encode()) if inner is not None and span is not None else ()
        ):
            assert inner is not None and span is not None
            edits.append(Edit(*span, indent + b"if " + test + b":" + source.newline + inner, 1.0))
    yield from best(edits, 30)


@template("unread argument", ast.Call, prior=2.0)
def unread_argument(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Pass on, by name or at the end, what the function is given and never reads.

    def f(xs, reverse):\\n    return [x for x in sorted(xs) if x] + [1, 2, 3, 4]  ->  \
def f(xs, reverse):\\n    return [x for x in sorted(xs, reverse=reverse) if x] + [1, 2, 3, 4]
    """
    source, function = place.source, place.source.function(node)
    if function is None or any(isinstance(arg, ast.GeneratorExp) for arg in node.args):
        return
    closing = source.span(node)[1] - 1
    comma = b", " if node.args or node.keywords else b""
    starred = {each.arg: stars for each, stars in _starred(function)}
    for name in unread(function):
        if name in starred:
            yield Edit(closing, closing, comma + starred[name] + name.encode(), 2.0)
        elif name in parameters(function):
            yield Edit(closing, closing, comma + f"{name}={name}".encode())
            if not node.keywords:
                yield Edit(closing, closing, comma + name.encode())


def _starred(function: ast.AST) -> list[tuple[ast.arg, bytes]]:
    assert isinstance(function, NAMED_FUNCTIONS)
    spec = function.args
    return [(each, stars) for each, stars in ((spec.vararg, b"*"), (spec.kwarg, b"**")) if each is not None]
