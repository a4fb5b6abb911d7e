"""Arguments: given, passed on, by keyword, unpacked; calls that are missing; other callees."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from .ingredients import (
    callees,
    is_callee,
    is_read,
    nodes,
    passed_parameters,
    signature,
    signatures,
    variables,
)
from .registry import Edit, Place, template

KEYWORDS = {
    "sorted": (b"key=len", b"key=str.lower", b"key=str", b"key=lambda item: item[0]",
               b"key=lambda item: item[1]", b"key=abs"),
    "sort": (b"key=len", b"key=str.lower", b"key=str", b"key=lambda item: item[0]",
             b"key=lambda item: item[1]", b"key=abs"),
    "min": (b"default=None", b"default=0", b"key=len", b"key=abs", b"key=lambda item: item[1]"),
    "max": (b"default=None", b"default=0", b"key=len", b"key=abs", b"key=lambda item: item[1]"),
    "enumerate": (b"start=1",),
    "sum": (b"start=1",),
    "next": (b"None",),
    "getattr": (b"None",),
    "int": (b"base=2", b"base=16"),
    "zip": (b"strict=True",),
    "print": (b'end=""', b'sep=""'),
    "split": (b"maxsplit=1",),
    "rsplit": (b"maxsplit=1",),
    "splitlines": (b"keepends=True",),
    "dumps": (b"sort_keys=True", b"ensure_ascii=False", b"indent=2", b"default=str"),
    "open": (b'encoding="utf-8"', b'newline=""'),
    "mkdir": (b"parents=True", b"exist_ok=True"),
    "makedirs": (b"exist_ok=True",),
    "decode": (b'errors="replace"',),
    "encode": (b'errors="replace"',),
    "sub": (b"count=1",),
    "zip_longest": (b"fillvalue=None", b'fillvalue=""', b"fillvalue=0"),
    "accumulate": (b"initial=0",),
    "product": (b"repeat=2",),
}  # fmt: skip
UNARY_BUILTINS = frozenset(("len", "str", "int", "float", "bool", "list", "set", "tuple", "sorted", "iter"))


def _name_of(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _extended(node: ast.Call, code: bytes, place: Place, weight: float) -> Iterator[Edit]:
    """The call with an argument put at its end (none where a bare generator is the argument)."""
    source = place.source
    closing = source.span(node)[1] - 1
    every = [source.span(each)[1] for each in (*node.args, *node.keywords)]
    if not any(isinstance(arg, ast.GeneratorExp) for arg in node.args):
        trailing = b"," in source.data[max(every) : closing] if every else True
        yield Edit(closing, closing, (b"" if trailing else b", ") + code, weight)


@template("passed on parameter", ast.Call, prior=2.0)
def passed_on_parameter(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Give a parameter that the called function has and the call leaves out: the variable of that name, or
    another one; above all in a function that calls itself.

    def f(x, seen=None):\\n    return f(x - 1)  ->  def f(x, seen=None):\\n    return f(x - 1, seen)
    def g(a, b=1, c=0): pass\\ndef f(c): g(1)  ->  def g(a, b=1, c=0): pass\\ndef f(c): g(1, c=c)
    """
    callee = signature(_name_of(node), place)
    if callee is None or any(isinstance(arg, ast.Starred) for arg in node.args):
        return
    names = passed_parameters(callee)
    given = {keyword.arg for keyword in node.keywords} | set(names[: len(node.args)])
    by_keyword = names + [each.arg for each in callee.args.kwonlyargs]
    scale = 2.0 if place.source.function(node) is callee else 1.0
    visible = variables(node, place)
    missing = [name for name in by_keyword if name not in given][:4]
    for rank, name in enumerate(missing):
        is_next = not node.keywords and names[len(node.args) : len(node.args) + 1] == [name]
        if name in visible:
            code = name.encode() if is_next else f"{name}={name}".encode()
            yield from _extended(node, code, place, scale * 2 / (1 + rank))
        for other in visible[:6]:
            if other != name:
                code = other.encode() if is_next else f"{name}={other}".encode()
                yield from _extended(node, code, place, scale * 0.4 / (1 + rank))


@template("argument inserted", ast.Call, prior=1.0)
def argument_inserted(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Put a variable of the function, or `self`, before an argument.

    def f(a, b): return g(a)  ->  def f(a, b): return g(b, a)
    """
    source = place.source
    if isinstance(node.func, ast.Name) and node.func.id in UNARY_BUILTINS:
        return
    local = place.project.names(node, source).local
    names = [n for n in ("self",) if n in local] + variables(node, place)[:8]
    for position, arg in enumerate(node.args[:3]):
        if not isinstance(arg, (ast.Starred, ast.GeneratorExp)):
            start = source.span(arg)[0]
            for name in names:
                yield Edit(start, start, name.encode() + b", ", 1.0 / (1 + position))


@template("missing call", ast.Name, ast.Attribute, prior=2.0)
def missing_call(node: ast.Name | ast.Attribute, place: Place) -> Iterator[Edit]:
    """Call a function that is only named, with what is in scope where it needs an argument.

    def g(): pass\\ndef f(): return g  ->  def g(): pass\\ndef f(): return g()
    def g(a): pass\\ndef f(x): return g  ->  def g(a): pass\\ndef f(x): return g(x)
    for k, v in d.items: pass  ->  for k, v in d.items(): pass
    """
    source = place.source
    if not is_read(node) or is_callee(node, source):
        return
    end = source.span(node)[1]
    if isinstance(node, ast.Attribute):
        known = node.attr in signatures(source) or source.code(node) in callees(source)
        if known or any(hasattr(kind, node.attr) for kind in (str, list, dict, set)):
            yield Edit(end, end, b"()")
        needed = passed_parameters(signatures(source)[node.attr]) if node.attr in signatures(source) else []
    else:
        callee = signature(node.id, place)
        if callee is None or node.id in place.project.names(node, source).local:
            return
        needed = passed_parameters(callee)
        yield Edit(end, end, b"()", 0.3 if needed else 1.0)
    if len(needed) == 1:
        for rank, name in enumerate(variables(node, place)[:8]):
            yield Edit(end, end, b"(" + name.encode() + b")", 1.0 / (1 + 0.3 * rank))


@template("wrapped in a function", ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, prior=1.0)
def wrapped_in_function(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Give a value to a function of one parameter first: one of the file, or one that the file calls so.

    def g(a): pass\\ndef f(x): return x  ->  def g(a): pass\\ndef f(x): return g(x)
    """
    source = place.source
    parent = source.parents[node]
    comprehended = (ast.ListComp, ast.DictComp, ast.GeneratorExp)
    places = (ast.Return, ast.Assign, ast.Compare, ast.BinOp, ast.keyword, ast.For, ast.Yield, *comprehended)
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if not is_read(node) or not (isinstance(parent, places) or is_argument):
        return
    names = place.project.names(node, source)
    found: dict[bytes, float] = {}
    for name, function in signatures(source).items():
        is_method = isinstance(source.parents[function], ast.ClassDef)
        if len(passed_parameters(function)) == 1 and not name.startswith("__"):
            if not is_method and names.defined(name):
                found[name.encode()] = 1.0
            elif (
                is_method
                and source.parents[function] is source.enclosing_class(node)
                and "self" in names.local
            ):
                found[b"self." + name.encode()] = 0.7
    for call in nodes(source).get(ast.Call, ()):
        assert isinstance(call, ast.Call)
        name = getattr(call.func, "id", "")
        if name and len(call.args) == 1 and not call.keywords and names.defined(name):
            # Builtins are for "wrapped value", as long as they are among its usual ones.
            found.setdefault(name.encode(), 0.2 if hasattr(builtins, name) else 0.6)
    code = source.code(node)
    if isinstance(parent, ast.Call):
        found.pop(source.code(parent.func), None)
    for wrapper, weight in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:10]:
        yield Edit(*source.span(node), wrapper + b"(" + code + b")", weight * (0.5 if is_argument else 1.0))


@template("known keyword", ast.Call, prior=1.0)
def known_keyword(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Give a keyword that the called builtin or method is often given.

    y = sorted(xs)  ->  y = sorted(xs, key=len)
    y = max(xs)  ->  y = max(xs, default=0)
    def f(xs, d): return max(xs)  ->  def f(xs, d): return max(xs, key=d.get)
    """
    given = {keyword.arg for keyword in node.keywords}
    for rank, code in enumerate(KEYWORDS.get(_name_of(node), ())):
        if code.split(b"=")[0].decode() not in given:
            yield from _extended(node, code, place, 1.0 / (1 + 0.3 * rank))
    if _name_of(node) in ("min", "max", "sorted") and "key" not in given and len(node.args) == 1:
        for rank, name in enumerate(variables(node, place)[:4]):
            for method in ("get", "count", "index"):
                yield from _extended(node, f"key={name}.{method}".encode(), place, 0.5 / (1 + 0.3 * rank))


@template("keyword value", ast.keyword, prior=1.0)
def keyword_value(node: ast.keyword, place: Place) -> Iterator[Edit]:
    """Give the variable of the keyword's name, another variable, or the value to another parameter.

    def f(a, b): g(a=b)  ->  def f(a, b): g(a=a)
    def g(x, y): pass\\ng(x=1)  ->  def g(x, y): pass\\ng(y=1)
    """
    source = place.source
    call = source.parents[node]
    if node.arg is None or not isinstance(call, ast.Call):
        return
    visible = variables(node.value, place)
    if node.arg in visible and source.code(node.value) != node.arg.encode():
        yield Edit(*source.span(node.value), node.arg.encode())
    if not isinstance(node.value, ast.Name):  # names are for "variable"
        for name in visible[:6]:
            yield Edit(*source.span(node.value), name.encode(), 0.3)
    callee = signature(_name_of(call), place)
    if callee is not None:
        known = passed_parameters(callee) + [each.arg for each in callee.args.kwonlyargs]
        start = source.span(node)[0]
        for name in [n for n in known if n not in {keyword.arg for keyword in call.keywords}][:6]:
            yield Edit(start, start + len(node.arg.encode()), name.encode(), 0.5)


@template("unpacked argument", ast.Call, prior=0.4)
def unpacked_argument(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Unpack an argument, or pass it whole.

    f(xs)  ->  f(*xs)
    f(*xs)  ->  f(xs)
    f(options)  ->  f(**options)
    """
    source = place.source
    for arg in node.args[:4]:
        start, end = source.span(arg)
        if isinstance(arg, ast.Starred):
            yield Edit(start, end, source.code(arg.value))
        elif isinstance(arg, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            yield Edit(start, start, b"*")
            if arg is node.args[-1] and isinstance(arg, (ast.Name, ast.Attribute)):
                yield Edit(start, start, b"**", 0.3)
    for keyword in node.keywords:
        if keyword.arg is None:
            start, end = source.span(keyword)
            yield Edit(start, end, source.code(keyword.value), 0.5)


@template("starred display", ast.List, ast.Tuple, ast.Set, prior=0.3)
def starred_display(node: ast.List | ast.Tuple | ast.Set, place: Place) -> Iterator[Edit]:
    """Unpack an element of a display, or keep it whole.

    y = [a, b]  ->  y = [a, *b]
    y = [*a]  ->  y = [a]
    """
    for element in node.elts[:6] if is_read(node) else ():
        start, end = place.source.span(element)
        if isinstance(element, ast.Starred):
            yield Edit(start, end, place.source.code(element.value))
        elif isinstance(element, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            yield Edit(start, start, b"*")
