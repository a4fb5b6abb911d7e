"""Comparisons: chained and unchained, of lengths, absolute values and parts; other augmented operators."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import best, is_read, read_names, variables
from .registry import Edit, Place, template
from .source import pairs
from .templates_operators import ARITHMETIC, COMPARISONS


@template("comparison chain", ast.Compare, prior=1.5)
def comparison_chain(node: ast.Compare, place: Place) -> Iterator[Edit]:
    """Add a lower or upper bound to a comparison, drop one end of a chain.

    ok = i < n  ->  ok = 0 <= i < n
    ok = 0 <= i < n  ->  ok = i < n
    ok = 0 <= i < n  ->  ok = 0 <= i
    def f(a, b, c): return a < b  ->  def f(a, b, c): return a < b < c
    """
    source, operands = place.source, [node.left, *node.comparators]
    (start, end), code = source.span(node), source.code(node)
    if len(operands) > 2:
        yield Edit(start, source.span(operands[1])[0], b"")
        yield Edit(source.span(operands[-2])[1], end, b"")
        return
    operator = COMPARISONS[type(node.ops[0])][1]
    if operator in (b"<", b"<="):
        for text in (b"0 <= ", b"0 < ", b"1 <= "):
            yield Edit(start, start, text)
    elif operator in (b">", b">="):
        for text in (b" >= 0", b" > 0"):
            yield Edit(end, end, text)
    used = read_names(node)
    for rank, name in enumerate([n for n in variables(node, place) if n not in used][:5]):
        other, weight = name.encode(), 0.8 / (1 + 0.3 * rank)
        if operator in (b"<", b"<=", b">", b">=", b"=="):
            yield Edit(end, end, b" " + operator + b" " + other, weight)
            yield Edit(start, end, other + b" " + operator + b" " + code, weight)


@template("compared side", ast.Compare, prior=1.5)
def compared_side(node: ast.Compare, place: Place) -> Iterator[Edit]:
    """Compare the length, absolute value, type, first or last element of a side, or a whole other variable.

    ok = xs > n  ->  ok = len(xs) > n
    ok = a - b < c  ->  ok = abs(a - b) < c
    ok = a == b  ->  ok = a[0] == b[0]
    ok = a == b  ->  ok = a in (b,)
    """
    source, edits = place.source, []
    operands = [node.left, *node.comparators]
    for side in operands:
        if isinstance(side, ast.Constant):
            continue
        span, code = source.span(side), source.code(side)
        for word, weight in ((b"len", 1.0), (b"abs", 1.0), (b"str", 0.5), (b"int", 0.5), (b"set", 0.4),
                             (b"sorted", 0.4), (b"type", 0.3), (b"sum", 0.4)):  # fmt: skip
            edits.append(Edit(*span, word + b"(" + code + b")", weight))
        if isinstance(side, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            edits += [Edit(*span, code + part, 0.5) for part in (b"[0]", b"[-1]")]
    if len(operands) == 2:
        (a, b), (c, d) = source.span(operands[0]), source.span(operands[1])
        one, between, other = source.data[a:b], source.data[b:c], source.data[c:d]
        if not isinstance(operands[1], ast.Constant) and b"(" not in between:
            for head, tail in (
                (b"len(", b")"),
                (b"sorted(", b")"),
                (b"set(", b")"),
                (b"", b"[0]"),
                (b"", b"[1]"),
            ):
                edits.append(Edit(a, d, head + one + tail + between + head + other + tail, 0.7))
        if isinstance(node.ops[0], ast.Eq):
            edits.append(Edit(a, d, one + b" in (" + other + b",)", 0.3))
            edits.append(Edit(a, d, b"isinstance(" + one + b", " + other + b")", 0.2))
            edits.append(Edit(a, d, b"abs(" + one + b" - " + other + b") < 1e-9", 0.3))
        elif isinstance(node.ops[0], (ast.In, ast.NotIn)) and isinstance(operands[1], (ast.List, ast.Tuple)):
            for rank, name in enumerate(variables(node, place)[:5]):
                text = source.code(operands[1])
                inner = text[:-1].rstrip(b", ") + b", " + name.encode() + text[-1:]
                edits.append(Edit(c, d, inner, 0.4 / (1 + rank)))
    yield from best(edits, 30)


@template("membership list", ast.List, ast.Tuple, ast.Set, prior=0.8)
def membership_list(node: ast.List | ast.Tuple | ast.Set, place: Place) -> Iterator[Edit]:
    """Drop an element of a display, or double one: what a list of choices has too much.

    ok = x in (1, 2, 3)  ->  ok = x in (1, 3)
    xs = [a, b]  ->  xs = [a]
    """
    source = place.source
    if not is_read(node) or not 2 <= len(node.elts) <= 10 or isinstance(source.parents[node], ast.Subscript):
        return
    for position, element in enumerate(node.elts):
        if position:
            start, end = source.span(node.elts[position - 1])[1], source.span(element)[1]
        else:
            start, end = source.span(element)[0], source.span(node.elts[1])[0]
        gap = source.data[start:end]
        enough = len(node.elts) > 2 or not isinstance(node, ast.Tuple)
        if enough and gap.count(b"(") == gap.count(b")") and gap.count(b"[") == gap.count(b"]"):
            yield Edit(start, end, b"")


@template("other augmented operator", ast.AugAssign, ast.Assign, prior=0.7)
def other_augmented(node: ast.AugAssign | ast.Assign, place: Place) -> Iterator[Edit]:
    """Use any other augmented operator, apply it the other way round, or count on where it is assigned.

    x += y  ->  x //= y
    x = y  ->  x *= y
    s += y  ->  s = y + s
    up = False  ->  up = not up
    x ^= y  ->  x &= ~y
    """
    source = place.source
    if isinstance(node, ast.AugAssign):
        span = source.operator(node.target, node.value, ARITHMETIC[type(node.op)][0] + b"=")
        own = ARITHMETIC[type(node.op)][1]
        target, value = source.code(node.target), source.atom(node.value)
        yield Edit(*source.span(node), target + b" = " + value + b" " + own + b" " + target)
        text = target + b" = " + own + source.code(node.value)
        if own in (b"+", b"-"):
            yield Edit(*source.span(node), text, 0.2)
        elif own in (b"^", b"&", b"|"):
            yield Edit(*source.span(node), target + b" &= ~" + value, 0.7)
    elif len(node.targets) == 1 and isinstance(node.targets[0], (ast.Name, ast.Attribute, ast.Subscript)):
        span, own = source.operator(node.targets[0], node.value, rb"="), b""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
            yield Edit(*source.span(node.value), b"not " + source.code(node.targets[0]))
    else:
        return
    for rank, other in enumerate(
        (b"+", b"-", b"*", b"//", b"/", b"|", b"%", b"&", b"^", b"<<", b">>", b"**")
    ):
        if span is not None and other != own:
            yield Edit(*span, other + b"=", 1.0 / (1 + rank))


@template("both sides", ast.BinOp, prior=0.7)
def both_sides(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Use any arithmetic operator; take the larger, smaller or the distance of two operands.

    y = a - b  ->  y = abs(a - b)
    y = a + b  ->  y = max(a, b)
    y = a / b  ->  y = -(-a // b)
    y = a * b  ->  y = a % b
    """
    source = place.source
    span, left, right = source.span(node), source.atom(node.left), source.atom(node.right)
    pattern, own = ARITHMETIC[type(node.op)]
    at = source.operator(node.left, node.right, pattern)
    for other in (b"+", b"-", b"*", b"//", b"/", b"%", b"**", b"|", b"&"):
        if at is not None and other != own:
            yield Edit(*at, other, 0.3)
    for word in (b"max", b"min"):
        yield Edit(*span, word + b"(" + source.code(node.left) + b", " + source.code(node.right) + b")", 0.7)
    yield Edit(*span, b"abs(" + source.code(node) + b")", 1.0 if own == b"-" else 0.3)
    if own in (b"/", b"//"):
        yield Edit(*span, b"-(-" + left + b" // " + right + b")")
        yield Edit(*span, b"round(" + source.code(node) + b")", 0.7)
        yield Edit(*span, b"int(" + source.code(node) + b")", 0.7)
    elif own == b"%":
        yield Edit(*span, b"divmod(" + source.code(node.left) + b", " + source.code(node.right) + b")", 0.2)


@template("grouped condition", ast.BoolOp, prior=1.0)
def grouped_condition(node: ast.BoolOp, place: Place) -> Iterator[Edit]:
    """Group `and` and `or` the other way, negate one operand, or put `any`/`all` for a chain.

    ok = a or b and c  ->  ok = (a or b) and c
    ok = a and b  ->  ok = a and not b
    """
    source = place.source
    for value in node.values:
        if not isinstance(value, ast.UnaryOp):
            yield Edit(*source.span(value), b"not " + _negatable(value, place), 0.7)
    for left, right in pairs(node.values):
        for outer, inner in ((left, right), (right, left)):
            if not isinstance(inner, ast.BoolOp) or isinstance(outer, ast.BoolOp):
                continue
            start, end = source.span(left)[0], source.span(right)[1]
            text = source.data[start:end]
            if b"(" in text or b"\n" in text:
                continue
            near = inner.values[0] if inner is right else inner.values[-1]
            cut = (source.span(near)[1] if inner is right else source.span(near)[0]) - start
            head, tail = text[:cut], text[cut:]
            yield Edit(start, end, b"(" + head + b")" + tail if inner is right else head + b"(" + tail + b")")


def _negatable(node: ast.expr, place: Place) -> bytes:
    if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
        return place.source.code(node)
    return b"(" + place.source.code(node) + b")"
