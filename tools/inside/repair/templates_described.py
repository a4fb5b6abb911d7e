"""Code that the docstring of a function speaks of: numbers and texts, steps and conditions that it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .described import NOTHING, Said, said
from .ingredients import best, is_callee, is_docstring, is_read, read_names, variables
from .registry import Edit, Place, template
from .templates_moves import lines, reindented
from .templates_statements import SIMPLE

TESTED = (ast.If, ast.While, ast.IfExp, ast.comprehension)
MOST_NAMES = 4


def _said(node: ast.AST, place: Place) -> Said:
    return said(place.source.function(node))


@template("described number", ast.Constant, prior=2.0)
def described_number(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Put a number that the docstring names.

    def f(n):\\n  "At least 75 is good."\\n  return n >= 80  ->  \
def f(n):\\n  "At least 75 is good."\\n  return n >= 75
    """
    if type(node.value) not in (int, float):
        return
    span, own = place.source.span(node), place.source.code(node)
    for number, weight in _said(node, place).numbers:
        if number.encode() != own and (number == "0" or not number.startswith("0") or "." in number):
            yield Edit(*span, number.encode(), weight)


@template("described text", ast.Constant, prior=1.0)
def described_text(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Put a text that the docstring quotes, or another of its words for a word; white space around it stays.

    def f(a):\\n  "Joined by 'and'."\\n  return " or ".join(a)  ->  \
def f(a):\\n  "Joined by 'and'."\\n  return " and ".join(a)
    """
    value, code = node.value, place.source.code(node)
    parent = place.source.parents[node]
    if not isinstance(value, str) or isinstance(parent, (ast.Expr, ast.JoinedStr)) or len(value) > 20:
        return
    core, quote = value.strip(), code[-1:]
    known = _said(node, place)
    if known is NOTHING or code[:1] != quote or b"\\" in code or code[:3] in (b'"""', b"'''"):
        return
    texts = dict.fromkeys(known.quoted, 1.0)
    for word in known.words if any(map(str.isalpha, core)) else ():
        texts.setdefault(word, 0.3)
    for text, weight in list(texts.items())[:40]:
        if text != core and quote.decode() not in text and "\\" not in text:
            put = value.replace(core, text) if core else text
            yield Edit(*place.source.span(node), quote + put.encode() + quote, weight)


@template(
    "described step", ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.GeneratorExp, prior=2.0
)
def described_step(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Do with a value what the docstring says: its absolute value, sorted, in upper case, rounded, ...

    def f(a, b):\\n  "The distance."\\n  return a - b  ->  \
def f(a, b):\\n  "The distance."\\n  return abs(a - b)
    """
    source, parent = place.source, place.source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    fits = (
        ast.Return, ast.Assign, ast.AugAssign, ast.For, ast.Compare, ast.BinOp, ast.comprehension,
        ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Dict, ast.Tuple,
    )  # fmt: skip
    if not is_read(node) or is_callee(node, source) or not (is_argument or isinstance(parent, fits)):
        return
    wrapped = isinstance(node, ast.GeneratorExp)
    span, code, atom = source.span(node), source.code(node).decode(), source.atom(node).decode()
    for rank, form in enumerate(_said(node, place).steps):
        head, _, tail = form.partition("{0}")
        done = code.startswith(head) if head else code.endswith(tail)
        if done or (wrapped and not head):
            continue
        value = code[1:-1] if wrapped else code if head else atom
        weight = (0.5 if is_argument else 1.0) / (1 + 0.1 * rank)
        yield Edit(*span, form.format(value).encode(), weight)


def _conditions(names: list[str], known: Said) -> list[tuple[bytes, float]]:
    """Conditions of the docstring about these names, with weights."""
    return [
        (form.format(name).encode(), 1.0 / ((1 + 0.3 * rank) * (1 + 0.1 * place)))
        for rank, name in enumerate(names[:MOST_NAMES])
        for place, form in enumerate(known.conditions)
    ]


@template("described condition", *TESTED, ast.Return, prior=2.0)
def described_condition(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Ask as well, or instead, what the docstring says of values: even, positive, a digit, ...

    def f(a):\\n  "The even ones."\\n  return [x for x in a if x > 9]  ->  \
def f(a):\\n  "The even ones."\\n  return [x for x in a if x > 9 and x % 2 == 0]
    def f(a):\\n  "The odd ones."\\n  return [x for x in a]  ->  \
def f(a):\\n  "The odd ones."\\n  return [x for x in a if x % 2 == 1]
    """
    source, edits = place.source, list[Edit]()
    anchor = node.target if isinstance(node, ast.comprehension) else node
    known = _said(anchor, place)
    if not known.conditions:
        return
    if isinstance(node, ast.comprehension):
        tests, own = node.ifs, [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]
        if not tests:
            end = source.span(node.iter)[1]
            for text, weight in _conditions(own, known):
                edits.append(Edit(end, end, b" if " + text, weight))
    elif isinstance(node, ast.Return):
        tests, own = [node.value] if isinstance(node.value, (ast.Compare, ast.BoolOp)) else [], []
    else:
        tests, own = [node.test] if isinstance(node, (ast.If, ast.While, ast.IfExp)) else [], []
    for test in tests:
        names = list(dict.fromkeys([*own, *_plain(read_names(test), test, place), *variables(test, place)]))
        loose = isinstance(test, (ast.IfExp, ast.Lambda, ast.NamedExpr))
        is_or = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)
        code = b"(" + source.code(test) + b")" if loose or is_or else source.code(test)
        for text, weight in _conditions(names, known):
            edits.append(Edit(*source.span(test), code + b" and " + text, weight))
            edits.append(Edit(*source.span(test), code + b" or " + text, 0.5 * weight))
            edits.append(Edit(*source.span(test), text, 0.3 * weight))
    yield from best(edits, 40)


def _plain(names: list[str], node: ast.AST, place: Place) -> list[str]:
    local = place.project.names(node, place.source).local
    return [name for name in names if name in local]


@template("described case", *SIMPLE, prior=1.0)
def described_case(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Do a statement only where a value is what the docstring says.

    def f(a):\\n  "Even ones."\\n  for x in a:\\n    g(x)\\n  ->  \
def f(a):\\n  "Even ones."\\n  for x in a:\\n    if x % 2 == 0:\\n      g(x)\\n
    """
    source, known = place.source, _said(node, place)
    span, indent = lines(node, source), source.indent(node)
    if not known.conditions or span is None or indent is None or is_docstring(node):
        return
    inner = reindented(node, indent + source.indent_unit, source)
    names = _plain(read_names(node), node, place)[:2]
    for text, weight in _conditions(names, known) if inner is not None else ():
        assert inner is not None
        yield Edit(*span, indent + b"if " + text + b":" + source.newline + inner, weight)
