"""Updates that are missing: of what a loop reads, of containers that nothing fills, of results not kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import best, is_docstring, read_names, variables, with_name
from .registry import Edit, Place, template
from .scope import dotted, own_nodes, parameters
from .source import walked
from .templates_inserts import around
from .templates_moves import ENDS
from .templates_statements import SIMPLE
from .usage import CONTAINER_METHODS, containers, counters

TARGETS = (ast.Name, ast.Attribute, ast.Subscript)
IN_PLACE = CONTAINER_METHODS | {"sort", "reverse", "clear", "write", "discard", "remove", "setdefault"}


@template("kept result", ast.Expr, prior=2.0)
def kept_result(node: ast.Expr, place: Place) -> Iterator[Edit]:
    """Keep what a call gives in the thing it is about.

    s.strip()  ->  s = s.strip()
    insert(a.left, x)  ->  a.left = insert(a.left, x)
    """
    source, call = place.source, node.value
    if not isinstance(call, ast.Call):
        return
    start = source.span(node)[0]
    base = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(base, TARGETS) and dotted(base) not in ("self", "cls", "super"):
        weight = 0.2 if getattr(call.func, "attr", "") in IN_PLACE else 1.0
        yield Edit(start, start, source.code(base) + b" = ", weight)
    for arg in call.args[:2]:
        if isinstance(arg, TARGETS):
            yield Edit(start, start, source.code(arg) + b" = ", 0.5)


@template("call kept in a container", ast.Expr, prior=1.0)
def call_kept(node: ast.Expr, place: Place) -> Iterator[Edit]:
    """Put what a call gives into a container or count of the function.

    def f(xs):\\n    ys = []\\n    for x in xs:\\n        g(x)  ->  \
def f(xs):\\n    ys = []\\n    for x in xs:\\n        ys.append(g(x))
    """
    source, call = place.source, node.value
    function = source.function(node)
    if function is None or not isinstance(call, ast.Call) or getattr(call.func, "attr", "") in IN_PLACE:
        return
    code, span, known = source.code(call), source.span(node), variables(node, place)
    for name in [n for n in sorted(containers(function)) if n in known][:3]:
        for verb in ("append", "extend", "update"):
            yield Edit(*span, f"{name}.{verb}(".encode() + code + b")", 0.4 if verb == "update" else 1.0)
    for name in [n for n in sorted(counters(function)) if n in known][:2]:
        yield Edit(*span, name.encode() + b" += " + code)


@template("assigned or returned", ast.Assign, ast.Return, prior=0.5)
def assigned_or_returned(node: ast.Assign | ast.Return, place: Place) -> Iterator[Edit]:
    """Return what is assigned, or keep what is returned in a variable of the function.

    def f(x):\\n if x:\\n  y = 1\\n return 2  ->  def f(x):\\n if x:\\n  return 1\\n return 2
    def f(x):\\n y = 2\\n if x: return 1\\n return y  ->  def f(x):\\n y = 2\\n if x: y = 1\\n return y
    """
    source = place.source
    function = source.function(node)
    if function is None or node.value is None:
        return
    start, value = source.span(node)[0], source.span(node.value)[0]
    if isinstance(node, ast.Assign):
        if source.block(node)[-1] is node and source.parents[node] is not function:
            yield Edit(start, value, b"return ")
        return
    if source.parents[node] is not function:
        stored = [n.id for n in own_nodes(function) if isinstance(n, ast.Name) and not is_loaded(n)]
        for name in list(dict.fromkeys(sorted(stored)))[:3]:
            yield Edit(start, value, name.encode() + b" = ", 0.4)


def is_loaded(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


@template("completed swap", ast.Assign, prior=0.5)
def completed_swap(node: ast.Assign, place: Place) -> Iterator[Edit]:
    """Swap two places where one is only overwritten.

    xs[i] = xs[j]  ->  xs[i], xs[j] = xs[j], xs[i]
    """
    source, target = place.source, node.targets[0]
    if len(node.targets) == 1 and type(target) is type(node.value) and isinstance(target, TARGETS):
        one, other = source.code(target), source.code(node.value)
        if one != other:
            yield Edit(*source.span(node), one + b", " + other + b" = " + other + b", " + one)


@template("start of a table", ast.Assign, prior=1.0)
def start_of_table(node: ast.Assign, place: Place) -> Iterator[Edit]:
    """Give the first place of a new table its value.

    xs = [0] * n  ->  xs = [0] * n\\nxs[0] = 1
    """
    source, value = place.source, node.value
    indent, end = source.indent(node), source.span(node)[1]
    is_table = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult)
    nested = isinstance(value, ast.ListComp)
    if indent is None or not isinstance(node.targets[0], TARGETS):
        return
    if nested or (is_table and isinstance(value, ast.BinOp) and isinstance(value.left, ast.List)):
        first = source.code(node.targets[0]) + (b"[0][0]" if nested else b"[0]")
        for other in (b"1", b"0", b"True"):
            yield Edit(end, end, source.newline + indent + first + b" = " + other)


@template(
    "normal form of a parameter", ast.Assign, ast.Return, ast.Expr, ast.For, ast.While, ast.If, prior=0.8
)
def normal_parameter(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Bring a parameter into its usual form before the function's first statement.

    def f(n):\\n    return n + 1  ->  def f(n):\\n    n = abs(n)\\n    return n + 1
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    body = [each for each in getattr(function, "body", []) if not is_docstring(each)]
    if function is None or indent is None or body[:1] != [node]:
        return
    at = source.offset(source.first_line(node), node.col_offset)
    for rank, name in enumerate([p for p in parameters(function) if p not in ("self", "cls")][:3]):
        for form in (
            "list({0})",
            "abs({0})",
            "str({0})",
            "sorted({0})",
            "{0}.strip()",
            "{0}.lower()",
            "int({0})",
        ):
            text = f"{name} = {form.format(name)}".encode()
            yield Edit(at, at, text + source.newline + indent, 1.0 / (1 + 0.5 * rank))
        for other in [p for p in parameters(function) if p not in ("self", "cls", name)][:2]:
            text = f"{name} %= len({other})".encode()
            yield Edit(at, at, text + source.newline + indent, 0.3)


@lru_cache(maxsize=256)
def _own_actions(owner: ast.ClassDef) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Methods of the class that give nothing back, with the parameters that they need."""
    found = []
    for each in owner.body:
        if isinstance(each, ast.FunctionDef) and not each.decorator_list and not each.name.startswith("__"):
            needed = parameters(each)[1 : len(each.args.args) - len(each.args.defaults)]
            gives = any(isinstance(n, ast.Return) and n.value is not None for n in walked(each))
            if len(needed) <= 2 and parameters(each)[:1] == ["self"] and not gives:
                found.append((each.name, tuple(needed)))
    return tuple(found)[:6]


@template("own action", *SIMPLE, ast.If, ast.For, ast.While, prior=1.0)
def own_action(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Call a method of the own object that needs no argument, or variables of its parameters' names.

    class A:\\n def f(self): pass\\n def g(self):\\n  x = 1  ->  \
class A:\\n def f(self): pass\\n def g(self):\\n  self.f()\\n  x = 1
    """
    source = place.source
    owner, function = source.enclosing_class(node), source.function(node)
    if owner is None or function is None or parameters(function)[:1] != ["self"]:
        return
    used = {each.attr for each in walked(function) if isinstance(each, ast.Attribute)}
    used.add(getattr(function, "name", ""))
    known = variables(node, place)
    texts = [
        (f"self.{name}({', '.join(needed)})".encode(), 1.0)
        for name, needed in _own_actions(owner)
        if name not in used and all(each in known for each in needed)
    ]
    yield from around(node, texts, place)


@template("similar statement", *SIMPLE, prior=1.0)
def similar_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Repeat a statement at the end of its block with one name or attribute replaced.

    def f(x):\\n    g(x.a)\\n    h(x.b)  ->  def f(x):\\n    g(x.a)\\n    h(x.b)\\n    g(x.b)
    """
    source = place.source
    indent, code = source.indent(node), source.code(node)
    block = source.block(node)
    last = block[-1]
    if source.function(node) is None or indent is None or isinstance(node, ENDS) or b"\n" in code:
        return
    at = source.span(last)[1] if not isinstance(last, ENDS) else source.span(node)[1]
    edits = []
    for each in walked(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            known = place.project.attributes(each.value.id, node, source)
            old = source.code(each)
            for rank, name in enumerate([n for n in known if n != each.attr and not n.startswith("__")][:4]):
                text = code.replace(old, source.code(each.value) + b"." + name.encode())
                edits.append(Edit(at, at, source.newline + indent + text, 1.0 / (1 + rank)))
    pair = [n for n in read_names(node) if n in place.project.names(node, source).local][:3]
    if len(pair) == 2:
        swapped = with_name(with_name(with_name(code, pair[0], "\0"), pair[1], pair[0]), "\0", pair[1])
        edits.append(Edit(source.span(node)[1], source.span(node)[1], source.newline + indent + swapped, 1.5))
    if last is not node and not is_docstring(node):  # just behind itself: "copied statement"
        used = [n for n in read_names(node) if n not in ("self", "cls")]
        for name in [n for n in variables(last, place) if n not in used][:4]:
            for old_name in used[-2:]:
                text = with_name(code, old_name, name)
                edits.append(Edit(at, at, source.newline + indent + text, 0.5))
    yield from best(edits, 12)


@template("removed entry", *SIMPLE, ast.If, prior=0.7)
def removed_entry(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Remove an entry that the function looks up.

    def f(d, k):\\n    x = d[k]\\n    return x  ->  def f(d, k):\\n    x = d[k]\\n    del d[k]\\n    return x
    """
    source = place.source
    function = source.function(node)
    texts: dict[bytes, float] = {}
    for each in own_nodes(function) if function is not None else ():
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Load) and len(texts) < 3:
            keyed = isinstance(each.slice, (ast.Name, ast.Attribute)) and isinstance(
                each.value, (ast.Name, ast.Attribute)
            )
            if keyed and each.lineno < node.lineno:
                texts[b"del " + source.code(each)] = 1.0
    yield from around(node, list(texts.items()), place)
