"""Blocks: neighbouring branches swapped, statements deleted together, done on a comparison, started anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from .ingredients import best, is_docstring, is_read, piece, read_names
from .registry import Edit, Place, template
from .scope import own_nodes, parameters
from .source import Source, walked
from .templates_moves import ENDS, LOOPS, lines, reindented
from .templates_statements import SIMPLE
from .usage import containers


@template("swapped cases", ast.If, prior=0.7)
def swapped_cases(node: ast.If, place: Place) -> Iterator[Edit]:
    """Swap the bodies of two neighbouring cases of a chain.

    if a:\\n    b\\nelif c:\\n    d\\n  ->  if a:\\n    d\\nelif c:\\n    b\\n
    """
    source = place.source
    other = node.orelse[0] if len(node.orelse) == 1 else None
    if not isinstance(other, ast.If) or not source.data.startswith(b"elif", source.span(other)[0]):
        return
    (a, b), (c, d) = _body(node, source), _body(other, source)
    if source.data[a:b] != source.data[c:d] and source.indent(node.body[0]) == source.indent(other.body[0]):
        yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])


def _body(node: ast.If, source: Source) -> tuple[int, int]:
    return source.span(node.body[0])[0], source.span(node.body[-1])[1]


@template("deleted statements", *SIMPLE, ast.If, prior=0.4)
def deleted_statements(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Delete a statement and the one after it.

    def f(x):\\n    g()\\n    h()\\n    return x  ->  def f(x):\\n    pass\\n    return x
    """
    source = place.source
    block = source.block(node)
    following = block[block.index(node) + 1 :][:1]
    start = source.span(node)[0]
    if following and not is_docstring(node) and not source.data.startswith(b"elif", start):
        yield Edit(start, source.span(following[0])[1], b"pass")


@template("comparing condition", *SIMPLE, prior=1.0)
def comparing_condition(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Do a statement only if two of its values compare so, or if what is kept would grow or shrink by it.

    def f(i, n):\\n    g(n - i)\\n  ->  def f(i, n):\\n    if n >= i:\\n        g(n - i)\\n
    def f(xs):\\n    m = 0\\n    for x in xs:\\n        m = x\\n  ->  \
def f(xs):\\n    m = 0\\n    for x in xs:\\n        if x > m:\\n            m = x\\n
    """
    source = place.source
    function, indent, span = source.function(node), source.indent(node), lines(node, source)
    if function is None or indent is None or span is None or is_docstring(node):
        return
    inner = reindented(node, indent + source.indent_unit, source)
    local = place.project.names(node, source).local
    known = {name for name, line in local.items() if line < node.lineno and name not in ("self", "cls")}
    known -= containers(function)
    named = dict.fromkeys(n.id for n in walked(node) if isinstance(n, ast.Name) and n.id in known)
    found: dict[str, float] = {}
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in known:
        kept, value = node.targets[0].id, piece(node.value, source)
        if value is not None and kept.encode() != value.code and kept not in read_names(node.value):
            found.update({f"{value.code.decode()} {sign} {kept}": 2.0 for sign in (">", "<", "!=")})
    for rank, (one, other) in enumerate(combinations(list(named)[:4], 2)):
        for sign, weight in (("<=", 1.0), (">=", 1.0), ("!=", 0.8), ("<", 0.8), (">", 0.8), ("==", 0.5)):
            found.setdefault(f"{one} {sign} {other}", weight / (1 + 0.3 * rank))
    edits = [
        Edit(*span, indent + b"if " + text.encode() + b":" + source.newline + (inner or b""), weight)
        for text, weight in found.items()
    ]
    yield from best(edits if inner is not None else (), 24)


@template("last of a result", ast.If, *SIMPLE, prior=1.0)
def last_of_result(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Compare an element of a loop with what was last put into a container; ask for both in a condition.

    def f(xs):\\n  r = []\\n  for x in xs:\\n    r.append(x)\\n  ->  \
def f(xs):\\n  r = []\\n  for x in xs:\\n    if not r or x != r[-1]:\\n      r.append(x)\\n
    def f(xs):\\n  r = []\\n  for x in xs:\\n    if x: r.append(x)\\n  ->  \
def f(xs):\\n  r = []\\n  for x in xs:\\n    if x and x not in r: r.append(x)\\n
    """
    source, indent, span = place.source, place.source.indent(node), lines(node, place.source)
    function = source.function(node)
    loop = next((a for a in source.ancestors(node) if isinstance(a, (ast.For, ast.AsyncFor))), None)
    if function is None or loop is None or indent is None or span is None:
        return
    elements = [n.id for n in walked(loop.target) if isinstance(n, ast.Name)][:2]
    named = [n.id for n in walked(node) if isinstance(n, ast.Name)]
    held = [name for name in dict.fromkeys(named) if name in containers(function)][:2]
    inner = reindented(node, indent + source.indent_unit, source) if not isinstance(node, ast.If) else None
    for name in held:
        for element in elements:
            absent = f"{element} not in {name}"
            for sign in ("!=", ">", "<", "=="):
                last = f"{element} {sign} {name}[-1]"
                if isinstance(node, ast.If):
                    for word in ("or", "and"):
                        yield _joined(node.test, f"{word} {last}", source)
                elif inner is not None:
                    text = f"if not {name} or {last}:".encode()
                    yield Edit(*span, indent + text + source.newline + inner)
            if isinstance(node, ast.If):
                yield _joined(node.test, f"and {absent}", source)


def _joined(test: ast.expr, text: str, source: Source) -> Edit:
    is_or = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) and text.startswith("and")
    code = b"(" + source.code(test) + b")" if is_or else source.code(test)
    return Edit(*source.span(test), code + b" " + text.encode())


@template("started anew", *SIMPLE, ast.If, prior=1.0)
def started_anew(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """In a loop, give what was set before it its first value again, on a condition about it or the element.

    def f(xs):\\n  n = 0\\n  for x in xs:\\n    n += x\\n    g(n)  ->  \
def f(xs):\\n  n = 0\\n  for x in xs:\\n    if n < 0:\\n      n = 0\\n    n += x\\n    g(n)
    """
    source = place.source
    function, indent, loop = source.function(node), source.indent(node), source.parents[node]
    if function is None or indent is None or not isinstance(loop, LOOPS) or is_docstring(node):
        return
    named = {n.id for n in walked(node) if isinstance(n, ast.Name)}
    firsts = {k: v for k, v in first_values(function, loop, source).items() if k in named}
    elements = [n.id for n in walked(getattr(loop, "target", loop)) if isinstance(n, ast.Name)][:2]
    elements = elements if isinstance(loop, (ast.For, ast.AsyncFor)) else []
    start, end = source.offset(source.first_line(node), node.col_offset), source.span(node)[1]
    is_last = source.block(node)[-1] is node and not isinstance(node, ENDS)
    line, edits = source.newline, list[Edit]()
    for kept, first in list(firsts.items())[:2]:
        for test, weight in _reasons(kept, first, elements, function):
            text = (
                f"if {test}:".encode() + line + indent + source.indent_unit + kept.encode() + b" = " + first
            )
            if _bound(test, node, place):
                edits.append(Edit(start, start, text + line + indent, weight))
                if is_last:
                    edits.append(Edit(end, end, line + indent + text, weight))
    yield from best(edits, 30)


def _bound(test: str, node: ast.stmt, place: Place) -> bool:
    """Whether all names of a condition are bound where the statement stands."""
    names = place.project.names(node, place.source)
    read = [n.id for n in ast.walk(ast.parse(test)) if isinstance(n, ast.Name)]
    return all(names.defined(name) and names.local.get(name, 0) <= node.lineno for name in read)


def first_values(function: ast.AST, loop: ast.AST, source: Source) -> dict[str, bytes]:
    """Variables that are set to a constant or an empty container before the loop, and changed in it."""
    changed = {n.id for n in walked(loop) if isinstance(n, ast.Name) and not is_read(n)}
    changed |= {
        n.value.id
        for n in walked(loop)
        if isinstance(n, (ast.Attribute, ast.Subscript)) and isinstance(n.value, ast.Name)
    }
    found: dict[str, bytes] = {}
    for each in own_nodes(function):
        if isinstance(each, ast.Assign) and each.lineno < getattr(loop, "lineno", 0):
            target, value = each.targets[0], each.value
            plain = isinstance(value, ast.Constant) or source.code(value) in (b"[]", b"{}", b"set()")
            if isinstance(target, ast.Name) and target.id in changed and plain:
                found[target.id] = source.code(value)
    return found


def _reasons(kept: str, first: bytes, elements: list[str], function: ast.AST) -> Iterator[tuple[str, float]]:
    """Conditions to start anew on, with weights."""
    others = [name for name in parameters(function) if name not in ("self", "cls")][:3]
    if first[:1].isdigit():
        yield from (
            (f"{kept} < 0", 1.0),
            *((f"{kept} {s} {o}", 0.5) for o in others for s in (">", ">=", "==")),
        )
    else:
        yield from ((f"len({kept}) {sign} {other}", 0.4) for other in others for sign in ("==", ">"))
        for element in elements:
            for sign in ("!=", "<", "<=", ">", ">=", "=="):
                yield f"{kept} and {element} {sign} {kept}[-1]", 0.7
            yield f"{element} in {kept}", 0.5
    for element in elements:
        yield from ((f"not {element}", 0.5), (f"{element} < 0", 0.5), (f"{element} == 0", 0.4))
        yield from ((f"{element} {sign} {other}", 0.3) for other in others for sign in ("==", "!="))
