"""Conditions: negated, constant, extended, shortened; loop control."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .registry import Edit, Place, template
from .source import Source, walked

MAX_NAMES = 8


@template("negated condition", ast.If, ast.While, ast.IfExp, ast.comprehension, prior=3.0)
def negated_condition(
    node: ast.If | ast.While | ast.IfExp | ast.comprehension, place: Place
) -> Iterator[Edit]:
    """Negate a condition.

    if a: pass  ->  if not a: pass
    ys = [x for x in xs if ok(x)]  ->  ys = [x for x in xs if not ok(x)]
    """
    tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
    for test in tests:
        if not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            simple = isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
            code = place.source.code(test)
            yield Edit(*place.source.span(test), b"not " + (code if simple else b"(" + code + b")"))


@template("constant condition", ast.If, ast.While, ast.IfExp, prior=1.0)
def constant_condition(node: ast.If | ast.While | ast.IfExp, place: Place) -> Iterator[Edit]:
    """Take a branch always or never.

    if a: pass  ->  if True: pass
    if a: pass  ->  if False: pass
    """
    if not isinstance(node.test, ast.Constant):
        yield Edit(*place.source.span(node.test), b"False")
        yield Edit(*place.source.span(node.test), b"True")


@template("dropped condition", ast.BoolOp, prior=2.0)
def dropped_condition(node: ast.BoolOp, place: Place) -> Iterator[Edit]:
    """Drop one operand of `and` or `or`.

    if a and b: pass  ->  if a: pass
    if a or b: pass  ->  if b: pass
    """
    source, values = place.source, node.values
    for position in range(len(values)):
        if position:
            start, end = source.span(values[position - 1])[1], source.span(values[position])[1]
        else:
            start, end = source.span(values[0])[0], source.span(values[1])[0]
        gap = source.data[start:end]
        if gap.count(b"(") == gap.count(b")"):
            yield Edit(start, end, b"")


def _names_in(node: ast.AST) -> list[str]:
    found = [
        each.id for each in walked(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    ]
    return list(dict.fromkeys(found))


@template("extended condition", ast.If, ast.While, ast.IfExp, ast.comprehension, prior=3.0)
def extended_condition(
    node: ast.If | ast.While | ast.IfExp | ast.comprehension, place: Place
) -> Iterator[Edit]:
    """Add a guard about a name in scope to a condition.

    def f(a, b):\\n if a: pass  ->  def f(a, b):\\n if a and b: pass
    def f(a, b):\\n while a: pass  ->  def f(a, b):\\n while b and a: pass
    def f(a, b):\\n if a > 1: pass  ->  def f(a, b):\\n if not b or a > 1: pass
    """
    source = place.source
    for test in node.ifs if isinstance(node, ast.comprehension) else [node.test]:
        code = source.code(test)
        plain = not isinstance(test, (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr))
        inner = code if plain else b"(" + code + b")"
        mentioned = _names_in(test)
        local = place.project.names(test, source).local
        others = sorted(n for n, line in local.items() if line <= test.lineno and n not in mentioned)
        for rank, name in enumerate([*mentioned, *others][:MAX_NAMES]):
            if name not in local or name in ("self", "cls"):
                continue
            this, weight = name.encode(), 1.0 / (1 + 0.3 * rank)
            for guard in (this + b" is not None and ", this + b" and "):
                yield Edit(*source.span(test), guard + inner, weight)
            for guard in (this + b" is None or ", b"not " + this + b" or "):
                yield Edit(*source.span(test), guard + inner, weight)
            yield Edit(*source.span(test), inner + b" and " + this + b" is not None", weight * 0.5)
            yield Edit(*source.span(test), inner + b" and " + this, weight * 0.5)
            yield Edit(*source.span(test), inner + b" and not " + this, weight * 0.5)
            yield Edit(*source.span(test), inner + b" or not " + this, weight * 0.3)
            yield Edit(*source.span(test), inner + b" or " + this, weight * 0.5)


@template("none test", ast.If, ast.While, ast.IfExp, ast.comprehension, prior=1.5)
def none_test(node: ast.If | ast.While | ast.IfExp | ast.comprehension, place: Place) -> Iterator[Edit]:
    """Tell None from empty, and back.

    if x: pass  ->  if x is not None: pass
    if not x: pass  ->  if x is None: pass
    if x is None: pass  ->  if not x: pass
    ys = [x for x in xs if x]  ->  ys = [x for x in xs if x is not None]
    """
    for test in node.ifs if isinstance(node, ast.comprehension) else [node.test]:
        yield from _none_tests(test, place.source)


def _none_tests(test: ast.expr, source: Source) -> Iterator[Edit]:
    span = source.span(test)
    if isinstance(test, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
        yield Edit(*span, source.code(test) + b" is not None")
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield Edit(*span, source.atom(test.operand) + b" is None")
    elif (
        isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.IsNot)) and len(test.ops) == 1
    ):
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            word = b"not " if isinstance(test.ops[0], ast.Is) else b""
            yield Edit(*span, word + source.atom(test.left))


@template("conditional branch", ast.IfExp, prior=1.0)
def conditional_branch(node: ast.IfExp, place: Place) -> Iterator[Edit]:
    """Swap the branches of a conditional expression.

    y = a if c else b  ->  y = b if c else a
    """
    source = place.source
    (a, b), (c, d) = source.span(node.body), source.span(node.orelse)
    yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])


@template("filter", ast.comprehension, prior=1.0)
def comprehension_filter(node: ast.comprehension, place: Place) -> Iterator[Edit]:
    """Filter a comprehension by its own variable, or drop its filter.

    ys = [x for x in xs]  ->  ys = [x for x in xs if x]
    ys = [x for x in xs if x]  ->  ys = [x for x in xs]
    """
    source = place.source
    if node.ifs:
        yield Edit(source.span(node.iter)[1], source.span(node.ifs[-1])[1], b"", 0.6)
    elif isinstance(node.target, ast.Name):
        end = source.span(node.iter)[1]
        yield Edit(end, end, b" if " + node.target.id.encode())
        yield Edit(end, end, b" if " + node.target.id.encode() + b" is not None")


@template("loop control", ast.Break, ast.Continue, ast.Pass, prior=1.5)
def loop_control(node: ast.Break | ast.Continue | ast.Pass, place: Place) -> Iterator[Edit]:
    """Swap `break`, `continue`, `pass` and a bare `return`.

    for x in xs:\\n break  ->  for x in xs:\\n continue
    """
    code = place.source.code(node)
    for other in (b"continue", b"break", b"pass", b"return"):
        if other != code:
            yield Edit(*place.source.span(node), other)
    function = place.source.function(node)
    returned = (
        [n.value for n in walked(function) if isinstance(n, ast.Return)] if function is not None else []
    )
    codes = [place.source.code(value) for value in returned if isinstance(value, (ast.Name, ast.Constant))]
    for value in list(dict.fromkeys(codes))[:3]:
        yield Edit(*place.source.span(node), b"return " + value, 0.6)


def _open_ended(node: ast.stmt) -> bool:
    """An `if` whose last branch is no `else`, so that an `elif` may follow."""
    while isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
    return isinstance(node, ast.If) and not node.orelse


@template("loop kind", ast.If, ast.While, prior=0.7)
def loop_kind(node: ast.If | ast.While, place: Place) -> Iterator[Edit]:
    """Repeat where it is done once, and once where it is repeated; `elif` to `if` and back.

    if a:\\n x += 1  ->  while a:\\n x += 1
    while a:\\n x += 1  ->  if a:\\n x += 1
    if a: pass\\nelif b: pass  ->  if a: pass\\nif b: pass
    if a: pass\\nif b: pass\\nelse: c()  ->  if a: pass\\nelif b: pass\\nelse: c()
    """
    start = place.source.span(node)[0]
    if place.source.data.startswith(b"elif", start):
        yield Edit(start, start + 4, b"if")
    elif isinstance(node, ast.If):
        if not node.orelse:
            yield Edit(start, start + 2, b"while", 0.7)
        block = place.source.block(node)
        position = block.index(node)
        if position and _open_ended(block[position - 1]):
            yield Edit(start, start + 2, b"elif", 0.7)
    elif isinstance(node, ast.While) and not node.orelse:
        yield Edit(start, start + 5, b"if", 0.7)
