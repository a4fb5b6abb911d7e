"""F-strings: conversions and formats of fields, fields swapped and replaced, the text between them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .ingredients import best, variables
from .registry import Edit, Place, template
from .scope import dotted
from .source import Source, pairs, walked
from .usage import unread

FORMATS = (b"02d", b".2f", b".1f", b",", b"02", b">2", b"g")
SIGNS = (b" ", b"", b"-", b"_", b".", b":", b", ", b"/", b"=", b"\\n")


def fields(node: ast.JoinedStr, source: Source) -> list[ast.FormattedValue]:
    """The fields of an f-string whose parts have exact places; none of others, or of a format."""
    if node not in source.located or isinstance(source.parents[node], ast.FormattedValue):
        return []
    return [each for each in node.values if isinstance(each, ast.FormattedValue)]


@template("field", ast.JoinedStr, prior=2.0)
def field(node: ast.JoinedStr, place: Place) -> Iterator[Edit]:
    """Convert or format a field as another is, as usual, or not; swap two fields.

    y = f"{a}"  ->  y = f"{a!r}"
    y = f"{a!r}"  ->  y = f"{a}"
    y = f"{a}:{b:02d}"  ->  y = f"{a:02d}:{b:02d}"
    y = f"{a:2d}"  ->  y = f"{a:02d}"
    y = f"{a}-{b}"  ->  y = f"{b}-{a}"
    y = f"{type(a)}"  ->  y = f"{type(a).__name__}"
    """
    source, edits = place.source, list[Edit]()
    every = fields(node, source)
    used = [source.code(f.format_spec) for f in every if f.format_spec is not None]
    for each in every[:6]:
        end, inner = source.span(each)[1], source.span(each.value)[1]
        if each.format_spec is None:
            if each.conversion == -1:
                edits.append(Edit(end - 1, end - 1, b"!r", 1.0))
                edits.append(Edit(end - 1, end - 1, b"!s", 0.1))
                if isinstance(each.value, ast.Call) and getattr(each.value.func, "id", "") == "type":
                    edits.append(Edit(inner, inner, b".__name__", 2.0))
            else:
                edits.append(Edit(end - 3, end - 1, b"", 1.0))
            for rank, text in enumerate(dict.fromkeys((*used, *FORMATS))):
                edits.append(Edit(end - 1, end - 1, b":" + text, 1.0 if text in used else 0.5 / (1 + rank)))
        else:
            edits += _formats(each, source)
    for one, other in pairs(every):
        (a, b), (c, d) = source.span(one.value), source.span(other.value)
        edits.append(Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 1.0))
        (a, b), (c, d) = source.span(one), source.span(other)
        edits.append(Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b], 0.5))
    yield from best(edits, 40)


def _like(value: ast.expr, place: Place) -> Iterator[str]:
    """Other attributes of the thing whose attribute a field shows."""
    base = dotted(value.value) if isinstance(value, ast.Attribute) else ""
    known = place.project.attributes(base, value, place.source) if base else {}
    shown = place.source.code(place.source.parents[place.source.parents[value]])
    for name in sorted((n for n in known if not n.startswith("__")), key=lambda n: -known[n])[:6]:
        if f"{base}.{name}".encode() not in shown:
            yield f"{base}.{name}"


def _formats(each: ast.FormattedValue, source: Source) -> Iterator[Edit]:
    assert each.format_spec is not None
    (low, high), code = source.span(each.format_spec), source.code(each.format_spec)
    yield Edit(low - 1, high, b"", 0.5)
    if b"," in code:
        yield Edit(low + code.index(b","), low + code.index(b",") + 1, b"", 0.6)
    else:
        at = low + (code.index(b".") if b"." in code else len(code) - code[-1:].isalpha())
        yield Edit(at, at, b",", 0.4)
    for digits in list(re.finditer(rb"\d+", code))[:2]:
        start, end = low + digits.start(), low + digits.end()
        for shift in (-1, 1):
            yield Edit(start, end, b"%d" % max(0, int(digits.group()) + shift), 0.5)
        if code[digits.start() - 1 : digits.start()] == b"." and digits.group() != b"0":
            yield Edit(start, end, b"0", 0.4)
        if digits.group().startswith(b"0") and len(digits.group()) > 1:
            yield Edit(start, start + 1, b"", 0.7)
        elif code[digits.start() - 1 : digits.start()] != b".":
            yield Edit(start, start, b"0", 1.0)
    for sign, others in ((b"<", (b">", b"^")), (b">", (b"<", b"^")), (b"^", (b"<", b">"))):
        if sign in code:
            at = low + code.index(sign)
            for other in others:
                yield Edit(at, at + 1, other)
    kind = code[-1:]
    if kind.isalpha():
        for other in (b"d", b"f", b"g", b"x", b"e", b"%", b"s"):
            if other != kind:
                yield Edit(high - 1, high, other, 0.3)
    elif kind.isdigit():
        yield Edit(high, high, b"f", 0.5)
        yield Edit(high, high, b"d", 0.3)


@template("text of an f-string", ast.JoinedStr, prior=1.0)
def text_of_fstring(node: ast.JoinedStr, place: Place) -> Iterator[Edit]:
    """Change a short text between the fields; add or drop a sign beside a field; add or drop a field.

    y = f"{a}-{b}"  ->  y = f"{a}.{b}"
    y = f"{a}-{b}"  ->  y = f"{a}{b}"
    y = f"{a}.{b}.{b}"  ->  y = f"{a}.{b}"
    def f(a, b): return f"{a}"  ->  def f(a, b): return f"{a}{b}"
    """
    source, edits = place.source, list[Edit]()
    every = fields(node, source)
    if not every:
        return
    for each in node.values[:12]:
        (start, end), text = source.span(each), source.code(each)
        if isinstance(each, ast.FormattedValue):
            edits.append(Edit(start, end, b"", 0.5))
            joined = source.data[start - 1 : start] == b"}"  # nothing stands between it and the one before
            for sign in (b".", b":", b"/", b"_", b" ", b"-") if joined else (b" ", b"-"):
                edits.append(Edit(start, start, sign, 0.6 if joined else 0.4))
        elif len(text) <= 3 and not re.search(rb"[\"'\r\n\\{}]", text):
            for rank, sign in enumerate(SIGNS):
                if sign != text:
                    edits.append(Edit(start, end, sign, 1.0 / (1 + 0.2 * rank)))
        elif not re.search(rb"[\"'\r\n\\{}]", text):
            edits.append(Edit(end - 1, end, b"", 0.4))
            edits.append(Edit(start, start + 1, b"", 0.4))
            edits.append(Edit(end, end, b" ", 0.3))
    last = source.span(node.values[-1])[1]
    for sign in (b" ", b":", b".", b"\\n") if isinstance(node.values[-1], ast.FormattedValue) else ():
        edits.append(Edit(last, last, sign, 0.4))
    for one, other in pairs(every):  # a field with the text before it
        (_, b), (c, d) = source.span(one), source.span(other)
        if not re.search(rb"[\"']", source.data[b:c]):
            edits.append(Edit(b, d, b"", 0.7))
    end = source.span(every[-1])[1]
    named = [n.id for each in every for n in walked(each) if isinstance(n, ast.Name)]
    idle = unread(source.function(node) or ast.Module([], []))
    for name in idle:
        edits += [
            Edit(last, last, sign + b"{" + name.encode() + b"}", 0.7) for sign in (b"", b" ", b": ", b", ")
        ]
        first = source.span(node.values[0])[0]
        edits.append(Edit(first, first, b"{" + name.encode() + b"}", 0.7))
    others = list(_like(every[-1].value, place))
    for rank, name in enumerate([*others, *(n for n in variables(node, place) if n not in named)][:4]):
        edits.append(Edit(end, end, b"{" + name.encode() + b"}", 0.4 / (1 + rank)))
        gap = source.data[source.span(every[-2])[1] : source.span(every[-1])[0]] if len(every) > 1 else b""
        if 0 < len(gap) <= 3 and gap.isascii() and not re.search(rb"[\"'\r\n\\]", gap):
            edits.append(Edit(end, end, gap + b"{" + name.encode() + b"}", 0.5 / (1 + rank)))
    yield from best(edits, 40)
