"""Constants and bounds: off-by-one in numbers, ranges, slices, indexes; flipped booleans; strings."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .registry import Edit, Place, template
from .source import walked


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _shifted(node: ast.expr, place: Place) -> Iterator[bytes]:
    """The expression plus one and minus one, folding `n - 1` and `n + 1` to `n`."""
    code = place.source.code(node)
    if _is_number(node):
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and _is_number(node.right):
        yield place.source.code(node.left)
    if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp)):
        outer = (
            b"(" + code + b")"
            if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Sub))
            else code
        )
        yield outer + b" + 1"
        yield outer + b" - 1"


@template("number", ast.Constant, prior=3.0)
def number(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Shift a number by one, or try the usual ones.

    x = 5  ->  x = 6
    x = 5  ->  x = 4
    x = 0  ->  x = 1
    x = 2.5  ->  x = 3.5
    x = 3  ->  x = 7
    """
    if not _is_number(node):
        return
    assert isinstance(node.value, (int, float))
    span = place.source.span(node)
    value = node.value
    summand = isinstance(place.source.parents[node], ast.BinOp)  # `n - 0` says no more than `n`
    for other, weight in ((value + 1, 1.0), (value - 1, 1.0), (0, 0.4), (1, 0.4), (-value, 0.3), (2, 0.2)):
        text = repr(other)
        if other == 0 and summand:
            continue
        if other != value and text[0].isdigit():
            yield Edit(*span, text.encode(), weight)
        elif other != value and text[:1] == "-" and text[1:2].isdigit():
            yield Edit(*span, f"({text})".encode() if _binds_left(node, place) else text.encode(), weight)
    if value == 0 and isinstance(place.source.parents[node], (ast.Assign, ast.arguments, ast.Return)):
        yield Edit(*span, b"None", 0.3)
    near = range(11) if isinstance(value, int) else (0.5, 0.1, 0.01, 1.5)
    for other in near if abs(value) <= 12 else ():
        if other not in (value - 1, value, value + 1) and not (summand and other == 0):
            yield Edit(*span, repr(other).encode(), 0.05)
    if isinstance(value, int) and abs(value) >= 8:
        for other in (value * 2, value // 2, value * 10, value // 10):
            yield Edit(*span, repr(other).encode(), 0.1)


def _binds_left(node: ast.AST, place: Place) -> bool:
    return isinstance(place.source.parents[node], (ast.BinOp, ast.UnaryOp, ast.Attribute))


@template("infinity", ast.Constant, prior=0.3)
def infinity(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Start a minimum or maximum from infinity.

    best = 0  ->  best = float("inf")
    """
    parent = place.source.parents[node]
    if _is_number(node) and isinstance(parent, (ast.Assign, ast.AnnAssign)):
        yield Edit(*place.source.span(node), b'float("inf")')
        yield Edit(*place.source.span(node), b'float("-inf")')


@template("boolean constant", ast.Constant, prior=3.0)
def boolean_constant(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Flip True and False; put a value for None.

    return True  ->  return False
    x = None  ->  x = []
    """
    span = place.source.span(node)
    if node.value is True or node.value is False:
        yield Edit(*span, b"False" if node.value else b"True")
        yield Edit(*span, b"None", 0.2)
    elif node.value is None and isinstance(place.source.parents[node], (ast.Assign, ast.Return, ast.keyword)):
        for other in (b"[]", b"0", b"{}", b'""', b"False", b"True", b"()", b"set()"):
            yield Edit(*span, other, 0.3)


@template("string constant", ast.Constant, prior=1.0)
def string_constant(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Empty a separator, add or drop a space, or take another short string of the same function.

    return "".join(xs)  ->  return " ".join(xs)
    return " ".join(xs)  ->  return "".join(xs)
    """
    code = place.source.code(node)
    if not isinstance(node.value, str) or code[-1:] not in (b'"', b"'") or code[:3] in (b'"""', b"'''"):
        return
    if isinstance(place.source.parents[node], (ast.Expr, ast.JoinedStr)) or len(node.value) > 40:
        return
    quote = code[-1:]
    span = place.source.span(node)
    others = {"": (" ", ", ", "\\n"), " ": ("", "_", "-"), ",": (", ",), ", ": (",",)}.get(node.value, ())
    for other in others:
        yield Edit(*span, quote + other.encode() + quote)
    if node.value and code[:1] == quote and b"\\" not in code:
        for other in (
            node.value.strip(),
            node.value + " ",
            node.value.lower(),
            node.value.upper(),
            node.value[1:],
            node.value[:-1],
        ):
            if other != node.value and len(node.value) <= 12:
                yield Edit(*span, quote + other.encode() + quote, 0.3)
    around = place.source.function(node)
    near = {place.source.code(each) for each in walked(around) if _is_short_string(each)} if around else set()
    for text in sorted(near - {code}):
        yield Edit(*span, text, 0.3)


def _is_short_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and 0 < len(node.value) <= 40
        and "\n" not in node.value
    )


@template("range bounds", ast.Call, prior=4.0)
def range_bounds(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Shift a bound of `range`, give it a start, or drop one; turn it round.

    for i in range(n): pass  ->  for i in range(n + 1): pass
    for i in range(n): pass  ->  for i in range(1, n): pass
    for i in range(n - 1): pass  ->  for i in range(n): pass
    for i in range(1, n): pass  ->  for i in range(n): pass
    """
    if not (isinstance(node.func, ast.Name) and node.func.id == "range" and 1 <= len(node.args) <= 3):
        return
    source, args = place.source, node.args
    if any(isinstance(arg, ast.Starred) for arg in args):
        return
    for position, arg in enumerate(args[:2]):
        for other in _shifted(arg, place):
            yield Edit(*source.span(arg), other, 1.0 if position == len(args[:2]) - 1 else 0.6)
    whole = source.span(args[0])[0], source.span(args[-1])[1]
    codes = [source.code(arg) for arg in args]
    if len(args) == 1:
        yield Edit(*whole, b"1, " + codes[0])
        yield Edit(*whole, b"1, " + codes[0] + b" + 1")
        yield Edit(*whole, codes[0] + b" - 1, -1, -1", 0.3)
    elif len(args) == 2:
        yield Edit(*whole, codes[1], 0.6)
        yield Edit(*whole, codes[1] + b", " + codes[0], 0.2)
        yield Edit(*whole, codes[0] + b", " + codes[1] + b", -1", 0.2)
        yield Edit(*whole, codes[0] + b" + 1, " + codes[1] + b" + 1", 0.3)
    else:
        yield Edit(*whole, b", ".join(codes[:2]), 0.4)


@template("slice bounds", ast.Slice, prior=4.0)
def slice_bounds(node: ast.Slice, place: Place) -> Iterator[Edit]:
    """Shift, drop or add a bound of a slice.

    y = xs[1:]  ->  y = xs[:]
    y = xs[:n]  ->  y = xs[:n + 1]
    y = xs[:n]  ->  y = xs[n:]
    y = xs[:-1]  ->  y = xs[1:]
    """
    source = place.source
    parent = source.parents[node]
    if not isinstance(parent, ast.Subscript):
        return
    opening = source.data.index(b"[", source.span(parent.value)[1]) + 1
    closing = source.span(parent)[1] - 1
    lower = source.code(node.lower) if node.lower else b""
    upper = source.code(node.upper) if node.upper else b""
    step = b":" + source.code(node.step) if node.step else b""

    def edit(low: bytes, high: bytes, tail: bytes, weight: float) -> Edit:
        return Edit(opening, closing, low + b":" + high + tail, weight)

    for bound, is_lower in ((node.lower, True), (node.upper, False)):
        if bound is None:
            continue
        for other in [*_shifted(bound, place), *_number_shifts(bound)]:
            yield edit(other, upper, step, 1.0) if is_lower else edit(lower, other, step, 1.0)
    if not lower and upper == b"-1":
        yield edit(b"1", b"", step, 1.0)
    elif not upper and lower == b"1":
        yield edit(b"", b"-1", step, 0.7)
    if lower:
        yield edit(b"", upper, step, 0.6)
    if upper:
        yield edit(lower, b"", step, 0.6)
    if bool(lower) != bool(upper):
        yield edit(upper, lower, step, 0.6)
    if not lower:
        yield edit(b"1", upper, step, 0.5)
    if not upper:
        yield edit(lower, b"-1", step, 0.5)
    if step:
        yield edit(lower, upper, b"", 0.4)
    elif not (lower or upper):
        yield edit(b"", b"", b":-1", 0.5)


def _number_shifts(node: ast.expr) -> Iterator[bytes]:
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        inner = node.operand.value
        if type(inner) is int:
            yield from (str(-inner + 1).encode(), str(-inner - 1).encode(), str(inner).encode())
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield from (str(node.value + 1).encode(), str(node.value - 1).encode(), str(-node.value).encode())


@template("index", ast.Subscript, prior=2.5)
def index(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Shift an index by one, or take it from the other end.

    y = xs[i]  ->  y = xs[i + 1]
    y = xs[i + 1]  ->  y = xs[i]
    y = xs[0]  ->  y = xs[-1]
    """
    if isinstance(node.slice, (ast.Slice, ast.Tuple)):
        return
    span = place.source.span(node.slice)
    for other in _shifted(node.slice, place):
        yield Edit(*span, other)
    if isinstance(node.slice, ast.Constant) and type(node.slice.value) is int and node.slice.value >= 0:
        yield Edit(*span, str(-node.slice.value - 1).encode())
    for other in _number_shifts(node.slice):
        yield Edit(*span, other)


@template("off by one", ast.Name, ast.Call, ast.BinOp, ast.Attribute, ast.Subscript, prior=2.0)
def off_by_one(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Shift a compared, returned, assigned or passed value by one.

    return n  ->  return n + 1
    if i < len(xs) - 1: pass  ->  if i < len(xs): pass
    f(n)  ->  f(n - 1)
    y = (a + b) // c  ->  y = (a + b - 1) // c
    """
    parent = place.source.parents[node]
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in (
        "range",
        "len",
        "print",
        "isinstance",
    ):
        return
    places = (ast.Compare, ast.Return, ast.Assign, ast.AugAssign, ast.Tuple, ast.List, ast.IfExp)
    scaled = isinstance(parent, ast.BinOp) and isinstance(
        parent.op, (ast.Div, ast.FloorDiv, ast.Mod, ast.Mult)
    )
    is_dividend = scaled and isinstance(node, ast.BinOp)
    if not (isinstance(parent, places) or is_argument or is_dividend):
        return
    for other in _shifted(node, place):
        yield Edit(*place.source.span(node), other, 0.4 if is_argument else 1.0)
