"""Checks that are missing: what is asked twice, of containers, indexes and attributes; types; filters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import is_docstring, read_names, variables, with_name
from .registry import Edit, Place, template
from .scope import dotted
from .source import Source, walked
from .templates_borrowed import read_attributes
from .templates_moves import lines, reindented
from .templates_statements import SIMPLE

TESTED = (ast.If, ast.While, ast.IfExp)
LETTERS = ("isalnum", "isalpha", "isdigit", "strip", "isspace")


def _joined(test: ast.expr, place: Place, text: bytes, word: bytes, weight: float, ahead: bool) -> Edit:
    """The condition with another joined to it by `and` or `or`."""
    source = place.source
    code = source.code(test)
    is_or = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)
    if isinstance(test, (ast.IfExp, ast.Lambda, ast.NamedExpr)) or (is_or and word == b"and"):
        code = b"(" + code + b")"
    glue = b" " + word + b" "
    return Edit(*source.span(test), text + glue + code if ahead else code + glue + text, weight)


@template("doubled condition", ast.Compare, ast.Call, ast.UnaryOp, prior=1.5)
def doubled_condition(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Ask of another variable or attribute what is asked of one.

    def f(a, b):\\n if a < 0: pass  ->  def f(a, b):\\n if a < 0 or b < 0: pass
    def f(a, b): return isinstance(a, int)  ->  def f(a, b): return isinstance(a, int) and isinstance(b, int)
    """
    source, code = place.source, place.source.code(node)
    parent = source.parents[node]
    asked = isinstance(parent, (*TESTED, ast.BoolOp, ast.comprehension)) and not (
        isinstance(parent, ast.IfExp) and parent.test is not node
    )
    is_return = isinstance(parent, ast.Return) and not isinstance(node, ast.UnaryOp)
    called = isinstance(node, ast.Call) and dotted(node.func) not in ("isinstance", "all", "any", "hasattr")
    if not (asked or is_return) or (is_return and called) or b"\n" in code:
        return
    used = [n for n in read_names(node) if n not in ("self", "cls")]
    local = place.project.names(node, source).local
    every = [n for n in variables(node, place) if n not in used]
    others = list(dict.fromkeys([*every[:2], *reversed(every[-2:]), *every]))
    texts: list[tuple[bytes, float]] = []
    for old in [n for n in used if n in local][:2]:
        for rank, name in enumerate(others[:4]):
            texts.append((with_name(code, old, name), 1.0 / (1 + rank)))
    for attribute in [n for n in read_attributes(node) if n.count(".") == 1][:1]:
        base, _, name = attribute.partition(".")
        known = place.project.attributes(base, node, source)
        for other in sorted((n for n in known if n != name), key=lambda n: -known[n])[:3]:
            texts.append((code.replace(attribute.encode(), f"{base}.{other}".encode()), 0.5))
    within = isinstance(parent, ast.BoolOp)
    for text, weight in texts:
        for word in (b"or", b"and"):
            if within and isinstance(parent, ast.BoolOp):
                if isinstance(parent.op, ast.Or) == (word == b"or"):
                    yield _joined(node, place, text, word, weight * 0.7, False)
            else:
                yield _joined(node, place, text, word, weight, False)


@lru_cache(maxsize=256)
def _unasked(function: ast.AST, source: Source) -> tuple[bytes, ...]:
    """`item in container` for what the function puts into containers that it never looks into."""
    stored: dict[str, list[bytes]] = {}
    looked = set()
    for node in walked(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("add", "append") and len(node.args) == 1:
                stored.setdefault(source.code(node.func.value).decode(), []).append(source.code(node.args[0]))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            if not isinstance(node.slice, (ast.Slice, ast.Constant)):
                stored.setdefault(source.code(node.value).decode(), []).append(source.code(node.slice))
        elif isinstance(node, ast.Compare) and isinstance(node.ops[-1], (ast.In, ast.NotIn)):
            looked.add(source.code(node.comparators[-1]).decode())
        elif isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
            looked.add(source.code(node.value).decode())  # what is returned is a result, not a memory
    found = [
        (item, base)
        for base, items in stored.items()
        for item in items[:2]
        if base not in looked and b"\n" not in item and len(item) <= 40
    ]
    return tuple(item + b" in " + base.encode() for item, base in found)[:3]


@template("membership", *TESTED, prior=1.5)
def membership(node: ast.If | ast.While | ast.IfExp, place: Place) -> Iterator[Edit]:
    """Look into a container that is only filled.

    def f(x, xs):\\n if x: xs.add(x)  ->  def f(x, xs):\\n if x not in xs and x: xs.add(x)
    """
    function = place.source.outermost_function(node)
    for text in _unasked(function, place.source) if function is not None else ():
        absent = text.replace(b" in ", b" not in ", 1) if text.count(b" in ") == 1 else b"not " + text
        for ahead in (True, False):
            yield _joined(node.test, place, text, b"or", 1.0, ahead)
            yield _joined(node.test, place, absent, b"and", 1.0, ahead)


@template("index guard", *TESTED, prior=1.5)
def index_guard(node: ast.If | ast.While | ast.IfExp, place: Place) -> Iterator[Edit]:
    """Ask whether there is an element before, behind or at all.

    if xs[i] > xs[i - 1]: pass  ->  if i == 0 or xs[i] > xs[i - 1]: pass
    if xs[0] == 1: pass  ->  if xs and xs[0] == 1: pass
    """
    source, found = place.source, dict[tuple[bytes, bytes], float]()
    for each in walked(node.test):
        if not isinstance(each, ast.Subscript) or len(source.code(each)) > 50:
            continue
        base, part = source.code(each.value), each.slice
        if isinstance(part, ast.BinOp) and isinstance(part.right, ast.Constant):
            index = source.code(part.left)
            if isinstance(part.op, ast.Sub):
                found[index + b" == 0", b"or"] = found[index + b" > 0", b"and"] = 1.0
            elif isinstance(part.op, ast.Add):
                length = b"len(" + base + b")"
                found[source.code(part) + b" < " + length, b"and"] = 1.0
                found[source.code(part) + b" == " + length, b"or"] = 1.0
        elif isinstance(part, (ast.Constant, ast.UnaryOp)) and isinstance(
            each.value, (ast.Name, ast.Attribute)
        ):
            found[base, b"and"] = 1.0
            found[b"not " + base, b"or"] = 1.0
            found[b"len(" + base + b") > 1", b"and"] = found[b"len(" + base + b") >= 2", b"and"] = 0.7
    for (text, word), weight in list(found.items())[:8]:
        yield _joined(node.test, place, text, word, weight, True)


@template("attribute guard", *TESTED, prior=1.5)
def attribute_guard(node: ast.If | ast.While | ast.IfExp, place: Place) -> Iterator[Edit]:
    """Ask whether an attribute is there before it is used, or is true as well.

    if a > self.b: pass  ->  if self.b is not None and a > self.b: pass
    """
    read = [name.encode() for name in read_attributes(node.test) if name.count(".") == 1]
    for rank, name in enumerate(read[:3]):
        weight = 1.0 / (1 + rank)
        yield _joined(node.test, place, name + b" is not None", b"and", weight, True)
        yield _joined(node.test, place, name + b" is None", b"or", weight, True)
        if not isinstance(node.test, ast.Attribute):
            yield _joined(node.test, place, name, b"and", weight * 0.6, True)
            yield _joined(node.test, place, b"not " + name, b"or", weight * 0.6, True)


@template("filter by a part", ast.comprehension, prior=1.5)
def filter_by_part(node: ast.comprehension, place: Place) -> Iterator[Edit]:
    """Keep of what is walked only what is not empty, of a kind, or new.

    y = [x.strip() for x in xs]  ->  y = [x.strip() for x in xs if x.strip()]
    y = {k: v for k, v in d}  ->  y = {k: v for k, v in d if v is not None}
    y = [c for c in s]  ->  y = [c for c in s if c.isalnum()]
    """
    source, parent = place.source, place.source.parents[node]
    names = [n.id for n in walked(node.target) if isinstance(n, ast.Name)]
    if node.ifs or not names:
        return
    end, texts = source.span(node.iter)[1], list[tuple[str, float]]()
    element = getattr(parent, "elt", None)
    if isinstance(element, (ast.Call, ast.Attribute, ast.Subscript)) and len(source.code(element)) < 40:
        texts.append((source.code(element).decode(), 1.0))
        texts.append((source.code(element).decode() + " is not None", 0.7))
    for name in reversed(names[-3:]):
        if len(names) > 1:
            texts += [(name, 1.0), (f"{name} is not None", 1.0)]
        texts += [(f"not {name}", 0.3)]
    if len(names) == 1:
        local = place.project.names(node.iter, source).local
        if not isinstance(node.iter, ast.Call) or getattr(node.iter.func, "attr", "") == "split":
            texts += [(f"{names[0]}.{method}()", 0.5) for method in LETTERS]
        for other in [n for n in local if n not in (*names, "self", *read_names(node.iter))][:3]:
            texts += [(f"{names[0]} not in {other}", 0.4), (f"{names[0]} != {other}", 0.4)]
    for text, weight in texts:
        yield Edit(end, end, b" if " + text.encode(), weight)


@template("raising guard", ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For, ast.While, prior=1.0)
def raising_guard(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Raise an error, which the function raises elsewhere, when a variable is not as it must be.

    def f(a, b):\\n    if a: raise KeyError(a)\\n    return b  ->  \
def f(a, b):\\n    if a: raise KeyError(a)\\n    if not b:\\n        raise KeyError(a)\\n    return b
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    if function is None or indent is None or is_docstring(node):
        return
    raised = [source.code(n) for n in walked(function) if isinstance(n, ast.Raise) and n.exc is not None]
    block = source.block(node)
    position = block.index(node)
    before = block[position - 1 : position] if position else []
    local = place.project.names(node, source).local
    changed = [n.id for s in before for n in walked(s) if isinstance(n, ast.Name) and not _is_read(n)]
    names = [n for n in dict.fromkeys([*changed, *read_names(node)]) if 0 <= local.get(n, -1) < node.lineno]
    start, line = source.offset(source.first_line(node), node.col_offset), source.newline + indent
    last = block[-1] is node and isinstance(node, (ast.Assign, ast.AugAssign))
    own = [n.id for n in walked(node) if isinstance(n, ast.Name) and not _is_read(n)] if last else []
    for action in [code for code in dict.fromkeys(raised) if b"\n" not in code and len(code) <= 80][:2]:
        body = line + source.indent_unit + action
        for rank, name in enumerate([n for n in names if n not in ("self", "cls")][:2]):
            for test in (f"{name} < 0", f"not {name}", name, f"{name} is None"):
                text = b"if " + test.encode() + b":" + body + line
                yield Edit(start, start, text, 1.0 / (1 + rank))
        for name in own[:1]:
            for test in (f"{name} < 0", f"not {name}", name):
                end = source.span(node)[1]
                yield Edit(end, end, line + b"if " + test.encode() + b":" + body)


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


@template("condition on a change", *SIMPLE, prior=1.0)
def condition_on_change(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Do a statement only if what was changed just before has become something, or nothing.

    n -= 1\\ng(n)\\n  ->  n -= 1\\nif n == 0:\\n    g(n)\\n
    """
    source = place.source
    block, indent, span = source.block(node), source.indent(node), lines(node, source)
    position = block.index(node)
    before = block[position - 1] if position else None
    if not isinstance(before, (ast.Assign, ast.AugAssign)) or indent is None or span is None:
        return
    target = before.target if isinstance(before, ast.AugAssign) else before.targets[0]
    inner = reindented(node, indent + source.indent_unit, source)
    if inner is None or isinstance(target, (ast.Tuple, ast.List)):
        return
    this = source.code(target)
    for tail in (b" == 0", b"", b" > 0", b" is not None"):
        yield Edit(*span, indent + b"if " + this + tail + b":" + source.newline + inner)
    yield Edit(*span, indent + b"if not " + this + b":" + source.newline + inner, 0.7)


KINDS = {
    "list": ("tuple", "dict", "set"),
    "tuple": ("list",),
    "int": ("float", "bool", "str"),
    "float": ("int",),
    "str": ("bytes", "int"),
    "bytes": ("str", "bytearray"),
    "dict": ("list", "set"),
    "set": ("frozenset",),
}


@template("checked type", ast.Call, prior=2.0)
def checked_type(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Ask for more types than one, for one of several, or for another.

    ok = isinstance(x, list)  ->  ok = isinstance(x, (list, tuple))
    ok = isinstance(x, (int, float))  ->  ok = isinstance(x, int)
    """
    source = place.source
    if dotted(node.func) not in ("isinstance", "issubclass") or len(node.args) != 2:
        return
    kind = node.args[1]
    span, code = source.span(kind), source.code(kind)
    if isinstance(kind, ast.Tuple):
        for element in kind.elts[:4]:
            yield Edit(*span, source.code(element), 0.5)
        known = [dotted(element) for element in kind.elts]
        more = dict.fromkeys(other for name in known for other in KINDS.get(name, ()) if other not in known)
        for other in list(more)[:3]:
            end = source.span(kind.elts[-1])[1]
            yield Edit(end, end, b", " + other.encode())
    elif dotted(kind) in KINDS:
        for rank, other in enumerate(KINDS[dotted(kind)]):
            yield Edit(*span, b"(" + code + b", " + other.encode() + b")", 1.0 / (1 + rank))
            yield Edit(*span, other.encode(), 0.6 / (1 + rank))
