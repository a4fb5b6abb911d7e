"""Statements moved further than one place, into and out of blocks; copies with one name replaced; steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import best, is_docstring, read_names, variables, with_name
from .registry import Edit, Place, template
from .source import Source, walked
from .templates_statements import SIMPLE
from .usage import containers, counters

BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.Try)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def lines(node: ast.stmt, source: Source) -> tuple[int, int] | None:
    """Byte span of the whole lines of a statement; None where it shares them with other code."""
    indent = source.indent(node)
    if indent is None or node.end_lineno is None:
        return None
    start, end = source.line_start(source.first_line(node)), source.line_end(node.end_lineno)
    tail = source.data[source.span(node)[1] : end].strip()
    complete = source.data[end - 1 : end] in (b"\n", b"\r") or end == len(source.data)
    return (start, end) if complete and (not tail or tail.startswith(b"#")) else None


def reindented(node: ast.stmt, indent: bytes, source: Source) -> bytes | None:
    """The statement's lines at another indentation; None where a string spans lines (it would change)."""
    span, own = lines(node, source), source.indent(node)
    if span is None or own is None:
        return None
    for each in walked(node):
        if isinstance(each, (ast.Constant, ast.JoinedStr)) and each.lineno != each.end_lineno:
            return None
    made = []
    for line in source.data[span[0] : span[1]].splitlines(keepends=True):
        if not line.strip():
            made.append(line)
        elif line.startswith(own):
            made.append(indent + line[len(own) :])
        else:
            return None
    text = b"".join(made)
    return text if text.endswith((b"\n", b"\r")) else text + source.newline


def _moved(node: ast.stmt, to: int, text: bytes, source: Source) -> Iterator[Edit]:
    """Take the statement's lines out and put `text` at offset `to`, which is not inside them. The block it
    leaves is never empty: callers see to that."""
    span = lines(node, source)
    assert span is not None
    start, end = span
    if to <= start:
        yield Edit(to, end, text + source.data[to:start])
    elif source.data[to - 1 : to] in (b"\n", b"\r"):
        yield Edit(start, to, source.data[end:to] + text)
    else:  # behind the last line of a file that ends without a newline
        yield Edit(start, to, source.data[end:to] + source.newline + text)


@template("moved further", *SIMPLE, ast.If, ast.For, ast.While, prior=0.8)
def moved_further(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Move a statement by two or more places within its block.

    a = 1\\nb = 2\\nc = 3\\n  ->  c = 3\\na = 1\\nb = 2\\n
    a = 1\\nb = 2\\nc = 3\\n  ->  b = 2\\nc = 3\\na = 1\\n
    """
    source = place.source
    block, span = source.block(node), lines(node, source)
    if span is None or is_docstring(node):
        return
    text = source.data[span[0] : span[1]]
    text = text if text.endswith((b"\n", b"\r")) else text + source.newline
    position = block.index(node)
    for target in range(max(0, position - 4), min(len(block), position + 5)):
        other = lines(block[target], source)
        if abs(target - position) >= 2 and other is not None and not is_docstring(block[target]):
            weight = 1.0 / (abs(target - position) - 1)
            for edit in _moved(node, other[0] if target < position else other[1], text, source):
                yield Edit(edit.start, edit.end, edit.replacement, weight)


@template("hoisted statement", *SIMPLE, prior=0.8)
def hoisted_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Move a statement out of its block: before it, or behind it.

    for x in xs:\\n    n = 0\\n    n += x\\n  ->  n = 0\\nfor x in xs:\\n    n += x\\n
    for x in xs:\\n    n = x\\n    m = x\\n    k = 1\\n  ->  for x in xs:\\n    n = x\\n    k = 1\\nm = x\\n
    """
    source = place.source
    block, parent = source.block(node), source.parents[node]
    if not isinstance(parent, BLOCKS) or len(block) < 2 or lines(node, source) is None:
        return
    outer, around = source.indent(parent), lines(parent, source)
    text = None if outer is None else reindented(node, outer, source)
    if text is None or around is None:
        return
    last = block[-1] is node  # to behind the block: for simple statements "dedented statement"
    yield from _moved(node, around[0], text, source)
    if not last or getattr(parent, "orelse", None):
        for edit in _moved(node, around[1], text, source):
            yield Edit(edit.start, edit.end, edit.replacement, 0.7)


@template("sunk statement", *SIMPLE, prior=0.8)
def sunk_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Move a statement into the start of a block behind it, or into the `else` of the one before.

    n = 0\\nfor x in xs:\\n    n += x\\n  ->  for x in xs:\\n    n = 0\\n    n += x\\n
    if a:\\n    b = 1\\nc = 2\\n  ->  if a:\\n    b = 1\\nelse:\\n    c = 2\\n
    """
    source = place.source
    block = source.block(node)
    position = block.index(node)
    span = lines(node, source)
    if span is None or is_docstring(node):
        return
    for distance, other in enumerate(block[position + 1 : position + 4]):
        body = getattr(other, "body", None)
        if isinstance(other, BLOCKS) and body and lines(body[0], source) is not None:
            inner = source.indent(body[0])
            first = lines(body[0], source)
            text = None if inner is None else reindented(node, inner, source)
            if text is not None and first is not None:
                for edit in _moved(node, first[0], text, source):
                    yield Edit(edit.start, edit.end, edit.replacement, 1.0 / (1 + distance))
    before = block[position - 1] if position else None
    if isinstance(before, ast.If) and not before.orelse and lines(before, source) is not None:
        outer, unit = source.indent(before), source.indent_unit
        if outer is not None and lines(before.body[0], source) is not None:
            body_text = reindented(node, outer + unit, source)
            if body_text is not None and not source.data.startswith(b"elif", source.span(before)[0]):
                yield Edit(*span, outer + b"else:" + source.newline + body_text, 0.7)


@template("copied statement", *SIMPLE, prior=1.0)
def copied_statement(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Repeat a statement of the function with one name replaced; behind itself, or in the place of another.

    def f(a, b):\\n    a += 1\\n    return b  ->  def f(a, b):\\n    a += 1\\n    b += 1\\n    return b
    """
    source = place.source
    function, indent = source.function(node), source.indent(node)
    code, end = source.code(node), source.span(node)[1]
    if function is None or indent is None or isinstance(node, ENDS) or is_docstring(node) or b"\n" in code:
        return
    used = [n.id for n in walked(node) if isinstance(n, ast.Name) and n.id not in ("self", "cls")]
    others = [name for name in variables(node, place) if name not in used]
    edits = []
    for rank, name in enumerate(others[:8]):
        for old in dict.fromkeys(used[:3]):
            text = with_name(code, old, name)
            edits.append(Edit(end, end, source.newline + indent + text, 1.0 / (1 + 0.3 * rank)))
    edits.append(Edit(end, end, source.newline + indent + code, 0.7))
    yield from best(edits, 25)


def _steps(node: ast.stmt, place: Place) -> Iterator[tuple[bytes, float]]:
    """Small statements about variables: x = x.next, a = b, xs.append(x), seen.add(x), i += 1, n += x."""
    source = place.source
    function = source.function(node)
    assert function is not None
    names = variables(node, place)[:8]
    held = containers(function)
    for name in names:
        known = place.project.attributes(name, node, source)
        for attribute in sorted(known, key=lambda n: (-known[n], n))[:3]:
            weight = 1.0 if _walks(name, node, place) else 0.3
            yield f"{name} = {name}.{attribute}".encode(), weight
    for one in names:
        stored = place.project.names(node, source).local[one] > 0
        for other in names if stored else ():
            if one != other:
                yield f"{one} = {other}".encode(), 0.4
    items = [name for name in names if name not in held]
    for container in sorted(held.intersection(names)):
        for item in items[:5]:
            for method, weight in (("append", 1.0), ("add", 0.7), ("extend", 0.2), ("remove", 0.2)):
                yield f"{container}.{method}({item})".encode(), weight
            yield f"del {container}[{item}]".encode(), 0.3
        yield f"{container}.pop()".encode(), 0.5
    for name in sorted(counters(function).intersection(names)):
        yield f"{name} += 1".encode(), 1.0
        for other in [item for item in items if item != name][:5]:
            yield f"{name} += {other}".encode(), 0.8
    for name in items[:5]:
        yield f"{name} += 1".encode(), 0.5
        yield f"{name} -= 1".encode(), 0.3


def _walks(name: str, node: ast.stmt, place: Place) -> bool:
    """Whether the loop around is controlled by the name."""
    loops = [a for a in place.source.ancestors(node) if isinstance(a, ast.While)]
    return bool(loops) and name in read_names(loops[0].test)


@template("inserted step", *SIMPLE, ast.If, ast.For, ast.While, prior=1.0)
def inserted_step(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Insert a small step about variables in scope, before a statement or at the end of its block.

    def f(x, y):\\n    while x.up:\\n        y = x  ->  \
def f(x, y):\\n    while x.up:\\n        y = x\\n        x = x.up
    def f(xs):\\n    out = []\\n    for x in xs:\\n        y = x  ->  \
def f(xs):\\n    out = []\\n    for x in xs:\\n        y = x\\n        out.append(y)
    """
    source = place.source
    indent = source.indent(node)
    if source.function(node) is None or indent is None or is_docstring(node):
        return
    if source.data.startswith(b"elif", source.span(node)[0]):
        return
    start = source.offset(source.first_line(node), node.col_offset)
    end = source.span(node)[1]
    is_last = source.block(node)[-1] is node and not isinstance(node, ENDS)
    edits = []
    for text, weight in _steps(node, place):
        edits.append(Edit(start, start, text + source.newline + indent, weight))
        if is_last:
            edits.append(Edit(end, end, source.newline + indent + text, weight))
    yield from best(edits, 40)


@template("inserted exit", *SIMPLE, ast.If, ast.For, ast.While, prior=0.8)
def inserted_exit(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Leave a loop or function behind the last statement of a block.

    for x in xs:\\n    if x:\\n        y = x  ->  for x in xs:\\n    if x:\\n        y = x\\n        break
    """
    source = place.source
    indent, parent = source.indent(node), source.parents[node]
    if indent is None or source.block(node)[-1] is not node or isinstance(node, ENDS) or is_docstring(node):
        return
    around = list(source.ancestors(node))
    function = source.function(node)
    inner = around[: around.index(function)] if function in around else around
    end = source.span(node)[1]
    texts: list[tuple[bytes, float]] = []
    if any(isinstance(a, LOOPS) for a in inner) and not isinstance(parent, LOOPS):
        texts += [(b"break", 1.0), (b"continue", 1.0)]
    if function is not None and parent is not function:
        texts.append((b"return", 0.7))
        texts += [(b"return " + name.encode(), 0.6) for name in variables(node, place)[:6]]
        texts += [(b"return " + value, 0.4) for value in (b"True", b"False", b"None", b"[]", b"0")]
    for text, weight in texts:
        yield Edit(end, end, source.newline + indent + text, weight)
