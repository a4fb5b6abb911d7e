"""Terms and factors that are missing: like a neighbour, the variable itself, a power, a number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from .described import said
from .ingredients import best, is_callee, is_read, piece, read_names, variables, with_name
from .registry import Edit, Place, template
from .templates_calls import SIBLING_METHODS, siblings

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
FOLDS = ("sum", "max", "min", "join", "sorted", "set", "list")
SIGNS = {ast.Add: b" + ", ast.Sub: b" - ", ast.Mult: b" * ", ast.And: b" and ", ast.Or: b" or "}


def _like(code: bytes, names: list[str], others: list[str]) -> dict[bytes, float]:
    """The term with a name or method replaced, two of its names exchanged, or a number shifted by one."""
    found: dict[bytes, float] = {}
    for rank, old in enumerate(names[:4]):
        for other in [name for name in others if name != old][:4]:
            found.setdefault(with_name(code, old, other), 1.0 / (1 + 0.2 * rank))
    for one, other in combinations(names[:4], 2):
        swapped = with_name(with_name(with_name(code, one, "\0"), other, one), "\0", other)
        found.setdefault(swapped, 0.8)
    for number in list(re.finditer(rb"(?<![\w.])\d+(?![\w.])", code))[:2]:
        for shift in (1, -1):
            text = str(int(number.group()) + shift).encode()
            if not text.startswith(b"-"):
                found.setdefault(
                    code[: number.start()] + text + code[number.end() :], 1.0 if shift > 0 else 0.5
                )
    for method in list(re.finditer(rb"\.(\w+)\(\)", code))[:1]:
        for other, weight in siblings(method.group(1).decode(), SIBLING_METHODS):
            found.setdefault(code[: method.start(1)] + other.encode() + code[method.end(1) :], weight)
    found.pop(code, None)
    return found


@template("another term", ast.BinOp, ast.BoolOp, prior=1.5)
def another_term(node: ast.BinOp | ast.BoolOp, place: Place) -> Iterator[Edit]:
    """Put another term behind the last one of a chain that is like it but for a name or a number.

    def f(a, b, c): return a * b + a * c  ->  def f(a, b, c): return a * b + a * c + b * c
    def f(a, b, c): return a < b + c and b < a + c  ->  \
def f(a, b, c): return a < b + c and b < a + c and c < a + b
    y = xs[i - 1] + xs[i - 2]  ->  y = xs[i - 1] + xs[i - 2] + xs[i - 3]
    """
    source, parent = place.source, place.source.parents[node]
    sign = SIGNS.get(type(node.op))
    last = node.values[-1] if isinstance(node, ast.BoolOp) else node.right
    chained = isinstance(parent, ast.BinOp) and parent.left is node and type(parent.op) is type(node.op)
    made = piece(last, source)
    if sign is None or chained or made is None or _loose(last):
        return
    local, names = place.project.names(node, source).local, read_names(last)
    mine = [name for name in names if name in local]
    others = [name for name in [*read_names(node), *variables(node, place)] if name in local]
    whole = source.code(node)
    texts = _like(made.code, mine, list(dict.fromkeys(others)))
    for form in said(source.function(node)).conditions:
        if form.startswith("{0}.") and form.endswith("()"):
            method = form[3:].encode()
            texts.setdefault(re.sub(rb"\.\w+\(\)", method, made.code, count=1), 1.0)
    if len(mine) in (2, 3):  # turned round: (a, b, c) to (c, a, b) and on
        for turn in range(1, len(mine)):
            turned = made.code
            for index, name in enumerate(mine):
                turned = with_name(turned, name, f"\0{index}")
            for index in range(len(mine)):
                turned = turned.replace(f"\0{index}".encode(), mine[(index + turn) % len(mine)].encode())
            texts.setdefault(turned, 0.8)
    end = source.span(node)[1]
    edits = [Edit(end, end, sign + text, weight) for text, weight in texts.items() if text not in whole]
    yield from best(edits, 20)


def _loose(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


@template("power", ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, prior=0.6)
def power(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Square or cube a value, or take its root.

    y = a * b  ->  y = a ** 2 * b
    y = sum(x for x in xs)  ->  y = sum(x ** 2 for x in xs)
    """
    source, parent = place.source, place.source.parents[node]
    operand = isinstance(parent, ast.BinOp) and isinstance(parent.op, ARITHMETIC)
    element = isinstance(parent, (ast.ListComp, ast.GeneratorExp)) and parent.elt is node
    given = isinstance(parent, (ast.Return, ast.Assign, ast.AugAssign)) or (
        isinstance(parent, ast.Call) and node in parent.args
    )
    if not is_read(node) or is_callee(node, source) or not (operand or element or given):
        return
    if isinstance(node, ast.BinOp) and not element and not given:
        return
    atom = source.atom(node)
    for tail, weight in ((b" ** 2", 1.0), (b" ** 3", 0.3), (b" ** 0.5", 0.4)):
        yield Edit(*source.span(node), atom + tail, weight)


@template("missing factor", ast.BinOp, ast.Call, ast.Subscript, prior=1.0)
def missing_factor(node: ast.BinOp | ast.Call | ast.Subscript, place: Place) -> Iterator[Edit]:
    """Multiply or divide what is returned, kept or added by a variable or a number.

    def f(n):\\n  if n: return f(n - 1)  ->  def f(n):\\n  if n: return n * f(n - 1)
    def f(r, h): return g(r) * h  ->  def f(r, h): return (g(r) * h) / 3
    """
    source, parent = place.source, place.source.parents[node]
    if not isinstance(parent, (ast.Return, ast.Assign, ast.AugAssign)) or not is_read(node):
        return
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else ()
    if any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in sides):
        return
    span, atom = source.span(node), source.atom(node)
    edits = []
    for rank, name in enumerate(variables(node, place)[:4]):
        weight = 1.0 / (1 + 0.3 * rank)
        edits.append(Edit(*span, name.encode() + b" * " + atom, weight))
        edits.append(Edit(*span, name.encode() + b" + " + source.code(node), weight))
        edits.append(Edit(*span, atom + b" / " + name.encode(), 0.5 * weight))
    numbers = dict.fromkeys(("2", "3", "10", "100", "4"), 0.3)
    numbers.update(dict.fromkeys((each for each, _ in said(source.function(node)).numbers[:4]), 0.6))
    for number, weight in numbers.items() if sides else ():
        for sign in (" * ", " / ", " // ", " % "):
            edits.append(Edit(*span, atom + f"{sign}{number}".encode(), weight))
    yield from best(edits, 30)


@template("operands dropped", ast.BoolOp, prior=0.8)
def operands_dropped(node: ast.BoolOp, place: Place) -> Iterator[Edit]:
    """Keep one of three and more conditions.

    if a and b and c: pass  ->  if a: pass
    """
    source = place.source
    for value in node.values if len(node.values) > 2 else ():
        yield Edit(*source.span(node), source.code(value))


@template("mapped argument", ast.Call, prior=0.8)
def mapped_argument(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Change each of the values that are summed, compared or joined, not the whole, or not at all.

    y = abs(sum(xs))  ->  y = sum(abs(each) for each in xs)
    y = max(xs)  ->  y = max(len(each) for each in xs)
    """
    source = place.source
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name not in FOLDS or len(node.args) != 1 or node.keywords:
        return
    argument = node.args[0]
    if isinstance(argument, ast.GeneratorExp):
        return
    parent, head = source.parents[node], source.code(node.func)
    walked_over = b" for each in " + source.code(argument) + b")"
    if isinstance(parent, ast.Call) and len(parent.args) == 1 and isinstance(parent.func, ast.Name):
        outer = source.code(parent.func)
        yield Edit(*source.span(parent), head + b"(" + outer + b"(each)" + walked_over, 2.0)
    for form in (b"abs(each)", b"len(each)", b"int(each)", b"str(each)", b"each ** 2"):
        yield Edit(*source.span(node), head + b"(" + form + walked_over)
