"""Elements and twins: values wrapped where they stand inside others, the second half of a pair of things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from .ingredients import (
    expressions,
    is_callee,
    is_read,
    read_names,
    usable,
    variables,
)
from .registry import Edit, Place, template
from .scope import dotted, own_nodes
from .source import pairs, walked
from .templates_statements import SIMPLE

ELEMENTS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.Dict, ast.Tuple, ast.List, ast.Set)
WRAPS = ("int({})", "str({})", "sorted({})", "list({})", "tuple({})", "abs({})", "{}.lower()", "{}.strip()",
         "{}.upper()", "re.escape({})")  # fmt: skip


@template("wrapped element", ast.Name, ast.Attribute, ast.Subscript, ast.Call, prior=1.0)
def wrapped_element(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Convert what stands in a comprehension, display or f-string, or has a method called.

    y = [x for x in xs]  ->  y = [int(x) for x in xs]
    y = {k: v for k, v in d}  ->  y = {k: sorted(v) for k, v in d}
    y = x.encode()  ->  y = str(x).encode()
    if x[1:]: pass  ->  if x[1:].strip(): pass
    """
    source = place.source
    parent = source.parents[node]
    if not is_read(node) or is_callee(node, source):
        return
    code, span = source.code(node), source.span(node)
    if isinstance(parent, ELEMENTS) and not isinstance(
        source.parents[parent], (ast.Subscript, *ELEMENTS[-3:])
    ):
        scale = 0.3 if isinstance(parent, (ast.Tuple, ast.List, ast.Dict, ast.Set)) else 1.0
        if isinstance(parent, ast.Tuple) and not isinstance(source.parents[parent], (ast.Return, *ELEMENTS)):
            return
        escaped = place.project.names(node, source).defined("re") and isinstance(parent, ast.GeneratorExp)
        for rank, form in enumerate(WRAPS if escaped else WRAPS[:-1]):
            yield Edit(*span, form.replace("{}", code.decode()).encode(), scale / (1 + 0.1 * rank))
    elif isinstance(parent, ast.FormattedValue):
        for form in ("sorted({})", "len({})"):
            yield Edit(*span, form.replace("{}", code.decode()).encode(), 0.3)
    elif isinstance(parent, ast.Attribute) and is_callee(parent, source) and isinstance(node, ast.Name):
        if parent.attr in dir(str) and not node.id[:1].isupper():
            yield Edit(*span, b"str(" + code + b")")
    elif isinstance(parent, (ast.If, ast.While, ast.BoolOp, ast.UnaryOp)) and not isinstance(
        node, ast.Attribute
    ):
        yield Edit(*span, code + b".strip()", 0.5)


@template("twin", ast.Call, prior=1.0)
def twin(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Do for the other of two attributes what is done for one.

    def f(x): return f(x.a) if x.b else 0  ->  def f(x): return f(x.a) + f(x.b) if x.b else 0
    def f(x): return f(x.a) if x.b else 0  ->  def f(x): return max(f(x.a), f(x.b)) if x.b else 0
    """
    source = place.source
    parent, code, span = source.parents[node], source.code(node), source.span(node)
    if isinstance(parent, (ast.Expr, ast.Attribute, ast.Call)) or b"\n" in code or len(node.args) > 3:
        return
    places = [a for a in node.args if isinstance(a, ast.Attribute) and isinstance(a.value, ast.Name)]
    for arg in places[:1]:
        assert isinstance(arg.value, ast.Name)
        known = place.project.attributes(arg.value.id, node, source)
        others = [n for n in known if n != arg.attr and not n.startswith("__")]
        low, high = (at - span[0] for at in source.span(arg))
        for rank, name in enumerate(sorted(others, key=lambda n: -known[n])[:2]):
            other = code[:low] + f"{arg.value.id}.{name}".encode() + code[high:]
            weight = 1.0 / (1 + rank)
            tight = isinstance(parent, (ast.BinOp, ast.UnaryOp, ast.Compare))
            for head, between, tail in (
                (b"(" if tight else b"", b" + ", b")" if tight else b""),
                (b"max(", b", ", b")"),
                (b"min(", b", ", b")"),
                (b"(" if tight else b"", b" and ", b")" if tight else b""),
                (b"(" if tight else b"", b" or ", b")" if tight else b""),
            ):
                yield Edit(*span, head + code + between + other + tail, weight)


@template("swapped bounds", ast.Call, prior=1.0)
def swapped_bounds(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Swap `min` and `max` of which one stands in the other; take one more value into account.

    y = min(a, max(b, c))  ->  y = max(a, min(b, c))
    def f(a, b, c): return max(a, b)  ->  def f(a, b, c): return max(a, b, c)
    """
    source = place.source
    name = getattr(node.func, "id", "")
    if name not in ("min", "max") or node.keywords or not node.args:
        return
    for inner in node.args:
        if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") in ("min", "max"):
            start, end = source.span(node.func)[0], source.span(inner.func)[1]
            between = source.data[start + 3 : end - 3]
            yield Edit(start, end, source.code(inner.func) + between + source.code(node.func), 2.0)
    if len(node.args) < 2 or isinstance(node.args[-1], ast.Starred):
        return
    at, used = source.span(node.args[-1])[1], read_names(node)
    for rank, other in enumerate([n for n in variables(node, place) if n not in used][:3]):
        yield Edit(at, at, b", " + other.encode(), 0.7 / (1 + rank))
    function = source.function(node)
    codes = {source.code(arg) for arg in node.args}
    heads = {code.split(b"[")[0].split(b".")[0].split(b"(")[0] for code in codes}
    near = expressions(function, source) if function is not None else ()
    for piece in sorted(near[:60], key=lambda p: re.split(rb"\W", p.code)[0] not in heads):
        same = piece.kind in {type(arg) for arg in node.args} and piece.code not in codes
        if same and usable(piece, node, place) and piece.code not in source.code(node) and len(codes) < 8:
            codes.add(piece.code)
            yield Edit(at, at, b", " + piece.code, 0.6)


@template("names swapped", *SIMPLE, prior=1.2)
def names_swapped(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Swap two variables wherever a statement reads them.

    def f(a, b): return g(a, h(b))  ->  def f(a, b): return g(b, h(a))
    """
    source = place.source
    local = place.project.names(node, source).local
    places: dict[str, list[tuple[int, int]]] = {}
    for each in (n for n in walked(node) if isinstance(n, ast.Name) and is_read(n)):
        value = each.id in local and each.id not in ("self", "cls") and not is_callee(each, source)
        if value and source.statement(each) is node:
            places.setdefault(each.id, []).append(source.span(each))
    start, end = source.span(node)
    for one, other in list(combinations(places, 2))[:6]:
        spans = sorted([(s, other) for s in places[one]] + [(s, one) for s in places[other]])
        if len(spans) > 6 or any(a[1] > b[0] for (a, _), (b, _) in pairs(spans)):
            continue
        made, at = b"", start
        for (low, high), name in spans:
            made, at = made + source.data[at:low] + name.encode(), high
        yield Edit(start, end, made + source.data[at:end])


@template("key of a sort", ast.Lambda, prior=1.5)
def key_of_sort(node: ast.Lambda, place: Place) -> Iterator[Edit]:
    """Sort those of an equal key by something else, by a part, or the other way round.

    xs.sort(key=lambda x: x[1])  ->  xs.sort(key=lambda x: (x[1], x[0]))
    xs.sort(key=lambda x: len(x))  ->  xs.sort(key=lambda x: (-len(x), x))
    xs.sort(key=lambda x: x[1], reverse=True)  ->  xs.sort(key=lambda x: (-x[1], x))
    """
    source = place.source
    parent = source.parents[node]
    if not isinstance(parent, ast.keyword) or parent.arg != "key" or not node.args.args:
        return
    name = node.args.args[0].arg.encode()
    code, span = source.code(node.body), source.span(node.body)
    if isinstance(node.body, ast.Tuple):
        for element in node.body.elts[:3]:
            if not isinstance(element, (ast.UnaryOp, ast.Starred)):
                low = source.span(element)[0]
                yield Edit(low, low, b"-")
        return
    plain = isinstance(node.body, (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
    if plain:
        yield Edit(*span, b"-" + code, 0.7)
    for sign in (b"", b"-") if plain else (b"",):
        for other in (name, name + b"[0]", name + b"[1]"):
            if other != code:
                yield Edit(*span, b"(" + sign + code + b", " + other + b")", 0.5 if sign else 1.0)
    call = source.parents[parent]
    for keyword in call.keywords if isinstance(call, ast.Call) and plain else ():
        if keyword.arg == "reverse" and source.span(keyword)[0] > span[1]:
            yield Edit(span[0], source.span(keyword)[1], b"(-" + code + b", " + name + b")")


@template("operand off by one", ast.BinOp, prior=0.8)
def operand_off_by_one(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Shift by one what is divided, multiplied or raised, or divides; round what is cut off.

    y = a / n  ->  y = a / (n - 1)
    y = int(a / b)  ->  y = int(a / b + 0.5)
    """
    source, parent = place.source, place.source.parents[node]
    if not isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod, ast.Mult)):
        return
    for side in (node.left, node.right):
        if isinstance(side, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            for tail in (b" + 1", b" - 1"):
                yield Edit(*source.span(side), b"(" + source.code(side) + tail + b")")
    if isinstance(parent, ast.Call) and dotted(parent.func).rpartition(".")[2] in ("int", "floor"):
        at = source.span(node)[1]
        yield Edit(at, at, b" + 0.5", 2.0)


@template("initial value", ast.Assign, prior=1.0)
def initial_value(node: ast.Assign, place: Place) -> Iterator[Edit]:
    """Start what a loop changes from the first of what is walked, from nothing, or from a bound.

    def f(xs):\\n    y = 0\\n    for x in xs: y = g(y, x)  ->  \
def f(xs):\\n    y = xs[0]\\n    for x in xs: y = g(y, x)
    """
    source, value = place.source, node.value
    function = source.function(node)
    block = source.block(node)
    later = block[block.index(node) + 1 :]
    if function is None or not isinstance(value, ast.Constant) or isinstance(value.value, str):
        return
    if not any(isinstance(each, (ast.For, ast.While)) for each in later):
        return
    span = source.span(value)
    indexed = [n.value for n in own_nodes(function) if isinstance(n, ast.Subscript)]
    subscripted = [each.id for each in indexed if isinstance(each, ast.Name)]
    walked = [n.iter.id for n in later if isinstance(n, ast.For) and isinstance(n.iter, ast.Name)]
    for rank, name in enumerate(
        [n for n in dict.fromkeys(walked + subscripted) if n in variables(node, place)][:3]
    ):
        weight = 1.0 / (1 + rank)
        yield Edit(*span, name.encode() + b"[0]", weight)
        yield Edit(*span, b"len(" + name.encode() + b") - 1", weight * 0.5)
    for other in (b"None", b"-1", b"1", b"0"):
        if other != source.code(value):
            yield Edit(*span, other, 0.4)


@template("negated value", ast.Assign, ast.Return, ast.keyword, prior=0.5)
def negated_value(node: ast.Assign | ast.Return | ast.keyword, place: Place) -> Iterator[Edit]:
    """Keep the opposite of a truth value.

    up = other  ->  up = not other
    """
    value = node.value
    if isinstance(value, (ast.Name, ast.Attribute)):
        yield Edit(*place.source.span(value), b"not " + place.source.code(value))


@template("method of the object", ast.Attribute, prior=1.0)
def method_of_object(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Ask a method of the own object instead of an attribute, or read an attribute where a method is called.

    class A:\\n def f(self): return 1\\n def g(self): return self.x  ->  \
class A:\\n def f(self): return 1\\n def g(self): return self.f()
    """
    source = place.source
    owner, parent = source.enclosing_class(node), source.parents[node]
    if owner is None or dotted(node.value) != "self" or not is_read(node) or is_callee(node, source):
        return
    if isinstance(parent, (ast.Attribute, ast.Subscript)):
        return
    own = getattr(source.function(node), "name", "")
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef) and not n.decorator_list]
    plain = [n.name for n in methods if len(n.args.args) - len(n.args.defaults) == 1]
    for rank, name in enumerate([n for n in plain if n != own and not n.startswith("__")][:4]):
        yield Edit(*source.span(node), f"self.{name}()".encode(), 1.0 / (1 + 0.3 * rank))


@template("term of a part", ast.BinOp, ast.Name, ast.Attribute, ast.Call, prior=0.8)
def term_of_part(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Add or take away a variable within an operation, an element, or what a call is given.

    def f(a, b, c): return (a + b) % c  ->  def f(a, b, c): return (a + b - c) % c
    def f(a, b): return g((a, 1), b)  ->  def f(a, b): return g((a + b, 1), b)
    def f(a, b): return g(a % b)  ->  def f(a, b): return g(a % b + b)
    """
    source, parent = place.source, place.source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if isinstance(node, ast.BinOp):
        inner = isinstance(parent, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
        if not inner and not (
            is_argument and isinstance(node.op, (ast.Mod, ast.Mult, ast.FloorDiv, ast.Div))
        ):
            return
        if any(
            isinstance(s, ast.Constant) and isinstance(s.value, (str, bytes)) for s in (node.left, node.right)
        ):
            return
    elif isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.FloorDiv, ast.Div)):
        if parent.right is node and isinstance(node, ast.Name):
            for name in [n for n in reversed(variables(node, place)) if n != node.id][:3]:
                text = b"(" + source.code(node) + b" - " + name.encode() + b")"
                yield Edit(*source.span(node), text, 0.6)
        return
    elif (
        not isinstance(parent, ast.Tuple)
        or not isinstance(source.parents[parent], (ast.Call, ast.Return))
        or len(parent.elts) > 4
        or not is_read(node)
    ):
        return
    at, mine = source.span(node)[1], source.code(node)
    for rank, name in enumerate([n for n in reversed(variables(node, place)) if n.encode() != mine][:4]):
        weight = 1.0 / (1 + 0.3 * rank)
        yield Edit(at, at, b" + " + name.encode(), weight)
        yield Edit(at, at, b" - " + name.encode(), weight * 0.6)
