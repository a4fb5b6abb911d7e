"""Operators: comparison, arithmetic, boolean and unary operators, augmented assignment, operand order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .registry import Edit, Place, template
from .source import pairs

COMPARISONS: dict[type[ast.AST], tuple[bytes, bytes]] = {
    ast.Lt: (rb"<(?!=)", b"<"),
    ast.LtE: (rb"<=", b"<="),
    ast.Gt: (rb">(?!=)", b">"),
    ast.GtE: (rb">=", b">="),
    ast.Eq: (rb"==", b"=="),
    ast.NotEq: (rb"!=", b"!="),
    ast.In: (rb"\bin\b", b"in"),
    ast.NotIn: (rb"\bnot\s+in\b", b"not in"),
    ast.Is: (rb"\bis\b", b"is"),
    ast.IsNot: (rb"\bis\s+not\b", b"is not"),
}
ORDER = (b"<", b"<=", b">", b">=", b"==", b"!=")
LIKELY = {
    b"<": (b"<=", b">", b">="),
    b"<=": (b"<", b">=", b">"),
    b">": (b">=", b"<", b"<="),
    b">=": (b">", b"<=", b"<"),
    b"==": (b"!=", b"is", b"in"),
    b"!=": (b"==", b"is not"),
    b"in": (b"not in", b"=="),
    b"not in": (b"in",),
    b"is": (b"is not", b"=="),
    b"is not": (b"is", b"!="),
}
ARITHMETIC: dict[type[ast.AST], tuple[bytes, bytes]] = {
    ast.Add: (rb"\+", b"+"),
    ast.Sub: (rb"-", b"-"),
    ast.Mult: (rb"\*(?!\*)", b"*"),
    ast.Div: (rb"/(?!/)", b"/"),
    ast.FloorDiv: (rb"//", b"//"),
    ast.Mod: (rb"%", b"%"),
    ast.Pow: (rb"\*\*", b"**"),
    ast.BitAnd: (rb"&", b"&"),
    ast.BitOr: (rb"\|", b"|"),
    ast.BitXor: (rb"\^", b"^"),
    ast.LShift: (rb"<<", b"<<"),
    ast.RShift: (rb">>", b">>"),
    ast.MatMult: (rb"@", b"@"),
}
ARITHMETIC_SWAPS = {
    b"+": (b"-", b"*", b"|"),
    b"-": (b"+", b"//", b"%"),
    b"*": (b"+", b"/", b"**", b"//"),
    b"/": (b"//", b"*", b"%"),
    b"//": (b"/", b"%", b"*"),
    b"%": (b"//", b"/"),
    b"**": (b"*",),
    b"&": (b"|", b"^"),
    b"|": (b"&", b"^"),
    b"^": (b"&", b"|"),
    b"<<": (b">>",),
    b">>": (b"<<",),
    b"@": (b"*",),
}


@template("comparison operator", ast.Compare, prior=6.0)
def comparison_operator(node: ast.Compare, place: Place) -> Iterator[Edit]:
    """Swap one comparison operator; the boundary case and the opposite come first.

    if a < b: pass  ->  if a <= b: pass
    if x in xs: pass  ->  if x not in xs: pass
    if x is y: pass  ->  if x == y: pass
    """
    left = node.left
    for position, operator in enumerate(node.ops):
        right = node.comparators[position]
        pattern, text = COMPARISONS[type(operator)]
        span = place.source.operator(left, right, pattern)
        left = right
        if span is None:
            continue
        likely = LIKELY[text]
        for rank, other in enumerate(likely):
            yield Edit(*span, other, 1.0 / (1 + rank))
        for other in ORDER if text in ORDER else ():
            if other != text and other not in likely:
                yield Edit(*span, other, 0.15)


@template("arithmetic operator", ast.BinOp, prior=4.0)
def arithmetic_operator(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Swap an arithmetic or bit operator.

    y = a + b  ->  y = a - b
    y = a / b  ->  y = a // b
    """
    if isinstance(node.left, (ast.JoinedStr, ast.Constant)) and isinstance(
        getattr(node.left, "value", ""), (str, bytes)
    ):
        return
    pattern, text = ARITHMETIC[type(node.op)]
    span = place.source.operator(node.left, node.right, pattern)
    if span is not None:
        # `x * 1` and its like say `x` in a roundabout way: that is for "operand only".
        one = any(isinstance(side, ast.Constant) and side.value == 1 for side in (node.left, node.right))
        for rank, other in enumerate(ARITHMETIC_SWAPS[text]):
            if not (one and other not in (b"+", b"-")):
                yield Edit(*span, other, 1.0 / (1 + rank))


@template("operand order", ast.BinOp, ast.Compare, prior=1.5)
def operand_order(node: ast.BinOp | ast.Compare, place: Place) -> Iterator[Edit]:
    """Swap the two operands where order matters.

    y = a - b  ->  y = b - a
    if a in b: pass  ->  if b in a: pass
    """
    if isinstance(node, ast.Compare):
        if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return
        left, right = node.left, node.comparators[0]
    else:
        left, right = node.left, node.right
        if isinstance(node.op, (ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)):
            return
    source = place.source
    gap = source.data[source.span(left)[1] : source.span(right)[0]]
    if b"(" in gap or b")" in gap or b"#" in gap:
        return
    yield Edit(source.span(left)[0], source.span(right)[1], source.atom(right) + gap + source.atom(left))


@template("operand only", ast.BinOp, prior=1.2)
def operand_only(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Drop one operand of an arithmetic expression.

    y = a + b  ->  y = a
    y = a + b  ->  y = b
    y = n + 1  ->  y = n
    """
    span = place.source.span(node)
    number = isinstance(node.right, ast.Constant) and type(node.right.value) in (int, float)
    yield Edit(*span, place.source.atom(node.left), 3.0 if number else 1.0)
    yield Edit(*span, place.source.atom(node.right), 0.7)


@template("grouping", ast.BinOp, prior=0.8)
def grouping(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Group two chained operators the other way.

    y = a + b / c  ->  y = (a + b) / c
    y = a - b - c  ->  y = a - (b - c)
    """
    source = place.source
    if isinstance(node.right, ast.BinOp):
        start, end = source.span(node.left)[0], source.span(node.right.left)[1]
        inner, rest = source.data[start:end], source.data[end : source.span(node)[1]]
        if inner.count(b"(") == inner.count(b")"):
            yield Edit(*source.span(node), b"(" + inner + b")" + rest)
    if isinstance(node.left, ast.BinOp):
        start, end = source.span(node.left.right)[0], source.span(node)[1]
        head, inner = source.data[source.span(node)[0] : start], source.data[start:end]
        if inner.count(b"(") == inner.count(b")"):
            yield Edit(*source.span(node), head + b"(" + inner + b")")


@template("boolean operator", ast.BoolOp, prior=3.0)
def boolean_operator(node: ast.BoolOp, place: Place) -> Iterator[Edit]:
    """Swap `and` with `or`, at one place of a chain or at all.

    if a and b: pass  ->  if a or b: pass
    """
    pattern, other = (rb"\band\b", b"or") if isinstance(node.op, ast.And) else (rb"\bor\b", b"and")
    for left, right in pairs(node.values):
        span = place.source.operator(left, right, pattern)
        if span is not None:
            yield Edit(*span, other)


@template("unary operator", ast.UnaryOp, prior=2.0)
def unary_operator(node: ast.UnaryOp, place: Place) -> Iterator[Edit]:
    """Drop `not`, `-`, `+` or `~`.

    y = -x  ->  y = x
    if not x: pass  ->  if x: pass
    """
    yield Edit(*place.source.span(node), place.source.atom(node.operand))


@template("sign", ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript, prior=0.5)
def sign(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Negate the value of a return, an argument, an operand or an element.

    return x  ->  return -x
    return a, b  ->  return -a, b
    y = min(a, b)  ->  y = min(-a, b)
    """
    parent = place.source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    is_left = isinstance(parent, ast.BinOp) and parent.left is node
    is_value = isinstance(parent, (ast.Return, ast.keyword, ast.Tuple, ast.Compare, ast.Assign))
    is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    if is_read and (is_argument or is_left or is_value):
        yield Edit(*place.source.span(node), b"-" + place.source.atom(node))


@template("augmented assignment", ast.AugAssign, prior=3.0)
def augmented_assignment(node: ast.AugAssign, place: Place) -> Iterator[Edit]:
    """Swap the operator of an augmented assignment, or assign plainly.

    x += y  ->  x -= y
    x += y  ->  x = y
    """
    pattern, text = ARITHMETIC[type(node.op)]
    span = place.source.operator(node.target, node.value, pattern + b"=")
    if span is not None:
        for rank, other in enumerate(ARITHMETIC_SWAPS[text]):
            yield Edit(*span, other + b"=", 1.0 / (1 + rank))
        yield Edit(*span, b"=", 0.5)


@template("plain assignment", ast.Assign, prior=1.0)
def plain_assignment(node: ast.Assign, place: Place) -> Iterator[Edit]:
    """Accumulate where the value is overwritten.

    x = y  ->  x += y
    """
    if len(node.targets) == 1 and isinstance(node.targets[0], (ast.Name, ast.Attribute, ast.Subscript)):
        span = place.source.operator(node.targets[0], node.value, rb"=")
        if span is not None:
            yield Edit(*span, b"+=")
            yield Edit(*span, b"-=", 0.3)
