"""Dictionaries: ways to look up, store, remove and walk; membership in keys, values and lengths."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import is_read, short_constants, variables
from .registry import Edit, Place, template

DEFAULTS = (b"None", b"0", b"[]", b'""', b"{}", b"()", b"False")


@template("mapping lookup", ast.Call, prior=1.5)
def mapping_lookup(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Change between `get`, `[]`, `setdefault` and `pop`, with and without a default.

    y = d.get(k)  ->  y = d[k]
    y = d.get(k, 0)  ->  y = d.get(k)
    y = d.pop(k)  ->  y = d.pop(k, None)
    d.get(k, []).append(x)  ->  d.setdefault(k, []).append(x)
    """
    source = place.source
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr not in ("get", "pop", "setdefault"):
        return
    if not 1 <= len(node.args) <= 2 or node.keywords or isinstance(node.args[0], ast.Starred):
        return
    span, base = source.span(node), source.code(function.value)
    key = source.code(node.args[0])
    own = source.code(node.args[1]) if len(node.args) == 2 else None
    head = base + b"." + function.attr.encode() + b"(" + key
    yield Edit(*span, base + b"[" + key + b"]")
    if own is not None:
        yield Edit(*span, head + b")")
        for other in ("get", "pop", "setdefault"):
            if other != function.attr:
                yield Edit(*span, base + b"." + other.encode() + b"(" + key + b", " + own + b")", 0.7)
    for rank, value in enumerate(DEFAULTS):
        if value != own:
            yield Edit(*span, head + b", " + value + b")", 1.0 / (1 + 0.5 * rank))
    for rank, name in enumerate(variables(node, place)[:6]):
        yield Edit(*span, head + b", " + name.encode() + b")", 0.5 / (1 + 0.3 * rank))
    around = source.function(node)
    texts = [c for c in short_constants(around, source) if c[:1] in b"\"'"] if around is not None else []
    for text in [c for c in texts if c not in (key, own)][:2]:
        yield Edit(*span, head + b", " + text + b")", 0.4)


@template("mapping item", ast.Subscript, prior=1.0)
def mapping_item(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Look up with a default that is in scope, make an entry where it is read, or remove it.

    d[k].append(x)  ->  d.setdefault(k, []).append(x)
    def f(d, k): return d[k]  ->  def f(d, k): return d.get(k, k)
    y = d[k]  ->  y = d.pop(k)
    """
    source = place.source
    if not is_read(node) or isinstance(node.slice, (ast.Slice, ast.Tuple)):
        return
    span, base, key = source.span(node), source.code(node.value), source.code(node.slice)
    for value, weight in ((b"[]", 1.0), (b"set()", 0.7), (b"{}", 0.7), (b"0", 0.5)):
        scale = 1.0 if isinstance(source.parents[node], ast.Attribute) else 0.4
        yield Edit(*span, base + b".setdefault(" + key + b", " + value + b")", weight * scale)
    for value in (b"None", b"False", b"{}", b"()", b"1"):
        yield Edit(*span, base + b".get(" + key + b", " + value + b")", 0.4)
    for rank, name in enumerate(variables(node, place)[:6]):
        if name.encode() != base:
            yield Edit(*span, base + b".get(" + key + b", " + name.encode() + b")", 0.5 / (1 + 0.3 * rank))
    yield Edit(*span, base + b".pop(" + key + b")", 0.3)


@template("mapping update", ast.Assign, ast.AugAssign, ast.Delete, prior=1.0)
def mapping_update(node: ast.Assign | ast.AugAssign | ast.Delete, place: Place) -> Iterator[Edit]:
    """Count from nothing, keep an entry that is there, collect in a list, remove what may be missing.

    d[k] += 1  ->  d[k] = d.get(k, 0) + 1
    d[k] = v  ->  d.setdefault(k, v)
    d[k] = v  ->  d.setdefault(k, []).append(v)
    d[k] = v  ->  d[k] = d.get(k, 0) + v
    del d[k]  ->  d.pop(k, None)
    """
    source = place.source
    targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
    target = targets[0]
    if len(targets) != 1 or not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Slice):
        return
    span, base, key = source.span(node), source.code(target.value), source.code(target.slice)
    if isinstance(node, ast.Delete):
        yield Edit(*span, base + b".pop(" + key + b", None)")
        return
    value = source.code(node.value)
    if isinstance(node, ast.AugAssign):
        sign = source.data[source.span(target)[1] : source.span(node.value)[0]].strip()[:-1]
        for start in (b"0", b"1", b"[]", b'""'):
            text = base + b"[" + key + b"] = " + base + b".get(" + key + b", " + start + b") " + sign + b" "
            yield Edit(*span, text + source.atom(node.value), 1.0 if start == b"0" else 0.4)
        return
    for start in (b"0", b"[]", b'""'):
        counted = base + b".get(" + key + b", " + start + b") + " + value
        yield Edit(*source.span(node.value), counted, 1.0 if start == b"0" else 0.3)
    yield Edit(*span, base + b".setdefault(" + key + b", " + value + b")")
    yield Edit(*span, base + b".setdefault(" + key + b", []).append(" + value + b")")
    yield Edit(*span, base + b".setdefault(" + key + b", set()).add(" + value + b")", 0.6)
    yield Edit(*span, base + b"[" + key + b"].append(" + value + b")", 0.6)
    yield Edit(*span, base + b".update(" + value + b")", 0.4)


@template("new container", ast.Expr, ast.Assign, prior=0.8)
def new_container(node: ast.Expr | ast.Assign, place: Place) -> Iterator[Edit]:
    """Put a new container where one that is kept elsewhere is emptied, and the other way round.

    xs.clear()  ->  xs = []
    xs = []  ->  xs.clear()
    x.n = v  ->  x.n = (x.n or 0) + v
    """
    source, span = place.source, place.source.span(node)
    if isinstance(node, ast.Assign):
        target = source.code(node.targets[0])
        if isinstance(node.value, (ast.List, ast.Dict)) and len(source.code(node.value)) == 2:
            yield Edit(*span, target + b".clear()")
        elif isinstance(node.targets[0], ast.Attribute) and len(node.targets) == 1:
            yield Edit(*source.span(node.value), b"(" + target + b" or 0) + " + source.atom(node.value), 0.5)
    elif isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        for value in (b"[]", b"{}", b"set()") if node.value.func.attr == "clear" else ():
            yield Edit(*span, source.code(node.value.func.value) + b" = " + value)


@template("walked mapping", ast.For, ast.comprehension, ast.Compare, prior=0.7)
def walked_mapping(node: ast.For | ast.comprehension | ast.Compare, place: Place) -> Iterator[Edit]:
    """Walk or search keys, values or pairs; count with `enumerate`; walk a copy while the original changes.

    for k, v in d: pass  ->  for k, v in d.items(): pass
    ok = x in d  ->  ok = x in d.values()
    for i, x in xs: pass  ->  for i, x in enumerate(xs): pass
    for k in d: pass  ->  for k in list(d): pass
    for a, b in xs: pass  ->  for b, a in xs: pass
    """
    source = place.source
    if isinstance(node, ast.Compare):
        if not isinstance(node.ops[-1], (ast.In, ast.NotIn)):
            return
        walked, pair = node.comparators[-1], False
    else:
        walked, pair = node.iter, isinstance(node.target, ast.Tuple)
        if isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
            (a, b), (c, d) = source.span(node.target.elts[0]), source.span(node.target.elts[1])
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])
    span, code = source.span(walked), source.code(walked)
    if isinstance(walked, (ast.Name, ast.Attribute, ast.Subscript)):
        for tail, weight in ((b".items()", 2.0 if pair else 0.7), (b".values()", 1.0), (b".keys()", 0.3)):
            yield Edit(*span, code + tail, weight)
    called = walked.func if isinstance(walked, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in ("items", "values", "keys"):
        yield Edit(*span, source.code(called.value))
    if not isinstance(node, ast.Compare):
        yield Edit(*span, b"enumerate(" + code + b")", 1.0 if pair else 0.3)
        yield Edit(*span, b"enumerate(" + code + b", 1)", 0.5 if pair else 0.1)
        yield Edit(*span, b"list(" + code + b")", 0.6)
        yield Edit(*span, b"zip(" + code + b", " + code + b"[1:])", 0.6 if pair else 0.1)


@template("mapping display", ast.Dict, ast.DictComp, prior=0.7)
def mapping_display(node: ast.Dict | ast.DictComp, place: Place) -> Iterator[Edit]:
    """Swap key and value, or the values of two neighbours.

    y = {k: v for k, v in d}  ->  y = {v: k for k, v in d}
    y = {"a": 1, "b": 2}  ->  y = {"a": 2, "b": 1}
    """
    source = place.source
    spans = []
    if isinstance(node, ast.DictComp):
        spans.append((source.span(node.key), source.span(node.value)))
    else:
        for key, value in list(zip(node.keys, node.values))[:6]:  # noqa: B905 (newer than Python 3.9)
            if key is not None:
                spans.append((source.span(key), source.span(value)))
        for one, other in list(zip(node.values, node.values[1:]))[:12]:  # noqa: B905
            (a, b), (c, d) = source.span(one), source.span(other)
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])
    for (a, b), (c, d) in spans:
        yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 0.7)
