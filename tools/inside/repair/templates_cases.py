"""Cases that are missing: one more branch like another, what else is done, what is given for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .described import Said, said
from .ingredients import best, is_docstring, short_constants, variables, with_name
from .registry import Edit, Place, template
from .scope import parameters
from .source import Source, walked
from .templates_blocks import first_values
from .templates_moves import LOOPS

MIRRORED = {
    b"(": b")", b"[": b"]", b"{": b"}", b"<": b">", b"+": b"-", b"*": b"/", b"U": b"D", b"L": b"R",
    b"up": b"down", b"left": b"right", b"True": b"False",
}  # fmt: skip
MIRRORED.update({other: one for one, other in list(MIRRORED.items())})


def _constants(node: ast.AST) -> list[ast.Constant]:
    """Numbers and texts of a piece of code."""
    return [n for n in walked(node) if isinstance(n, ast.Constant) and type(n.value) in (int, float, str)]


def _instead(
    constant: ast.Constant, known: Said, near: tuple[bytes, ...], source: Source
) -> dict[bytes, float]:
    """What can stand for a constant in another case: its mirror image, what the docstring says, what the
    function mentions."""
    code = source.code(constant)
    found: dict[bytes, float] = {}
    if isinstance(constant.value, str):
        quote, core = code[-1:], code[1:-1]
        mirror = MIRRORED.get(core)
        texts = {mirror: 2.0} if mirror is not None else {}
        texts.update({text.encode(): 1.0 for text in known.quoted if text.encode() != core})
        found = {quote + text + quote: weight for text, weight in texts.items() if quote not in text}
    else:
        found = {number.encode(): weight for number, weight in known.numbers}
    for other in near:
        if other[:1].isdigit() == code[:1].isdigit():
            found.setdefault(other, 0.4)
    found.pop(code, None)
    return dict(list(found.items())[:6])


def _variants(node: ast.AST, place: Place, names: list[str]) -> dict[bytes, float]:
    """A simple statement or condition as it could stand in another case."""
    source, code = place.source, place.source.code(node)
    function = source.function(node)
    near = short_constants(function, source) if function is not None else ()
    start = source.span(node)[0]
    found: dict[bytes, float] = {}
    for constant in _constants(node)[:2]:
        low, high = (at - start for at in source.span(constant))
        for text, weight in _instead(constant, said(function), near, source).items():
            found.setdefault(code[:low] + text + code[high:], weight)
    for one, other in ((b" += ", b" -= "), (b" -= ", b" += ")):
        if one in code:
            found.setdefault(code.replace(one, other), 1.0)
    used = [n.id for n in walked(node) if isinstance(n, ast.Name) and n.id in names]
    for old in dict.fromkeys(used[:2]):
        for rank, name in enumerate([n for n in names if n not in used][:3]):
            found.setdefault(with_name(code, old, name), 0.7 / (1 + 0.3 * rank))
    return found


@template("one more case", ast.If, prior=1.0)
def one_more_case(node: ast.If, place: Place) -> Iterator[Edit]:
    """Put another case behind the last one of a chain: like it, with another constant, sign or variable.

    def f(c, n):\\n    if c == "(":\\n        n += 1\\n    return n  ->  \
def f(c, n):\\n    if c == "(":\\n        n += 1\\n    elif c == ")":\\n        n -= 1\\n    return n
    """
    source, indent = place.source, place.source.indent(node)
    body = [node.body[0]]
    inner = source.indent(body[0])
    code = source.code(body[0])
    if node.orelse or indent is None or inner is None:
        return
    if len(code) > 80 or b"\n" in code or b"\n" in source.code(node.test) or not _constants(node.test):
        return
    names = variables(node, place)
    end = source.span(node.body[-1])[1]
    bodies = {code: 0.5, **_variants(body[0], place, names)}
    edits = []
    for test, weight in _variants(node.test, place, []).items():
        for text, share in bodies.items():
            made = source.newline + indent + b"elif " + test + b":" + source.newline + inner + text
            edits.append(Edit(end, end, made, weight * share))
    yield from best(edits, 40)


@template("what else", ast.If, prior=1.0)
def what_else(node: ast.If, place: Place) -> Iterator[Edit]:
    """Do something else where the condition does not hold: the like to another variable, start anew, leave.

    def f(x, a, b):\\n    if x:\\n        a.append(x)\\n    g(b)  ->  \
def f(x, a, b):\\n    if x:\\n        a.append(x)\\n    else:\\n        b.append(x)\\n    g(b)
    """
    source, indent = place.source, place.source.indent(node)
    inner = source.indent(node.body[0])
    function = source.function(node)
    if node.orelse or indent is None or inner is None or function is None:
        return
    loop = next((a for a in source.ancestors(node) if isinstance(a, LOOPS)), None)
    texts: dict[bytes, float] = {}
    statement = node.body[-1]
    code = source.code(statement)
    if len(node.body) == 1 and len(code) <= 80 and b"\n" not in code:
        texts = _variants(statement, place, variables(node, place))
    if loop is not None:
        for name, first in first_values(function, loop, source).items():
            texts.setdefault(name.encode() + b" = " + first, 1.0)
        texts.setdefault(b"break", 0.6)
    end = source.span(statement)[1]
    edits = [
        Edit(end, end, source.newline + indent + b"else:" + source.newline + inner + text, weight)
        for text, weight in texts.items()
    ]
    yield from best(edits, 20)


@template(
    "described start", ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For, ast.While, ast.If, prior=1.5
)
def described_start(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Give at once, for nothing, little or none, a value that the docstring shows.

    def f(xs):\\n    "The mean, -1 for nothing."\\n    return g(xs)  ->  \
def f(xs):\\n    "The mean, -1 for nothing."\\n    if not xs:\\n        return -1\\n    return g(xs)
    """
    source, indent = place.source, place.source.indent(node)
    function = source.function(node)
    body = [each for each in getattr(function, "body", []) if not is_docstring(each)]
    if function is None or indent is None or body[:1] != [node]:
        return
    start, line = source.offset(source.first_line(node), node.col_offset), source.newline + indent
    edits = []
    for rank, name in enumerate([p for p in parameters(function) if p not in ("self", "cls")][:3]):
        tests = (f"not {name}", f"{name} <= 0", f"{name} < 0", f"len({name}) < 2", f"{name} < 2")
        for place_of, test in enumerate(tests):
            for order, value in enumerate(said(function).values):
                text = f"if {test}:".encode() + line + source.indent_unit + f"return {value}".encode() + line
                weight = 1.0 / ((1 + 0.5 * rank) * (1 + 0.3 * place_of) * (1 + 0.3 * order))
                edits.append(Edit(start, start, text, weight))
    yield from best(edits, 40)
