"""Values: clamped, copied, wrapped in a literal, indexed, computed further; kinds of comprehensions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .ingredients import best, expressions, is_callee, is_read, read_names, usable, variables
from .registry import Edit, Place, template
from .source import walked
from .usage import containers, own_containers


@template("clamped value", ast.Assign, ast.Return, ast.AugAssign, prior=1.5)
def clamped_value(node: ast.Assign | ast.Return | ast.AugAssign, place: Place) -> Iterator[Edit]:
    """Take the larger or smaller of the value and another: what is assigned to, a variable, 0 or 1.

    best = x  ->  best = max(best, x)
    def f(a, b): return a  ->  def f(a, b): return min(a, b)
    y = a - b  ->  y = max(a - b, 0)
    """
    source = place.source
    value = node.value
    if value is None or isinstance(
        value, (ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr, ast.Lambda)
    ):
        return
    if isinstance(value, ast.Constant) and not isinstance(value.value, (int, float)):
        return
    code, span = source.code(value), source.span(value)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Attribute, ast.Subscript)):
        target = source.code(node.targets[0])
        for word in (b"max", b"min"):
            yield Edit(*span, word + b"(" + target + b", " + code + b")", 2.0)
    used = read_names(value)
    others = [name for name in variables(node, place) if name not in used][:6]
    for word in (b"max", b"min"):
        for rank, other in enumerate([*others, "0", "1"]):
            yield Edit(*span, word + b"(" + code + b", " + other.encode() + b")", 0.6 / (1 + 0.3 * rank))


@template("clamped part", ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.Name, prior=1.0)
def clamped_part(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Take the larger or smaller of an argument or operand and something like it of the function.

    def f(a, b): return g(a.x, b.y) + b.x  ->  def f(a, b): return g(max(b.x, a.x), b.y) + b.x
    y = f(a - 1)  ->  y = f(max(a - 1, 0))
    def f(a, b): return range(a)  ->  def f(a, b): return range(min(a, b))
    """
    source = place.source
    function, parent = source.function(node), source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if isinstance(parent, ast.Slice) or (
        is_argument and getattr(getattr(parent, "func", None), "id", "") == "range"
    ):
        used = read_names(node)
        for rank, name in enumerate([n for n in variables(node, place) if n not in used][:2]):
            for word in (b"min", b"max"):
                text = word + b"(" + source.code(node) + b", " + name.encode() + b")"
                yield Edit(*source.span(node), text, 0.8 / (1 + rank))
    operand = isinstance(parent, (ast.BinOp, ast.Tuple, ast.keyword, ast.Compare, ast.Slice, ast.ListComp))
    if not is_read(node) or not (is_argument or operand):
        return
    code, span = source.code(node), source.span(node)
    if isinstance(node, ast.BinOp):
        for word in (b"max", b"min"):
            for limit in (b"0", b"1"):
                yield Edit(*span, word + b"(" + code + b", " + limit + b")", 1.0 if word == b"max" else 0.3)
    likes = []
    for other in expressions(function, source) if function is not None else ():
        same = other.kind is type(node) and other.code != code and usable(other, node, place)
        if same and isinstance(node, ast.Attribute) and other.code.endswith(b"." + node.attr.encode()):
            likes.append(other.code)
    for rank, like in enumerate(likes[:4]):
        for word in (b"max", b"min"):
            yield Edit(*span, word + b"(" + like + b", " + code + b")", 2.0 / (1 + rank))


@template("joined lists", ast.List, ast.ListComp, prior=0.8)
def joined_lists(node: ast.List | ast.ListComp, place: Place) -> Iterator[Edit]:
    """Put another list before or behind a list.

    def f(xs): return [x + 1 for x in xs]  ->  def f(xs): return xs + [x + 1 for x in xs]
    """
    source = place.source
    if not is_read(node) or not isinstance(
        source.parents[node], (ast.Return, ast.Assign, ast.AugAssign, ast.Call)
    ):
        return
    start, end = source.span(node)
    for rank, name in enumerate(variables(node, place)[:5]):
        yield Edit(start, start, name.encode() + b" + ", 1.0 / (1 + 0.3 * rank))
        yield Edit(end, end, b" + " + name.encode(), 1.0 / (1 + 0.3 * rank))


@template("summand", ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.BinOp, prior=1.0)
def summand(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Add, take away, multiply by or divide by a variable; take a remainder; halve.

    def f(a, b): return a  ->  def f(a, b): return a + b
    def f(a, n): return xs[a]  ->  def f(a, n): return xs[a % n]
    def f(a, n): return g(a)  ->  def f(a, n): return g(a) + n
    """
    source = place.source
    parent = source.parents[node]
    is_index = isinstance(parent, ast.Subscript) and parent.slice is node
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if not is_read(node) or not (
        is_index or is_argument or isinstance(parent, (ast.Return, ast.Assign, ast.AugAssign, ast.Compare))
    ):
        return
    code, span = source.code(node), source.span(node)
    atom = source.atom(node)
    used = read_names(node)
    others = [name for name in variables(node, place) if name not in used][:4]
    edits = []
    scale = 0.5 if is_argument else 1.0
    for rank, name in enumerate(others):
        other, weight = name.encode(), scale / (1 + 0.5 * rank)
        edits.append(Edit(*span, code + b" + " + other, weight))
        edits.append(Edit(*span, code + b" - " + other, weight))
        edits.append(Edit(*span, atom + b" % " + other, weight * (1.0 if is_index else 0.4)))
        edits.append(Edit(*span, atom + b" * " + other, weight * 0.5))
        edits.append(Edit(*span, atom + b" // " + other, weight * 0.3))
    for code_of_other, weight in _terms(node, place):
        for sign, share in ((b" % ", 1.0), (b" + ", 0.6), (b" - ", 0.6), (b" * ", 0.4), (b" / ", 0.4)):
            edits.append(Edit(*span, atom + sign + code_of_other, scale * weight * share))
    for tail in (b" * 2", b" // 2", b" / 2", b" % 2", b" + 2", b" - 2"):
        edits.append(Edit(*span, atom + tail, scale * 0.2))
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Add, ast.Sub))
        and isinstance(parent, ast.Assign)
    ):
        owner, function = source.enclosing_class(node), source.function(node)
        held = [f"self.{n}" for n in sorted(own_containers(owner))] if owner is not None else []
        held += sorted(containers(function)) if function is not None else []
        for name in held[:2]:
            edits.append(Edit(*span, atom + b" % len(" + name.encode() + b")", 0.7))
    if is_index and isinstance(parent, ast.Subscript):
        base = source.code(parent.value)
        edits.append(Edit(*span, atom + b" % len(" + base + b")", scale))
    yield from best(edits, 18)


def _terms(node: ast.expr, place: Place) -> list[tuple[bytes, float]]:
    """Numbers of the function and constants of the module, to compute with."""
    source = place.source
    found: dict[bytes, float] = {}
    for each in walked(source.function(node) or ast.Module([], [])):
        if isinstance(each, ast.Constant) and type(each.value) is int and each.value > 1:
            found.setdefault(source.code(each), 0.5)
    for name in place.project.bound(source.tree):
        if name.isupper():
            found.setdefault(name.encode(), 0.4)
    return list(found.items())[:4]


@template("copied value", ast.Name, ast.Attribute, ast.Subscript, prior=1.0)
def copied_value(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Keep a copy of something that changes later.

    out.append(path)  ->  out.append(path[:])
    self.xs = xs  ->  self.xs = list(xs)
    return [row] * n  ->  return [row[:]] * n
    """
    source = place.source
    parent = source.parents[node]
    if not is_read(node) or is_callee(node, source):
        return
    code, span = source.code(node), source.span(node)
    function = source.function(node)
    held = isinstance(node, ast.Name) and function is not None and node.id in containers(function)
    weight = 2.0 if held else 1.0
    stored = isinstance(parent, (ast.Assign, ast.Return, ast.List, ast.Tuple, ast.Dict, ast.keyword, ast.For))
    if stored or (isinstance(parent, ast.Call) and node in parent.args) or isinstance(parent, ast.Yield):
        yield Edit(*span, code + b"[:]", weight)
        yield Edit(*span, code + b".copy()", weight)
        yield Edit(*span, b"list(" + code + b")", weight)
        names = place.project.names(node, source)
        for copier in (b"copy.deepcopy", b"copy.copy", b"deepcopy"):
            if names.defined(copier.split(b".")[0].decode()):
                yield Edit(*span, copier + b"(" + code + b")", weight)


@template(
    "wrapped in a literal",
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.Constant,
    ast.List,
    ast.Tuple,
    prior=0.8,
)
def wrapped_in_literal(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Put one value into a list, tuple or set.

    return x  ->  return [x]
    f(x)  ->  f((x,))
    ys = xs + x  ->  ys = xs + [x]
    return []  ->  return [[]]
    """
    source = place.source
    parent = source.parents[node]
    if not is_read(node) or is_callee(node, source) or isinstance(source.parents.get(parent), ast.JoinedStr):
        return
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    places = (
        ast.Return,
        ast.Assign,
        ast.AugAssign,
        ast.BinOp,
        ast.Compare,
        ast.Yield,
        ast.keyword,
        ast.IfExp,
    )
    if not (is_argument or isinstance(parent, places)):
        return
    code, span = source.code(node), source.span(node)
    scale = 0.3 if isinstance(node, ast.Constant) else 1.0
    if isinstance(node, ast.Tuple):
        code = code if code[:1] == b"(" else b"(" + code + b")"
    yield Edit(*span, b"[" + code + b"]", scale)
    if isinstance(node, (ast.List, ast.Tuple)):
        return
    yield Edit(*span, b"(" + code + b",)", scale * 0.6)
    yield Edit(*span, b"{" + code + b"}", scale * 0.4)


@template("unwrapped literal", ast.List, ast.Tuple, ast.Set, prior=0.4)
def unwrapped_literal(node: ast.List | ast.Tuple | ast.Set, place: Place) -> Iterator[Edit]:
    """Use the only element of a display, one element of several, or another kind of display.

    return [x]  ->  return x
    return (a, b)  ->  return [a, b]
    return a, b  ->  return a
    """
    source = place.source
    if not is_read(node) or isinstance(source.parents[node], (ast.Subscript, ast.comprehension, ast.For)):
        return
    span, code = source.span(node), source.code(node)
    for element in node.elts[:4]:
        if not isinstance(element, ast.Starred):
            yield Edit(*span, source.code(element), 1.0 if len(node.elts) == 1 else 0.4)
    if code[:1] in (b"(", b"[", b"{") and node.elts:
        inner = code[1:-1].rstrip().rstrip(b",")
        for opening, closing in ((b"[", b"]"), (b"(", b",)" if len(node.elts) == 1 else b")"), (b"{", b"}")):
            if opening != code[:1]:
                yield Edit(*span, opening + inner + closing, 0.4)


@template("repeated object", ast.BinOp, prior=3.0)
def repeated_object(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Make a new list, dictionary or set for each place, not one for all.

    y = [[]] * n  ->  y = [[] for _ in range(n)]
    """
    source, left = place.source, node.left
    if not isinstance(node.op, ast.Mult) or not isinstance(left, ast.List) or len(left.elts) != 1:
        return
    inner = left.elts[0]
    if isinstance(inner, (ast.List, ast.Dict, ast.Set, ast.Call, ast.BinOp, ast.ListComp)):
        text = b"[" + source.code(inner) + b" for _ in range(" + source.code(node.right) + b")]"
        yield Edit(*source.span(node), text)


@template("comprehension kind", ast.ListComp, ast.SetComp, ast.GeneratorExp, prior=0.5)
def comprehension_kind(node: ast.ListComp | ast.SetComp | ast.GeneratorExp, place: Place) -> Iterator[Edit]:
    """Make a list, set or generator of another kind; swap two loops.

    y = [a for a in b]  ->  y = {a for a in b}
    y = (a for a in b)  ->  y = [a for a in b]
    y = [c for a in b for c in a]  ->  y = [c for c in a for a in b]
    """
    source = place.source
    start, end = source.span(node)
    code = source.code(node)
    bare = code[:1] not in (b"(", b"[", b"{")
    for opening, closing in ((b"[", b"]"), (b"{", b"}"), (b"(", b")")):
        if opening != code[:1] and not bare:
            weight = 0.4 if opening == b"(" else 1.0
            yield Edit(start, end, opening + code[1:-1] + closing, weight)
    for one, other in zip(node.generators, node.generators[1:]):  # noqa: B905 (newer than Python 3.9)
        a, b = source.span(one.target)[0], source.span((one.ifs or [one.iter])[-1])[1]
        c, d = source.span(other.target)[0], source.span((other.ifs or [other.iter])[-1])[1]
        if re.fullmatch(rb"\s+for\s+", source.data[b:c]):
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])
