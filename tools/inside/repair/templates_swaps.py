"""Constants for names and names for constants; numbers of the file; one replacement at every occurrence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import is_callee, is_read, numbers, short_constants, variables
from .registry import Edit, Place, template
from .source import walked
from .templates_calls import siblings

HEADS = ("targets", "target", "value", "test", "iter")


@template("constant to name", ast.Constant, prior=1.0)
def constant_to_name(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Put a variable, a constant of the module, or a length where a constant stands.

    def f(n): return 3  ->  def f(n): return n
    LIMIT = 5\\ndef f(): return 3  ->  LIMIT = 5\\ndef f(): return LIMIT
    """
    source = place.source
    if isinstance(source.parents[node], (ast.Expr, ast.JoinedStr, ast.FormattedValue, ast.arguments)):
        return
    span = source.span(node)
    module = [name for name in place.project.bound(source.tree) if name.isupper()]
    for rank, name in enumerate(variables(node, place)[:10]):
        yield Edit(*span, name.encode(), 1.0 / (1 + 0.2 * rank))
        if type(node.value) is int:
            yield Edit(*span, b"len(" + name.encode() + b")", 0.2 / (1 + 0.2 * rank))
    for rank, name in enumerate(sorted(module)[:10]):
        if type(node.value) is not bool:
            yield Edit(*span, name.encode(), 0.6 / (1 + 0.2 * rank))


@template("name to constant", ast.Name, ast.Attribute, ast.Call, prior=0.8)
def name_to_constant(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Put a usual constant, or one of the function, where a value stands.

    f(n)  ->  f(0)
    def f(n):\\n x = 7\\n return n  ->  def f(n):\\n x = 7\\n return 7
    """
    source = place.source
    parent = source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    places = (ast.Return, ast.Assign, ast.AugAssign, ast.Compare, ast.BinOp, ast.keyword)
    if not is_read(node) or not (is_argument or isinstance(parent, places)):
        return
    found = dict.fromkeys((b"0", b"1"), 1.0)
    found.update(dict.fromkeys((b"None", b"True", b"False", b"-1", b'""', b"[]"), 0.3))
    function = source.function(node)
    for code in short_constants(function, source) if function else ():
        if len(found) < 14:
            found.setdefault(code, 0.4)
    for code, weight in found.items():
        yield Edit(*source.span(node), code, weight)


@template("number of the file", ast.Constant, prior=0.8)
def number_of_file(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Put a number that stands elsewhere in the file, double or halve it, or move its decimal point.

    x = 3\\ny = 7  ->  x = 3\\ny = 3
    x = 6  ->  x = 12
    x = 1.5  ->  x = 0.15
    """
    if type(node.value) not in (int, float):
        return
    source = place.source
    span, own = source.span(node), source.code(node)
    assert isinstance(node.value, (int, float))
    usual = {repr(node.value * 2).encode(): 1.0}
    usual[repr(node.value // 2 if isinstance(node.value, int) else node.value / 2).encode()] = 1.0
    for other in (node.value * 10, node.value / 10 if isinstance(node.value, float) else node.value // 10):
        usual.setdefault(repr(round(other, 12)).encode(), 0.4)
    function = source.function(node)
    for scope, weight in ((function, 0.7), (source.tree, 0.3)):
        for code in numbers(scope, isinstance(node.value, int), source) if scope else ():
            if len(usual) < 16:
                usual.setdefault(code, weight)
    usual.pop(own, None)
    for code, weight in usual.items():
        if code[:1].isdigit():
            yield Edit(*span, code, weight)


@template("swapped constants", ast.Constant, prior=1.0)
def swapped_constants(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Swap a constant with a later one of the same statement.

    x = a[0] - a[1]  ->  x = a[1] - a[0]
    """
    source = place.source
    statement = source.statement(node)
    if statement is None or isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return
    if isinstance(source.parents[node], ast.JoinedStr):
        return
    heads = [getattr(statement, name, None) for name in ("value", "test", "iter", "exc", "targets", "target")]
    a, b = source.span(node)
    swaps = 0
    for head in heads:
        for each in walked(head) if isinstance(head, ast.AST) else ():
            if not isinstance(each, ast.Constant) or isinstance(source.parents[each], ast.JoinedStr):
                continue
            c, d = source.span(each)
            if c >= b and type(each.value) is type(node.value) and each.value != node.value and swaps < 4:
                swaps += 1
                yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 1.0 / swaps)


@template("loop variable", ast.For, prior=0.5)
def loop_variable(node: ast.For, place: Place) -> Iterator[Edit]:
    """Leave alone a variable that a loop uses for its own: another name, in the loop as well.

    for x in xs: f(x)  ->  for each in xs: f(each)
    for x, y in xs: f(y)  ->  for _, y in xs: f(y)
    """
    source = place.source
    for target in walked(node.target):
        if not isinstance(target, ast.Name):
            continue
        uses = [
            n for part in node.body for n in walked(part) if isinstance(n, ast.Name) and n.id == target.id
        ]
        if any(not _is_plain(use, place) for use in uses) or len(uses) > 12:
            continue
        spans = sorted(source.span(each) for each in (target, *uses))
        other = "each" if uses else "_"
        if other not in place.project.names(node, source).local:
            yield Edit(spans[0][0], spans[-1][1], _all_replaced(spans, other, place))


@template("everywhere", ast.Name, prior=1.0)
def everywhere(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Read another variable at every place of the function where this one is read.

    def f(a, b): return a + g(a)  ->  def f(a, b): return b + g(b)
    """
    source = place.source
    function = source.function(node)
    if function is None or not is_read(node) or node.id in ("self", "cls"):
        return
    every = [
        each
        for each in walked(function)
        if isinstance(each, ast.Name) and each.id == node.id and is_read(each) and _is_plain(each, place)
    ]
    if len(every) < 2 or len(every) > 12 or not _is_plain(node, place):
        return
    spans = sorted(source.span(each) for each in every)
    for rank, other in enumerate([n for n in variables(every[0], place) if n != node.id][:6]):
        yield Edit(spans[0][0], spans[-1][1], _all_replaced(spans, other, place), 1.0 / (1 + 0.3 * rank))


@template("attribute everywhere", ast.Attribute, prior=0.5)
def attribute_everywhere(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Use another attribute of `self` at every place of the function where this one is used.

    class A:\\n y = 1\\n def f(self): return self.x * self.x  ->  \
class A:\\n y = 1\\n def f(self): return self.y * self.y
    """
    source = place.source
    function = source.function(node)
    if function is None or not isinstance(node.value, ast.Name) or node.value.id not in ("self", "cls"):
        return
    own = source.code(node)
    spans = sorted(
        source.span(each)
        for each in walked(function)
        if isinstance(each, ast.Attribute) and source.code(each) == own and _is_plain(each, place)
    )
    if not 2 <= len(spans) <= 12:
        return
    known = place.project.attributes(node.value.id, node, source)
    for name in sorted(known, key=lambda n: (-known[n], n))[:10]:
        if name != node.attr and not name.startswith("__"):
            text = _all_replaced(spans, f"{node.value.id}.{name}", place)
            yield Edit(spans[0][0], spans[-1][1], text)


@template("throughout a statement", ast.Name, prior=1.0)
def throughout_statement(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Use another variable, or a function of its kind, wherever a statement (or a block's head) has this one.

    def f(a, b, i, j): a[i], b = b, a[i]  ->  def f(a, b, i, j): a[j], b = b, a[j]
    y = set(a) == set(b)  ->  y = sorted(a) == sorted(b)
    """
    source = place.source
    statement = source.statement(node)
    if statement is None or not is_read(node) or node.id in ("self", "cls"):
        return
    parts = [part for name in HEADS for part in _listed(getattr(statement, name, None))]
    every = [
        each
        for part in parts
        for each in walked(part)
        if isinstance(each, ast.Name) and each.id == node.id and is_read(each) and _is_plain(each, place)
    ]
    if not 2 <= len(every) <= 6 or every[0] is not node:
        return
    spans = sorted(source.span(each) for each in every)
    names = place.project.names(node, source)
    known = (
        [other for other, _ in siblings(node.id) if names.defined(other)] if is_callee(node, source) else []
    )
    for rank, other in enumerate(known[:6] or [n for n in variables(node, place) if n != node.id][:4]):
        yield Edit(spans[0][0], spans[-1][1], _all_replaced(spans, other, place), 1.0 / (1 + 0.3 * rank))


def _listed(part: object) -> list[ast.AST]:
    every = part if isinstance(part, list) else [part]
    return [each for each in every if isinstance(each, ast.AST)]


def _is_plain(node: ast.AST, place: Place) -> bool:
    """Whether the node's position is exact: not inside an f-string that could not be located."""
    around = (a for a in place.source.ancestors(node) if isinstance(a, ast.JoinedStr))
    return all(each in place.source.located for each in around)


def _all_replaced(spans: list[tuple[int, int]], text: str, place: Place) -> bytes:
    made, at = b"", spans[0][0]
    for start, end in spans:
        made += place.source.data[at:start] + text.encode()
        at = end
    return made
