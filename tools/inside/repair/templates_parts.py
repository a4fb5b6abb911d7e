"""Parts of values: elements and slices taken, dropped, bounded by names; ends and steps of ranges."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import is_read, read_names, variables
from .registry import Edit, Place, template
from .scope import dotted
from .source import Source, walked


@template("popped end", ast.Call, prior=1.0)
def popped_end(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Take from the other end.

    y = xs.pop()  ->  y = xs.pop(0)
    y = xs.pop(0)  ->  y = xs.pop()
    """
    if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and not node.keywords:
        start, end = place.source.span(node.func)[1], place.source.span(node)[1]
        if not node.args:
            yield Edit(start, end, b"(0)")
        elif isinstance(node.args[0], ast.Constant) and node.args[0].value == 0:
            yield Edit(start, end, b"()")


@template("turned round", ast.ListComp, prior=0.3)
def turned_round(node: ast.ListComp, place: Place) -> Iterator[Edit]:
    """Turn a new list round.

    y = [x for x in xs]  ->  y = [x for x in xs][::-1]
    """
    if is_read(node) and isinstance(place.source.parents[node], (ast.Return, ast.Assign, ast.Call)):
        end = place.source.span(node)[1]
        yield Edit(end, end, b"[::-1]")


@template("indexed value", ast.Name, ast.Attribute, ast.Call, prior=1.0)
def indexed_value(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Take an element or a part of a value.

    return xs  ->  return xs[0]
    for x in xs: pass  ->  for x in xs[1:]: pass
    def f(x, d): return f(x, d) if x in d else x  ->  def f(x, d): return f(d[x], d) if x in d else x
    def f(xs, n): return f(xs, n)  ->  def f(xs, n): return f(xs[n:], n)
    """
    source = place.source
    parent = source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    places = (ast.Return, ast.Assign, ast.For, ast.comprehension, ast.Compare, ast.AugAssign, ast.BinOp)
    if not is_read(node) or not (is_argument or isinstance(parent, places)):
        return
    end = source.span(node)[1]
    iterated = isinstance(parent, (ast.For, ast.comprehension))
    for part in (b"[1:]", b"[:-1]", b"[::-1]"):
        yield Edit(end, end, part, 1.0 if iterated else 0.5)
    if iterated:
        for name in [n for n in variables(node, place) if n not in read_names(node)][:2]:
            yield Edit(end, end, b"[:" + name.encode() + b"]", 0.7)
            yield Edit(end, end, b"[" + name.encode() + b":]", 0.3)
    elif is_argument and "self" in place.project.names(node, source).local:
        for limit in _limits(node, place):
            yield Edit(end, end, b"[:" + limit + b"]", 0.3)
    if not iterated:
        yield Edit(end, end, b"[0]", 0.7)
        yield Edit(end, end, b"[-1]", 0.7)
        for name in variables(node, place)[:5]:
            if name not in read_names(node):
                yield Edit(end, end, b"[" + name.encode() + b"]", 0.2)
                if is_argument:
                    yield Edit(end, end, b"[" + name.encode() + b":]", 0.4)
                    yield Edit(end, end, b"[:" + name.encode() + b"]", 0.3)
        function = source.function(node)
        for base in looked_into(function, source)[:4] if function is not None else ():
            if base != source.code(node) and base.split(b".")[0].decode() not in read_names(node):
                start = source.span(node)[0]
                yield Edit(start, end, base + b"[" + source.code(node) + b"]", 0.7)


def _limits(node: ast.AST, place: Place) -> list[bytes]:
    """Attributes of `self` whose names tell of a size."""
    known = place.project.attributes("self", node, place.source)
    words = ("size", "limit", "width", "max", "count", "length", "most")
    return [f"self.{name}".encode() for name in known if any(word in name for word in words)][:2]


@lru_cache(maxsize=64)
def looked_into(function: ast.AST, source: Source) -> tuple[bytes, ...]:
    """What the function takes elements of or searches, as they come."""
    found: dict[bytes, None] = {}
    for node in walked(function):
        base: ast.AST | None = None
        if isinstance(node, ast.Subscript):
            base = node.value
        elif isinstance(node, ast.Compare) and isinstance(node.ops[-1], (ast.In, ast.NotIn)):
            base = node.comparators[-1]
        if isinstance(base, (ast.Name, ast.Attribute)) and dotted(base):
            found[source.code(base)] = None
    return tuple(found)


@template("dropped index", ast.Subscript, prior=0.7)
def dropped_index(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Use the whole value, or its index; make an element a slice and a slice an element; swap two indexes.

    y = xs[i]  ->  y = xs
    y = xs[i]  ->  y = i
    y = xs[:i]  ->  y = xs[i]
    y = m[i][j]  ->  y = m[j][i]
    """
    source, part = place.source, node.slice
    span, base = source.span(node), source.code(node.value)
    if isinstance(node.value, ast.Subscript) and not isinstance(part, ast.Slice):
        inner = node.value.slice
        if not isinstance(inner, ast.Slice):
            (a, b), (c, d) = source.span(inner), source.span(part)
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 2.0)
    if not is_read(node):
        return
    yield Edit(*span, base)
    if isinstance(part, ast.Slice):
        for bound in (part.lower, part.upper):
            if bound is not None:
                yield Edit(*span, base + b"[" + source.code(bound) + b"]", 0.4)
        return
    if isinstance(part, ast.Tuple):
        return
    index = source.code(part)
    yield Edit(*span, index, 0.5)
    for text in (index + b":", b":" + index):
        yield Edit(*span, base + b"[" + text + b"]", 0.3)


@template("slice by a name", ast.Slice, prior=1.0)
def slice_by_name(node: ast.Slice, place: Place) -> Iterator[Edit]:
    """Give a slice a bound or a step that is in scope, or the usual ones.

    def f(xs, n): return xs[:]  ->  def f(xs, n): return xs[:n]
    y = xs[a:]  ->  y = xs[a::2]
    y = xs[::n]  ->  y = xs[::-n]
    y = xs[a:n]  ->  y = xs[a:a + n]
    y = xs[:-n]  ->  y = xs[:len(xs) - n]
    """
    source = place.source
    parent = source.parents[node]
    if not isinstance(parent, ast.Subscript):
        return
    start = source.data.index(b"[", source.span(parent.value)[1]) + 1
    end = source.span(parent)[1] - 1
    lower, upper, step = (source.code(n) if n else b"" for n in (node.lower, node.upper, node.step))
    tail = b":" + step if step else b""
    base = source.code(parent.value)
    for bound in (node.lower, node.upper):  # -n is the start when n is 0
        operand = bound.operand if isinstance(bound, ast.UnaryOp) else None
        if bound is None or operand is None or isinstance(operand, ast.Constant):
            continue
        fixed = b"len(" + base + b") - " + source.atom(operand)
        if source.code(bound).startswith(b"-"):
            yield Edit(*source.span(bound), fixed, 2.0)
    if lower and upper and not isinstance(node.upper, (ast.UnaryOp, ast.BinOp)):
        yield Edit(start, end, lower + b":" + lower + b" + " + upper + tail, 1.0)
    names = [n.encode() for n in variables(node, place) if n.encode() not in (base, lower, upper)][:6]
    for rank, name in enumerate(names):
        weight = 1.0 / (1 + 0.3 * rank)
        if not upper:
            yield Edit(start, end, lower + b":" + name + tail, weight)
        if not lower:
            yield Edit(start, end, name + b":" + upper + tail, weight)
        if lower and not upper:
            yield Edit(start, end, lower + b":" + lower + b" + " + name, weight)
        if not step:
            yield Edit(start, end, lower + b":" + upper + b":" + name, weight * 0.5)
        for bound in (node.lower, node.upper):
            if bound is not None and rank < 2 and not isinstance(bound, (ast.Constant, ast.UnaryOp)):
                at = source.span(bound)[1]
                yield Edit(at, at, b" - len(" + name + b")", weight * 0.5)
                yield Edit(at, at, b" + len(" + name + b")", weight * 0.5)
    if step:
        other = step[1:] if step.startswith(b"-") else b"-" + step
        yield Edit(start, end, lower + b":" + upper + b":" + other)
    else:
        yield Edit(start, end, lower + b":" + upper + b":2", 0.4)
        yield Edit(start, end, lower + b":" + upper + b":-1", 0.4)


@template("range ends", ast.Call, prior=1.0)
def range_ends(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Count over a length, over what is in scope, in steps, or downwards.

    for i in range(xs): pass  ->  for i in range(len(xs)): pass
    for i in range(a, b): pass  ->  for i in range(b - 1, a - 1, -1): pass
    for i in range(a, b): pass  ->  for i in range(a, b, 2): pass
    def f(k, n): return range(n)  ->  def f(k, n): return range(k, n)
    """
    if not (isinstance(node.func, ast.Name) and node.func.id == "range" and 1 <= len(node.args) <= 3):
        return
    source = place.source
    codes = [source.code(arg) for arg in node.args]
    whole = source.span(node.args[0])[0], source.span(node.args[-1])[1]
    low, high = (b"0", codes[0]) if len(codes) == 1 else (codes[0], codes[1])
    names = [n.encode() for n in variables(node, place) if n.encode() not in codes][:6]
    for arg in node.args[:2]:
        if isinstance(arg, (ast.Name, ast.Attribute)):
            yield Edit(*source.span(arg), b"len(" + source.code(arg) + b")")
        elif isinstance(arg, ast.Call) and getattr(arg.func, "id", "") == "len":
            yield Edit(*source.span(arg), source.code(arg)[4:-1], 0.3)
    if len(codes) == 3:
        step = codes[2][1:] if codes[2].startswith(b"-") else b"-" + codes[2]
        yield Edit(*whole, b", ".join([low, high, step]))
        yield Edit(*whole, b", ".join([high, low, codes[2]]), 0.5)
        yield Edit(*whole, b", ".join([low, high + b" + 1", codes[2]]), 0.3)
        return
    yield Edit(*whole, high + b" - 1, " + (low + b" - 1" if low != b"0" else b"-1") + b", -1")
    yield Edit(*whole, low + b", " + high + b", 2")
    for rank, name in enumerate(names):
        weight = 0.8 / (1 + 0.3 * rank)
        if len(codes) == 1:
            yield Edit(*whole, name + b", " + high, weight)
            yield Edit(*whole, name + b" + 1, " + high, weight)
            yield Edit(*whole, high + b", " + name, weight * 0.5)
        yield Edit(*whole, low + b", " + high + b", " + name, weight * 0.5)
