"""Passing on: variable arguments, attributes named like parameters, empty values, calls as elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import (
    Piece,
    best,
    is_callee,
    is_read,
    nodes,
    passed_parameters,
    piece,
    signature,
    signatures,
    usable,
    variables,
)
from .registry import Edit, Place, template
from .scope import dotted
from .source import NAMED_FUNCTIONS

EMPTY = {
    "int": b"0", "float": b"0", "str": b'""', "len": b"()", "list": b"()", "sorted": b"()", "set": b"()",
    "tuple": b"()", "sum": b"()", "dict": b"{}", "join": b"()", "update": b"{}", "extend": b"()",
}  # fmt: skip


@template("variable arguments", ast.Call, prior=1.5)
def variable_arguments(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Pass on `*args` and `**kwargs` of the function where they are left out, or given as they are.

    def f(g, *args, **kwargs): return g(*args)  ->  def f(g, *args, **kwargs): return g(*args, **kwargs)
    def f(g, *a, **b): return g(a, b)  ->  def f(g, *a, **b): return g(*a, **b)
    """
    source = place.source
    function = source.function(node)
    if not isinstance(function, NAMED_FUNCTIONS):
        return
    spec = function.args
    star = spec.vararg.arg.encode() if spec.vararg else b""
    stars = spec.kwarg.arg.encode() if spec.kwarg else b""
    code, start = source.code(node), source.span(node)[0]
    head = source.span(node.func)[1] - start
    inner = code[head:]
    closing = source.span(node)[1] - 1
    comma = b", " if node.args or node.keywords else b""
    if star and star not in inner and not node.keywords:
        yield Edit(closing, closing, comma + b"*" + star)
    if stars and stars not in inner:
        yield Edit(closing, closing, comma + b"**" + stars)
        if star and star not in inner:
            yield Edit(closing, closing, comma + b"*" + star + b", **" + stars)
    plain = {source.code(arg): source.span(arg) for arg in node.args}
    if star in plain and stars in plain and star and stars:
        yield Edit(plain[star][0], plain[stars][1], b"*" + star + b", **" + stars, 2.0)


@template("argument by its name", ast.Call, prior=1.5)
def argument_by_name(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Give a parameter that the call leaves out the attribute of `self` of that name.

    class A:\\n def __init__(self, a, b=0): self.a, self.b = a, b\\n def f(self): return A(1)  ->  \
class A:\\n def __init__(self, a, b=0): self.a, self.b = a, b\\n def f(self): return A(1, self.b)
    """
    source = place.source
    name = dotted(node.func).rpartition(".")[2] or getattr(node.func, "attr", "")
    callee = signature(name, place)
    if callee is None or "self" not in place.project.names(node, source).local:
        return
    if any(isinstance(arg, ast.Starred) for arg in node.args) or not (node.args or node.keywords):
        return
    known = place.project.attributes("self", node, source)
    needed, given = passed_parameters(callee), {keyword.arg for keyword in node.keywords}
    closing, comma = source.span(node)[1] - 1, b", " if node.args or node.keywords else b""
    for position, parameter in enumerate(needed[: len(node.args) + 2]):
        if parameter not in known or parameter in given:
            continue
        value = b"self." + parameter.encode()
        if position < len(node.args):
            start = source.span(node.args[position])[0]
            if value not in source.code(node):
                yield Edit(start, start, value + b", ", 0.7)
        elif position == len(node.args) and not node.keywords:
            yield Edit(closing, closing, comma + value)
        else:
            yield Edit(closing, closing, comma + parameter.encode() + b"=" + value, 0.7)


@template("argument or nothing", ast.Name, ast.Attribute, ast.Subscript, ast.Call, prior=0.8)
def argument_or_nothing(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Give an empty value in the place of None.

    y = int(x)  ->  y = int(x or 0)
    y = g(x, 1)  ->  y = g(x or "", 1)
    """
    source, parent = place.source, place.source.parents[node]
    if not isinstance(parent, ast.Call) or node not in parent.args or not is_read(node):
        return
    name = dotted(parent.func).rpartition(".")[2] or getattr(parent.func, "attr", "")
    end = source.span(node)[1]
    if name in EMPTY and not isinstance(node, ast.Call):
        yield Edit(end, end, b" or " + EMPTY[name])
    elif (
        name not in EMPTY
        and isinstance(node, ast.Name)
        and name not in ("range", "isinstance", "print", "min")
    ):
        yield Edit(end, end, b' or ""', 0.3)


@template("called as elsewhere", ast.Name, ast.Subscript, ast.Attribute, ast.ListComp, prior=0.8)
def called_as_elsewhere(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Return a value the way another place of the class or file does: as an argument of a call.

    def f(a, xs): return f(a, xs)\\ndef h(a, ys): return ys  ->  \
def f(a, xs): return f(a, xs)\\ndef h(a, ys): return f(a, ys)
    """
    source = place.source
    if not isinstance(source.parents[node], (ast.Return, ast.Yield)) or is_callee(node, source):
        return
    edits: dict[bytes, float] = {}
    for call in nodes(source).get(ast.Call, ())[:200]:
        assert isinstance(call, ast.Call)
        if not isinstance(source.parents[call], (ast.Return, ast.Yield)) or not 2 <= len(call.args) <= 3:
            continue
        made = piece(call, source)
        if made is None:
            continue
        start = source.span(call)[0]
        for arg in call.args:
            low, high = (at - start for at in source.span(arg))
            text = made.code[:low] + source.code(node) + made.code[high:]
            rest = made.code[:low] + made.code[high:]
            free = frozenset(name for name in made.names if name.encode() in rest)
            same_kind = isinstance(arg, (ast.Name, ast.Subscript, ast.ListComp))
            if same_kind and usable(Piece(text, free, free, made.kind), node, place):
                edits[text] = max(edits.get(text, 0.0), 1.0 if arg is call.args[-1] else 0.5)
    yield from best((Edit(*source.span(node), text, weight) for text, weight in edits.items()), 8)


@template("whole to part", ast.Name, prior=0.7)
def whole_to_part(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Use an attribute of the own object where the whole of it is used.

    class A:\\n def f(self): return hash(self)\\n def g(self): return self.key  ->  \
class A:\\n def f(self): return hash(self.key)\\n def g(self): return self.key
    """
    source, parent = place.source, place.source.parents[node]
    if node.id != "self" or isinstance(parent, ast.Attribute) or not is_read(node):
        return
    known = place.project.attributes("self", node, source)
    names = [n for n in known if not n.startswith("__")]
    for rank, name in enumerate(sorted(names, key=lambda n: -known[n])[:8]):
        yield Edit(*source.span(node), b"self." + name.encode(), 1.0 / (1 + 0.2 * rank))


@template("given to a helper", ast.Name, ast.Subscript, ast.Call, ast.Attribute, prior=1.0)
def given_to_helper(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Give a value to a function of the file whose other parameters are variables of the same names.

    def g(k, v): pass\\ndef f(k, x): return x  ->  def g(k, v): pass\\ndef f(k, x): return g(k, x)
    """
    source, parent = place.source, place.source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if not is_read(node) or not (is_argument or isinstance(parent, (ast.Return, ast.Assign))):
        return
    names, known = place.project.names(node, source), variables(node, place)
    for name, function in signatures(source).items():
        needed = passed_parameters(function)
        missing = [n for n in needed if n not in known]
        if not 2 <= len(needed) <= 3 or len(missing) != 1 or function is source.function(node):
            continue
        is_method = isinstance(source.parents[function], ast.ClassDef)
        own = is_method and source.parents[function] is source.enclosing_class(node) and "self" in names.local
        if name.startswith("__") or not (own or (not is_method and names.defined(name))):
            continue
        code = source.code(node)
        given = b", ".join(code if n in missing else n.encode() for n in needed)
        if not any(n.encode() == code for n in needed):
            yield Edit(*source.span(node), (b"self." if own else b"") + name.encode() + b"(" + given + b")")
