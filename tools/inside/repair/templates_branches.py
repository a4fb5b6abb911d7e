"""Branches and blocks: `else` and `elif`, bodies swapped, exceptions caught, guards by a comparison."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import best, conditions, is_docstring, read_names, usable, variables
from .registry import Edit, Place, template
from .scope import parameters
from .source import NAMED_FUNCTIONS, Source, walked
from .templates_guards import returned_values
from .templates_moves import ENDS, LOOPS, lines, reindented
from .templates_statements import SIMPLE


def _block_lines(block: list[ast.stmt], source: Source) -> tuple[int, int] | None:
    first, last = lines(block[0], source), lines(block[-1], source)
    return (first[0], last[1]) if first is not None and last is not None else None


@template("branches", ast.If, prior=0.5)
def branches(node: ast.If, place: Place) -> Iterator[Edit]:
    """Swap the bodies of `if` and `else`; turn the last `elif` into `else`.

    if a:\\n    b\\nelse:\\n    c\\n  ->  if a:\\n    c\\nelse:\\n    b\\n
    if a:\\n    b\\nelif d:\\n    c\\n  ->  if a:\\n    b\\nelse:\\n    c\\n
    """
    source = place.source
    start, end = source.span(node)[0], source.span(node.test)[1]
    colon = source.data.find(b":", end)
    if source.data.startswith(b"elif", start) and not node.orelse and colon >= 0:
        yield Edit(start, colon, b"else")
    if node.orelse and not _is_elif(node.orelse[0], source):
        one, other = _block_lines(node.body, source), _block_lines(node.orelse, source)
        if one and other and source.data[other[1] - 1 : other[1]] in (b"\n", b"\r"):
            (a, b), (c, d) = one, other
            yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])


def _is_elif(node: ast.stmt, source: Source) -> bool:
    return source.data.startswith(b"elif", source.span(node)[0])


@template("dropped else", ast.If, ast.For, ast.While, ast.Try, prior=0.5)
def dropped_else(node: ast.If | ast.For | ast.While | ast.Try, place: Place) -> Iterator[Edit]:
    """Always do what stands in `else`, or never.

    for x in xs:\\n    a\\nelse:\\n    b\\n  ->  for x in xs:\\n    a\\nb\\n
    if a:\\n    b\\nelse:\\n    c\\n  ->  if a:\\n    b\\n
    """
    source = place.source
    if not node.orelse or _is_elif(node.orelse[0], source):
        return
    before = node.handlers[-1].body[-1] if isinstance(node, ast.Try) and node.handlers else node.body[-1]
    span, indent = _block_lines(node.orelse, source), source.indent(node)
    above = lines(before, source)
    if span is None or above is None or indent is None or getattr(node, "finalbody", None):
        return
    yield Edit(above[1], span[1], b"", 0.5)
    texts = [reindented(each, indent, source) for each in node.orelse]
    if all(text is not None for text in texts):
        yield Edit(above[1], span[1], b"".join(text for text in texts if text is not None))


@template("added else", ast.For, ast.While, ast.If, prior=0.4)
def added_else(node: ast.For | ast.While | ast.If, place: Place) -> Iterator[Edit]:
    """Do the next statement only when the loop was not left by `break` or the condition did not hold.

    for x in xs:\\n    break\\ny = 1\\n  ->  for x in xs:\\n    break\\nelse:\\n    y = 1\\n
    """
    source = place.source
    block, indent = source.block(node), source.indent(node)
    following = block[block.index(node) + 1 :][:1]
    if node.orelse or not following or indent is None or isinstance(node, ast.If):
        return  # for `if` see "sunk statement"
    span, text = lines(following[0], source), reindented(following[0], indent + source.indent_unit, source)
    if span is not None and text is not None:
        yield Edit(*span, indent + b"else:" + source.newline + text)


@template("unwrapped block", ast.If, ast.For, ast.While, ast.With, ast.Try, prior=0.4)
def unwrapped_block(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Do the body of a block without its head.

    if a:\\n    b = 1\\n  ->  b = 1\\n
    """
    source = place.source
    span, indent = lines(node, source), source.indent(node)
    body: list[ast.stmt] = getattr(node, "body", [])
    if span is None or indent is None or getattr(node, "orelse", None) or len(body) > 8:
        return
    if source.data.startswith(b"elif", source.span(node)[0]):
        return
    texts = [reindented(each, indent, source) for each in body]
    if all(text is not None for text in texts):
        yield Edit(*span, b"".join(text for text in texts if text is not None))


@template("new condition", *SIMPLE, prior=1.0)
def new_condition(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Do a statement only under a condition: one of the function, or about a name it uses.

    def f(a, b):\\n    if b: pass\\n    a.append(1)\\n  ->  \
def f(a, b):\\n    if b: pass\\n    if b:\\n        a.append(1)\\n
    def f(a):\\n    a.pop()\\n  ->  def f(a):\\n    if a:\\n        a.pop()\\n
    def f(x, xs):\\n    xs.append(x)\\n  ->  def f(x, xs):\\n    if x not in xs:\\n        xs.append(x)\\n
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    span = lines(node, source)
    if function is None or indent is None or span is None or is_docstring(node):
        return
    inner = reindented(node, indent + source.indent_unit, source)
    if inner is None:
        return
    local = place.project.names(node, source).local
    used = [name for name in read_names(node) if name in local and name not in ("self", "cls")][:4]
    found: dict[bytes, float] = {}
    for each in conditions(function, source):
        if usable(each, node, place) and len(found) < 10:
            shared = 1.0 if each.names & set(used) else 0.5
            found[each.code] = shared
            found.setdefault(b"not (" + each.code + b")", shared * 0.6)
    for rank, name in enumerate(used):
        this, weight = name.encode(), 1.0 / (1 + 0.3 * rank)
        for text in (this, this + b" is not None", b"not " + this):
            found.setdefault(text, weight)
        for other in used:
            if other != name:
                found.setdefault(this + b" not in " + other.encode(), 0.5 * weight)
    edits = [
        Edit(*span, indent + b"if " + text + b":" + source.newline + inner, weight)
        for text, weight in found.items()
    ]
    yield from best(edits, 30)


@template("comparing guard", ast.Assign, ast.Return, ast.Expr, ast.For, ast.While, ast.If, prior=1.5)
def comparing_guard(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Return early at the start of a function when a parameter is small, short or equal to another; in a
    loop, skip what a container has already.

    def f(n):\\n    return f(n - 1)  ->  def f(n):\\n    if n <= 0:\\n        return 0\\n    return f(n - 1)
    def f(x):\\n    return x[1]  ->  def f(x):\\n    if len(x) < 2:\\n        return None\\n    return x[1]
    def f(a, b):\\n    return a / b  ->  def f(a, b):\\n    if b == 0:\\n        return 0\\n    return a / b
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    if function is None or indent is None or is_docstring(node):
        return
    edits = []
    start = source.offset(source.first_line(node), node.col_offset)
    first = [s for s in getattr(function, "body", []) if not is_docstring(s)][:1] == [node]
    head = b"if %s:" + source.newline + indent + source.indent_unit + b"%s" + source.newline + indent
    if first:
        own = [source.code(n).decode() for n in walked(function) if _is_own_attribute(n, place)]
        names = [name for name in parameters(function) if name not in ("self", "cls")][:3]
        names += list(dict.fromkeys(own))[:1]
        values = [*returned_values(function, place), b"None", b"0", b"1", b"[]", b"False", b"True"]
        for rank, name in enumerate(names):
            this, weight = name.encode(), 1.0 / (1 + 0.5 * rank)
            tests = [
                this + b" <= 0",
                this + b" == 0",
                b"len(" + this + b") < 2",
                this + b" < 0",
                this + b" <= 1",
            ]
            tests += [this + b" == " + other.encode() for other in names if other > name]
            for place_of, test in enumerate(tests):
                for order, value in enumerate(dict.fromkeys([*values, this])):
                    share = weight / ((1 + 0.2 * place_of) * (1 + 0.4 * order))
                    edits.append(Edit(start, start, head % (test, b"return " + value), share))
                edits.append(Edit(start, start, head % (test, b"raise ValueError"), weight * 0.4))
    if any(isinstance(a, LOOPS) for a in source.ancestors(node)) and not isinstance(node, ENDS):
        names = variables(node, place)
        used = [name for name in read_names(node) if name in names][:4]
        for one in used:
            for other in [name for name in names if name != one][:5]:
                test = f"{one} in {other}".encode()
                edits.append(Edit(start, start, head % (test, b"continue"), 0.5))
    yield from best(edits, 40)


def _is_own_attribute(node: ast.AST, place: Place) -> bool:
    """An attribute of `self` that is looked into, searched or measured, so that it can be too short."""
    if not isinstance(node, ast.Attribute) or getattr(node.value, "id", "") != "self":
        return False
    return not isinstance(place.source.parents[node], ast.Call) or node.attr.endswith("s")


@template("caught exception", ast.Assign, ast.Expr, ast.Return, ast.AugAssign, prior=0.5)
def caught_exception(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Go on, or return nothing, when a statement raises a usual error.

    def f(d):\\n    return d[1]\\n  ->  \
def f(d):\\n    try:\\n        return d[1]\\n    except KeyError:\\n        return None\\n
    """
    source = place.source
    span, indent = lines(node, source), source.indent(node)
    if span is None or indent is None or is_docstring(node) or source.function(node) is None:
        return
    unit, line = source.indent_unit, source.newline
    inner = reindented(node, indent + unit, source)
    kinds = [b"KeyError", b"ValueError"] if b"[" in source.code(node) else [b"ValueError"]
    kinds += [b"(TypeError, ValueError)", b"AttributeError", b"IndexError", b"StopIteration"]
    actions = [b"return None"] if isinstance(node, ast.Return) else [b"pass", b"return None"]
    if isinstance(node, ast.Return):
        actions += [b"return False", b"return " + (returned_values_of(node, place) or b"[]")]
    elif any(isinstance(a, LOOPS) for a in source.ancestors(node)):
        actions.append(b"continue")
    for rank, kind in enumerate(kinds if inner is not None else ()):
        for action in dict.fromkeys(actions):
            assert inner is not None
            text = indent + b"try:" + line + inner + indent + b"except " + kind + b":" + line
            yield Edit(*span, text + indent + unit + action + line, 1.0 / (1 + rank))


def returned_values_of(node: ast.stmt, place: Place) -> bytes:
    """What another return statement of the function gives, if it is a constant."""
    function = place.source.function(node)
    values = returned_values(function, place) if function is not None else []
    return values[0] if values else b""


@template("handler", ast.ExceptHandler, prior=1.0)
def handler(node: ast.ExceptHandler, place: Place) -> Iterator[Edit]:
    """Catch more errors than one, or one of several; raise again instead of hiding.

    try: a\\nexcept KeyError: pass  ->  try: a\\nexcept (KeyError, IndexError): pass
    try: a\\nexcept (KeyError, ValueError): pass  ->  try: a\\nexcept KeyError: pass
    """
    source, kind = place.source, node.type
    if kind is None:
        return
    span, code = source.span(kind), source.code(kind)
    if isinstance(kind, ast.Tuple):
        for element in kind.elts[:5]:
            yield Edit(*span, source.code(element), 0.5)
        head = code.rstrip(b") \r\n").rstrip(b",")
    else:
        head = b"(" + code
    for other in (b"IndexError", b"KeyError", b"TypeError", b"ValueError", b"AttributeError", b"OSError"):
        if other not in code:
            yield Edit(*span, head + b", " + other + b")")
    last, indent = node.body[-1], source.indent(node.body[-1])
    if not isinstance(last, ENDS) and indent is not None:
        end = source.span(last)[1]
        yield Edit(end, end, source.newline + indent + b"raise", 0.7)
    if len(node.body) == 1 and isinstance(node.body[0], (ast.Pass, ast.Return, ast.Continue)):
        yield Edit(*source.span(node.body[0]), b"raise", 0.7)


@template("raised or returned", ast.Raise, ast.Return, prior=0.7)
def raised_or_returned(node: ast.Raise | ast.Return, place: Place) -> Iterator[Edit]:
    """Return where an error is raised, and raise where nothing is returned.

    def f(): raise StopIteration  ->  def f(): return
    def f(x): return None  ->  def f(x): raise ValueError
    """
    source = place.source
    function = source.function(node)
    if function is None or not isinstance(function, NAMED_FUNCTIONS):
        return
    span = source.span(node)
    if isinstance(node, ast.Raise):
        for value in (b"", b" False", b" None", b" True", b" []"):
            yield Edit(*span, b"return" + value)
        if isinstance(node.exc, ast.Name) and node.exc.id == "NotImplemented":
            yield Edit(*span, b"return NotImplemented")
    elif node.value is None or isinstance(node.value, ast.Constant):
        for kind in (b"ValueError", b"KeyError", b"TypeError", b"IndexError", b"NotImplementedError"):
            yield Edit(*span, b"raise " + kind)
        if function.name.startswith("__"):
            yield Edit(*span, b"return NotImplemented", 2.0)
