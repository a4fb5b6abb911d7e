"""Mistakes in expressions: comparisons, conditions, arithmetic, indexes and names.

Each maker says in its docstring what right code becomes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from benchmarks._repair_source import FUNCTIONS, Change, Source, mistake

COMPARED = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "//"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}


def _compared(node: ast.Compare, source: Source, table: dict[str, str]) -> Iterator[Change]:
    sides = [node.left, *node.comparators]
    for place, operator in enumerate(node.ops):
        old = COMPARED[type(operator)]
        if old in table:
            yield from source.between(sides[place], sides[place + 1], old, table[old])


@mistake("comparison boundary", ast.Compare)
def boundary(node: ast.Compare, source: Source) -> Iterator[Change]:
    """a < b becomes a <= b."""
    yield from _compared(node, source, BOUNDARY)


@mistake("comparison reversed", ast.Compare)
def reversed_comparison(node: ast.Compare, source: Source) -> Iterator[Change]:
    """a < b becomes a > b, a == b becomes a != b."""
    yield from _compared(node, source, OPPOSITE)


@mistake("membership", ast.Compare)
def membership(node: ast.Compare, source: Source) -> Iterator[Change]:
    """a in b becomes a not in b."""
    yield from _compared(node, source, {"in": "not in", "not in": "in"})


@mistake("identity reversed", ast.Compare)
def identity(node: ast.Compare, source: Source) -> Iterator[Change]:
    """a is None becomes a is not None."""
    yield from _compared(node, source, {"is": "is not", "is not": "is"})


@mistake("truth instead of None", ast.Compare)
def truth_for_none(node: ast.Compare, source: Source) -> Iterator[Change]:
    """a is None becomes not a."""
    if (
        len(node.ops) == 1
        and isinstance(node.comparators[0], ast.Constant)
        and node.comparators[0].value is None
    ):
        no = "not " if isinstance(node.ops[0], ast.Is) else ""
        yield source.replace(node, no + source.text(node.left))


@mistake("None instead of truth", ast.If, ast.While, ast.IfExp)
def none_for_truth(node: ast.If, source: Source) -> Iterator[Change]:
    """if a becomes if a is not None."""
    if isinstance(node.test, ast.Name | ast.Attribute):
        yield source.replace(node.test, f"{source.text(node.test)} is not None")


@mistake("and or", ast.BoolOp)
def and_or(node: ast.BoolOp, source: Source) -> Iterator[Change]:
    """a and b becomes a or b."""
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in pairwise(node.values):
        yield from source.between(left, right, old, new)


@mistake("part of condition dropped", ast.BoolOp)
def part_dropped(node: ast.BoolOp, source: Source) -> Iterator[Change]:
    """a and b becomes a, or b."""
    first, last = node.values[0], node.values[-1]
    yield Change(source.start(node), source.start(node.values[1]), "")
    yield Change(source.end(node.values[-2]), source.end(last), "")
    if len(node.values) == 2:
        yield source.replace(node, source.text(first))


@mistake("negation dropped", ast.UnaryOp)
def negation_dropped(node: ast.UnaryOp, source: Source) -> Iterator[Change]:
    """not a becomes a."""
    if isinstance(node.op, ast.Not):
        yield source.replace(node, source.text(node.operand))


@mistake("minus dropped", ast.UnaryOp)
def minus_dropped(node: ast.UnaryOp, source: Source) -> Iterator[Change]:
    """-a becomes a."""
    if isinstance(node.op, ast.USub):
        yield source.replace(node, source.text(node.operand))


@mistake("condition negated", ast.If, ast.While, ast.IfExp)
def condition_negated(node: ast.If, source: Source) -> Iterator[Change]:
    """if a becomes if not a."""
    if isinstance(node.test, ast.Name | ast.Attribute | ast.Call):
        yield source.replace(node.test, f"not {source.text(node.test)}")


@mistake("arithmetic operator", ast.BinOp)
def arithmetic(node: ast.BinOp, source: Source) -> Iterator[Change]:
    """a + b becomes a - b."""
    if type(node.op) in ARITHMETIC and not isinstance(node.left, ast.Constant | ast.JoinedStr):
        yield from source.between(node.left, node.right, *ARITHMETIC[type(node.op)])


@mistake("operand dropped", ast.BinOp)
def operand_dropped(node: ast.BinOp, source: Source) -> Iterator[Change]:
    """a + b becomes a, or b."""
    yield source.replace(node, source.text(node.left))
    yield source.replace(node, source.text(node.right))


@mistake("operands swapped", ast.BinOp)
def operands_swapped(node: ast.BinOp, source: Source) -> Iterator[Change]:
    """a - b becomes b - a."""
    if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Add):
        yield source.swap(node.left, node.right)


@mistake("one left out", ast.BinOp)
def one_left_out(node: ast.BinOp, source: Source) -> Iterator[Change]:
    """a + 1 becomes a."""
    if isinstance(node.right, ast.Constant) and node.right.value == 1:
        yield source.replace(node, source.text(node.left))


@mistake("one too many", ast.Call, ast.Subscript)
def one_too_many(node: ast.Call | ast.Subscript, source: Source) -> Iterator[Change]:
    """len(a) becomes len(a) - 1, a[i] becomes a[i + 1]."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "len":
            yield source.replace(node, f"({source.text(node)} - 1)")
    elif isinstance(node.slice, ast.Name):
        yield source.replace(node.slice, f"{node.slice.id} + 1")


@mistake("index changed", ast.Subscript)
def index_changed(node: ast.Subscript, source: Source) -> Iterator[Change]:
    """a[0] becomes a[-1], a[1] becomes a[0]."""
    new = {"0": "-1", "-1": "0", "1": "0", "2": "1"}.get(source.text(node.slice))
    if new is not None:
        yield source.replace(node.slice, new)


@mistake("slice bound dropped", ast.Slice)
def bound_dropped(node: ast.Slice, source: Source) -> Iterator[Change]:
    """a[i:j] becomes a[i:] or a[:j]."""
    for bound in (node.lower, node.upper):
        if bound is not None:
            yield source.replace(bound, "")


@mistake("slice bound off by one", ast.Slice)
def bound_off(node: ast.Slice, source: Source) -> Iterator[Change]:
    """a[i:j] becomes a[i + 1:j] or a[i:j - 1]."""
    if node.lower is not None:
        yield source.replace(node.lower, f"{source.text(node.lower)} + 1")
    if node.upper is not None:
        yield source.replace(node.upper, f"{source.text(node.upper)} - 1")


@mistake("subscript left out", ast.Subscript)
def subscript_left_out(node: ast.Subscript, source: Source) -> Iterator[Change]:
    """a[i] becomes a."""
    if isinstance(node.ctx, ast.Load):
        yield source.replace(node, source.text(node.value))


@mistake("attribute left out", ast.Attribute)
def attribute_left_out(node: ast.Attribute, source: Source) -> Iterator[Change]:
    """a.b becomes a."""
    called = source.parents.get(node)
    is_called = isinstance(called, ast.Call) and called.func is node
    if isinstance(node.ctx, ast.Load) and not is_called and source.text(node.value) != "self":
        yield source.replace(node, source.text(node.value))


@mistake("wrong variable", ast.Name)
def wrong_variable(node: ast.Name, source: Source) -> Iterator[Change]:
    """a becomes another parameter or variable of the function."""
    names = source.names(node)
    if isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (source.replace(node, name) for name in names if name != node.id)


@mistake("wrong attribute", ast.Attribute)
def wrong_attribute(node: ast.Attribute, source: Source) -> Iterator[Change]:
    """self.a becomes another attribute of the class."""
    names = source.attributes(node)
    if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in names:
        yield from (source.replace(node, f"self.{name}") for name in names if name != node.attr)


@mistake("wrong method", ast.Attribute)
def wrong_method(node: ast.Attribute, source: Source) -> Iterator[Change]:
    """self.a() becomes another method of the class that takes as many arguments."""
    methods = source.methods(node)
    if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in methods:
        for name, count in sorted(methods.items()):
            if name != node.attr and count == methods[node.attr] and not name.startswith("__"):
                yield source.replace(node, f"self.{name}")


@mistake("tuple order", ast.Tuple)
def tuple_order(node: ast.Tuple, source: Source) -> Iterator[Change]:
    """a, b becomes b, a."""
    for one, other in pairwise(node.elts):
        yield source.swap(one, other)


@mistake("alternatives swapped", ast.IfExp)
def alternatives_swapped(node: ast.IfExp, source: Source) -> Iterator[Change]:
    """a if c else b becomes b if c else a."""
    yield source.swap(node.body, node.orelse)


@mistake("alternative dropped", ast.IfExp)
def alternative_dropped(node: ast.IfExp, source: Source) -> Iterator[Change]:
    """a if c else b becomes a, or b."""
    yield source.replace(node, f"({source.text(node.body)})")
    yield source.replace(node, f"({source.text(node.orelse)})")


@mistake("filter dropped", ast.comprehension)
def filter_dropped(node: ast.comprehension, source: Source) -> Iterator[Change]:
    """[a for a in b if c] becomes [a for a in b]."""
    if node.ifs:
        yield Change(source.end(node.iter), source.end(node.ifs[-1]), "")


@mistake("yield kind", ast.Yield, ast.YieldFrom)
def yield_kind(node: ast.Yield | ast.YieldFrom, source: Source) -> Iterator[Change]:
    """yield a becomes yield from a, and the other way round."""
    if node.value is not None:
        word = "yield from" if isinstance(node, ast.Yield) else "yield"
        yield Change(source.start(node), source.start(node.value), f"{word} ")


@mistake("await dropped", ast.Await)
def await_dropped(node: ast.Await, source: Source) -> Iterator[Change]:
    """await a becomes a."""
    yield source.replace(node, source.text(node.value))


@mistake("default value", *FUNCTIONS)
def default_value(node: ast.FunctionDef, source: Source) -> Iterator[Change]:
    """def f(a=1) becomes def f(a=None)."""
    for default in [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]:
        text = source.text(default)
        new = {"None": "0", "True": "False", "False": "True", "0": "1", "1": "0", '""': "None"}.get(
            text, "None"
        )
        yield source.replace(default, new)
