"""Definitions: decorators, parameters and their defaults, `global` and `nonlocal`, `self.` before a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import is_docstring, nodes
from .registry import Edit, Place, template
from .scope import parameters
from .source import NAMED_FUNCTIONS, Source, pairs
from .usage import attribute_uses

EMPTY = {ast.List: b"[]", ast.Dict: b"{}", ast.Set: b"set()"}


def _start_of_line(node: ast.FunctionDef | ast.AsyncFunctionDef, source: Source) -> tuple[int, bytes] | None:
    indent = source.indent(node)
    return None if indent is None else (source.line_start(source.first_line(node)), indent)


@template("decorator", *NAMED_FUNCTIONS, prior=0.6)
def decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Drop a decorator, or put one that fits: for a method the usual ones, for any function those of the
    file.

    class A:\\n    def f(self): pass  ->  class A:\\n    @property\\n    def f(self): pass
    class A:\\n    @property\\n    def f(self): pass  ->  class A:\\n    def f(self): pass
    """
    source = place.source
    found = _start_of_line(node, source)
    if found is None:
        return
    start, indent = found
    own = [source.code(each) for each in node.decorator_list]
    for each in node.decorator_list:
        low = source.line_start(each.lineno)
        yield Edit(low, source.line_end(each.end_lineno or each.lineno), b"")
    usual: dict[bytes, float] = {}
    parent = source.parents[node]
    if isinstance(parent, ast.ClassDef):
        first = parameters(node)[:1]
        if first == ["self"] and len(parameters(node)) == 1:
            usual[b"property"] = 1.0
        elif first == ["cls"]:
            usual[b"classmethod"] = 2.0
        elif first != ["self"]:
            usual[b"staticmethod"] = 2.0
    elif isinstance(parent, NAMED_FUNCTIONS) and parent.args.args:
        wraps = b"functools.wraps" if place.project.names(node, source).defined("functools") else b"wraps"
        usual[wraps + b"(" + parent.args.args[0].arg.encode() + b")"] = 1.0
    for kind in NAMED_FUNCTIONS:
        for other in nodes(source).get(kind, ()):
            same = isinstance(source.parents[other], ast.ClassDef) == isinstance(parent, ast.ClassDef)
            for each in getattr(other, "decorator_list", []) if same else ():
                if b"." not in source.code(each) or isinstance(each, (ast.Name, ast.Attribute)):
                    usual.setdefault(source.code(each), 0.4)
    for code, weight in list(usual.items())[:8]:
        if code not in own and b"\n" not in code:
            yield Edit(start, start, indent + b"@" + code + source.newline, weight)
    for each in node.decorator_list:
        for name in (b"staticmethod", b"classmethod", b"property"):
            if (
                source.code(each) in (b"staticmethod", b"classmethod", b"property")
                and source.code(each) != name
            ):
                yield Edit(*source.span(each), name)


@template("property by use", *NAMED_FUNCTIONS, prior=4.0)
def property_by_use(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Make a method a property where the project reads it and never calls it, and a property a method where
    it is always called.

    class A:\\n    def f(self): pass\\nx = A().f + 1  ->  \
class A:\\n    @property\\n    def f(self): pass\\nx = A().f + 1
    class A:\\n    @property\\n    def f(self): pass\\nA().f()  ->  \
class A:\\n    def f(self): pass\\nA().f()
    """
    source, own = place.source, [place.source.code(each) for each in node.decorator_list]
    found = _start_of_line(node, source)
    if found is None or not isinstance(source.parents[node], ast.ClassDef) or parameters(node) != ["self"]:
        return
    uses = [attribute_uses(each).get(node.name, (0, 0)) for each in place.project.sources]
    called, read = (sum(counts) for counts in zip(*uses))  # noqa: B905 (inside runs on Python 3.8)
    if not own and read and not called:
        yield Edit(found[0], found[0], found[1] + b"@property" + source.newline)
    elif own == [b"property"] and called and not read:
        each = node.decorator_list[0]
        yield Edit(source.line_start(each.lineno), source.line_end(each.end_lineno or each.lineno), b"")


@template("mutable default", *NAMED_FUNCTIONS, prior=3.0)
def mutable_default(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Make a list, dictionary or set for each call, not once for all.

    def f(x, xs=[]):\\n    return xs  ->  \
def f(x, xs=None):\\n    if xs is None:\\n        xs = []\\n    return xs
    """
    source = place.source
    positional = [*node.args.posonlyargs, *node.args.args]
    given = list(zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults))  # noqa: B905
    given += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d]  # noqa: B905
    body = [each for each in node.body if not is_docstring(each)] or node.body
    indent = source.indent(body[0])
    for parameter, default in given:
        is_call = isinstance(default, ast.Call) and not default.args and not default.keywords
        if indent is None or not (type(default) in EMPTY or is_call):
            continue
        name, code = parameter.arg.encode(), source.code(default)
        (start, end), at = source.span(default), source.line_start(source.first_line(body[0]))
        guard = indent + b"if " + name + b" is None:" + source.newline
        guard += indent + source.indent_unit + name + b" = " + code + source.newline
        yield Edit(start, at, b"None" + source.data[end:at] + guard)


@template("field default", ast.AnnAssign, prior=8.0)
def field_default(node: ast.AnnAssign, place: Place) -> Iterator[Edit]:
    """Make a list, dictionary or set for each object of a dataclass, which refuses one for all.

    @dataclass\\nclass A:\\n    xs: list = []  ->  \
@dataclass\\nclass A:\\n    xs: list = field(default_factory=list)
    """
    source, value = place.source, node.value
    around = source.parents[node]
    if not isinstance(around, ast.ClassDef) or not isinstance(value, (ast.List, ast.Dict, ast.Set)):
        return
    if not any(b"dataclass" in source.code(each) for each in around.decorator_list):
        return
    empty = {"[]": b"list", "{}": b"dict"}.get(ast.unparse(value))
    factory = empty or b"lambda: " + source.code(value)
    name = b"dataclasses.field" if "dataclasses" in place.project.bound(source.tree) else b"field"
    yield Edit(*source.span(value), name + b"(default_factory=" + factory + b")")


@template("parameter default", *NAMED_FUNCTIONS, prior=0.8)
def parameter_default(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Give the last parameter without a default one, or take a default away.

    def f(a, b): pass  ->  def f(a, b=None): pass
    def f(a, b=1): pass  ->  def f(a, b): pass
    """
    source = place.source
    every = [*node.args.posonlyargs, *node.args.args]
    plain = every[: len(every) - len(node.args.defaults)]
    if plain and plain[-1].arg not in ("self", "cls"):
        end = source.span(plain[-1])[1]
        sign = b" = " if plain[-1].annotation else b"="
        for value in (b"None", b"0", b"False", b"True", b"()", b'""', b"1"):
            yield Edit(end, end, sign + value)
    if node.args.defaults:
        owner = every[len(plain)]
        yield Edit(source.span(owner)[1], source.span(node.args.defaults[0])[1], b"", 0.5)


@template("parameter order", *NAMED_FUNCTIONS, prior=0.3)
def parameter_order(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Swap two neighbouring parameters; take any further arguments; add a missing `self`.

    def f(a, b): pass  ->  def f(b, a): pass
    class A:\\n def f(x): pass  ->  class A:\\n def f(self, x): pass
    """
    source = place.source
    every = [*node.args.posonlyargs, *node.args.args]
    for one, other in pairs(every):
        (a, b), (c, d) = source.span(one), source.span(other)
        if source.data[b:c].strip() == b"," and one.arg not in ("self", "cls"):
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])
    first = every[0].arg if every else ""
    if isinstance(source.parents[node], ast.ClassDef) and first not in ("self", "cls"):
        opening = source.data.find(b"(", source.span(node)[0]) + 1
        yield Edit(opening, opening, b"self, " if every else b"self", 2.0)


@template("declared name", ast.Assign, ast.AugAssign, ast.AnnAssign, prior=1.0)
def declared_name(node: ast.Assign | ast.AugAssign | ast.AnnAssign, place: Place) -> Iterator[Edit]:
    """Assign to the module's or the outer function's variable of that name, or to `self`'s.

    n = 0\\ndef f():\\n    n = 1  ->  n = 0\\ndef f():\\n    global n\\n    n = 1
    def f():\\n    n = 0\\n    def g():\\n        n = 1  ->  \
def f():\\n    n = 0\\n    def g():\\n        nonlocal n\\n        n = 1
    class A:\\n n = 0\\n def f(self): n = 1  ->  class A:\\n n = 0\\n def f(self): self.n = 1
    """
    source = place.source
    function = source.function(node)
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(function, NAMED_FUNCTIONS) or not isinstance(target, ast.Name):
        return
    names = place.project.names(node, source)
    outer = [a for a in source.ancestors(function) if isinstance(a, NAMED_FUNCTIONS)]
    body = [each for each in function.body if not is_docstring(each)]
    indent = source.indent(body[0])
    if indent is not None and target.id not in parameters(function):
        at = source.offset(source.first_line(body[0]), body[0].col_offset)
        tail = b" " + target.id.encode() + source.newline + indent
        if any(target.id in place.project.bound(scope) for scope in outer):
            yield Edit(at, at, b"nonlocal" + tail, 2.0)
        if target.id in names.module:
            yield Edit(at, at, b"global" + tail, 2.0)
    first = parameters(function)[:1]
    if first in (["self"], ["cls"]):
        known = place.project.attributes(first[0], node, source)
        start = source.span(target)[0]
        yield Edit(start, start, first[0].encode() + b".", 2.0 if target.id in known else 0.3)


@template("super call", *NAMED_FUNCTIONS, prior=0.8)
def super_call(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Edit]:
    """Call the method of the base class first, with the parameters or without; or with its result at the end.

    class A(B):\\n    def f(self, x):\\n        g()  ->  \
class A(B):\\n    def f(self, x):\\n        super().f(x)\\n        g()
    """
    source, parent = place.source, place.source.parents[node]
    body = [each for each in node.body if not is_docstring(each)] or node.body
    indent = source.indent(body[0])
    if not isinstance(parent, ast.ClassDef) or not parent.bases or indent is None:
        return
    if b"super()" in source.code(node) or parameters(node)[:1] not in (["self"], ["cls"]):
        return
    given = [each.arg for each in (*node.args.posonlyargs, *node.args.args)][1:]
    at = source.offset(source.first_line(body[0]), body[0].col_offset)
    for names in [[], given, *[[name] for name in given[:3]]]:
        call = f"super().{node.name}({', '.join(names)})".encode()
        weight = 1.0 if node.name == "__init__" or names == given else 0.4
        yield Edit(at, at, call + source.newline + indent, weight)


@template("instance attribute", ast.ClassDef, prior=3.0)
def instance_attribute(node: ast.ClassDef, place: Place) -> Iterator[Edit]:
    """Give each object a list, dictionary or set of its own, not the class one for all.

    class A:\\n    xs = []\\n    def __init__(self):\\n        pass\\n  ->  \
class A:\\n    def __init__(self):\\n        self.xs = []\\n        pass\\n
    """
    source = place.source
    start = next((n for n in node.body if isinstance(n, NAMED_FUNCTIONS) and n.name == "__init__"), None)
    if start is None:
        return
    body = [each for each in start.body if not is_docstring(each)] or start.body
    indent, at = source.indent(body[0]), source.line_start(source.first_line(body[0]))
    for each in node.body:
        target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
        value = getattr(each, "value", None)
        is_call = isinstance(value, ast.Call) and not value.args and not value.keywords
        if not isinstance(target, ast.Name) or not (type(value) in EMPTY or is_call):
            continue
        if indent is None or each.lineno != each.end_lineno or source.indent(each) is None:
            continue
        low, high = source.line_start(each.lineno), source.line_end(each.lineno)
        own = indent + b"self." + source.code(each) + source.newline
        if high <= at:
            yield Edit(low, at, source.data[high:at] + own)
        elif low > at:
            yield Edit(at, high, own + source.data[at:low])


@template("stored attribute", ast.Attribute, prior=0.8)
def stored_attribute(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Assign to a variable instead of an attribute of that name.

    def f(self, x): self.x = 1  ->  def f(self, x): x = 1
    """
    if (
        isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    ):
        yield Edit(*place.source.span(node), node.attr.encode())


@template("asynchrony", ast.Await, ast.AsyncFor, ast.AsyncWith, ast.For, ast.With, prior=0.4)
def asynchrony(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Drop an `await`; add or drop `async` before a loop or `with` of a coroutine function.

    async def f(): return await g()  ->  async def f(): return g()
    async def f():\\n for x in xs: pass  ->  async def f():\\n async for x in xs: pass
    async def f():\\n async with a: pass  ->  async def f():\\n with a: pass
    """
    source = place.source
    start, end = source.span(node)
    if not isinstance(source.function(node), ast.AsyncFunctionDef):
        return
    if isinstance(node, ast.Await):
        yield Edit(start, end, source.code(node.value))
    elif isinstance(node, (ast.AsyncFor, ast.AsyncWith)):
        word = b"for" if isinstance(node, ast.AsyncFor) else b"with"
        yield Edit(start, source.data.index(word, start), b"")
    else:
        yield Edit(start, start, b"async ")
