"""Displays: elements that are missing, containers that start with one, pairs, tables, all parts but one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import is_read, read_names, variables
from .registry import Edit, Place, template
from .scope import dotted
from .usage import makes_container

EMPTY = {b"[]": b"[%s]", b"set()": b"{%s}", b"list()": b"[%s]", b"deque()": b"deque([%s])", b"()": b"(%s,)"}


@template("element added", ast.Tuple, ast.List, ast.Set, prior=1.0)
def element_added(node: ast.Tuple | ast.List | ast.Set, place: Place) -> Iterator[Edit]:
    """Put an attribute like those in a display, or a variable, into it as well.

    def f(x): return x.c, (x.a, x.b)  ->  def f(x): return x.c, (x.a, x.b, x.c)
    def f(a, b): return [a]  ->  def f(a, b): return [a, b]
    """
    source = place.source
    parent = source.parents[node]
    if (
        not is_read(node)
        or not node.elts
        or len(node.elts) > 6
        or isinstance(parent, (ast.Subscript, ast.For))
    ):
        return
    if isinstance(parent, (ast.Assign, ast.comprehension)) and isinstance(node, ast.Tuple):
        return
    codes = [source.code(each) for each in node.elts]
    texts: list[tuple[bytes, float]] = []
    for each in [e for e in node.elts if isinstance(e, ast.Attribute)][:1]:
        base = dotted(each.value)
        known = place.project.attributes(base, node, source) if base else {}
        new = [n for n in known if f"{base}.{n}".encode() not in codes and not n.startswith("__")]
        for rank, name in enumerate(sorted(new, key=lambda n: -known[n])[:4]):
            texts.append((f"{base}.{name}".encode(), 1.0 / (1 + 0.3 * rank)))
    if any(isinstance(each, (ast.Name, ast.Constant, ast.Call)) for each in node.elts):
        for rank, name in enumerate([n for n in variables(node, place) if n not in read_names(node)][:3]):
            texts.append((name.encode(), 0.6 / (1 + rank)))
    first, end = source.span(node.elts[0])[0], source.span(node.elts[-1])[1]
    for text, weight in texts:
        yield Edit(end, end, b", " + text, weight)
        yield Edit(first, first, text + b", ", weight * 0.6)


@template("first element", ast.Assign, prior=1.0)
def first_element(node: ast.Assign, place: Place) -> Iterator[Edit]:
    """Start a container with a variable in it, or empty.

    def f(n):\\n xs = []\\n return xs  ->  def f(n):\\n xs = [n]\\n return xs
    def f(n):\\n xs = {n}\\n return xs  ->  def f(n):\\n xs = set()\\n return xs
    """
    source, value = place.source, node.value
    if source.function(node) is None or not makes_container(value):
        return
    code, span = source.code(value), source.span(value)
    if code in EMPTY:
        for rank, name in enumerate(variables(node, place)[:4]):
            yield Edit(*span, EMPTY[code] % name.encode(), 1.0 / (1 + 0.5 * rank))
        for text in (b"0", b"1", b'""') if code == b"[]" else ():
            yield Edit(*span, b"[" + text + b"]", 0.3)
    elif isinstance(value, (ast.List, ast.Set)) and len(value.elts) == 1:
        yield Edit(*span, b"[]" if isinstance(value, ast.List) else b"set()")


@template("all but one", ast.Subscript, prior=0.7)
def all_but_one(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Take what is before an element too where only what is behind it is taken, and the other way round.

    y = xs[i + 1:]  ->  y = xs[:i] + xs[i + 1:]
    y = xs[:i]  ->  y = xs[:i] + xs[i + 1:]
    """
    source, part = place.source, node.slice
    if not isinstance(part, ast.Slice) or not is_read(node) or part.step is not None:
        return
    base, span = source.code(node.value), source.span(node)
    bound = part.lower or part.upper
    index = bound.left if isinstance(bound, ast.BinOp) and part.lower is not None else bound
    if (part.lower is None) == (part.upper is None) or not isinstance(index, ast.Name):
        return
    this = index.id.encode()
    yield Edit(*span, base + b"[:" + this + b"] + " + base + b"[" + this + b" + 1:]")


@template("pair or sum", ast.BinOp, ast.Tuple, prior=0.5)
def pair_or_sum(node: ast.BinOp | ast.Tuple, place: Place) -> Iterator[Edit]:
    """Return two values instead of their sum, and the sum instead of two.

    return a + b  ->  return a, b
    """
    source = place.source
    if not isinstance(source.parents[node], ast.Return):
        return
    if isinstance(node, ast.Tuple):
        if len(node.elts) == 2:
            yield Edit(*source.span(node), source.atom(node.elts[0]) + b" + " + source.atom(node.elts[1]))
    elif isinstance(node.op, (ast.Add, ast.Mult, ast.Div)):
        yield Edit(*source.span(node), source.code(node.left) + b", " + source.code(node.right))


@template("table of numbers", ast.BinOp, prior=0.8)
def table_of_numbers(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Fill a table with the numbers from 0, or with another value than 0.

    xs = [0] * n  ->  xs = list(range(n))
    """
    source, left = place.source, node.left
    if not isinstance(node.op, ast.Mult) or not isinstance(left, ast.List) or len(left.elts) != 1:
        return
    yield Edit(*source.span(node), b"list(range(" + source.code(node.right) + b"))")
    if isinstance(left.elts[0], ast.Constant):
        for text in (b"None", b"False", b"True", b"-1", b'float("inf")', b'""'):
            yield Edit(*source.span(left.elts[0]), text, 0.3)


FACTORIES = (b"list", b"int", b"set", b"dict", b"str", b"float")


@template("default factory", ast.Call, prior=2.0)
def default_factory(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Make other default values.

    d = defaultdict(dict)  ->  d = defaultdict(list)
    x = field(default_factory=list)  ->  x = field(default_factory=dict)
    """
    source = place.source
    name = dotted(node.func).rpartition(".")[2]
    given = [k.value for k in node.keywords if k.arg == "default_factory"]
    given += node.args[:1] if name == "defaultdict" else []
    for value in given[:1]:
        for other in FACTORIES:
            if source.code(value) != other:
                yield Edit(*source.span(value), other)


@template("compared parts", ast.Compare, prior=0.7)
def compared_parts(node: ast.Compare, place: Place) -> Iterator[Edit]:
    """Compare by one attribute more.

    def f(x, y): return x.b and x.a < y.a  ->  def f(x, y): return x.b and (x.a, x.b) < (y.a, y.b)
    """
    source = place.source
    one, other = node.left, node.comparators[0]
    if len(node.ops) != 1 or not (isinstance(one, ast.Attribute) and isinstance(other, ast.Attribute)):
        return
    bases = dotted(one.value), dotted(other.value)
    if one.attr != other.attr or not all(bases) or bases[0] == bases[1]:
        return
    known = {
        **place.project.attributes(bases[0], node, source),
        **place.project.attributes(bases[1], node, source),
    }
    (a, b), (c, d) = source.span(one), source.span(other)
    for name in [n for n in known if n != one.attr and not n.startswith("__")][:4]:
        left, right = (f"({base}.{one.attr}, {base}.{name})".encode() for base in bases)
        yield Edit(a, d, left + source.data[b:c] + right)


@template("attribute of a like thing", ast.Attribute, prior=1.0)
def attribute_of_like(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Read the attribute that is assigned, or one that is read of something with the same attributes.

    a.n += b.m  ->  a.n += b.n
    """
    source = place.source
    if not is_read(node) or not isinstance(node.value, ast.Name) or node.value.id in ("self", "cls"):
        return
    statement, base = source.statement(node), node.value.id
    targets = list(getattr(statement, "targets", ())) or [getattr(statement, "target", None)]
    known = place.project.attributes(base, node, source)
    named = [t.attr for t in targets if isinstance(t, ast.Attribute)]
    for name in [n for n in named if n != node.attr][:2]:
        yield Edit(*source.span(node), f"{base}.{name}".encode(), 2.0)
    others: dict[str, int] = {}
    for like in [n for n in variables(node, place) if n != base][:4]:
        seen = place.project.attributes(like, node, source)
        if len(seen.keys() & known.keys()) >= 1:
            others.update(seen)
    for name in [n for n in others if n not in known and n not in named][:5]:
        yield Edit(*source.span(node), f"{base}.{name}".encode(), 0.7)
