"""Exact places of what stands inside f-strings: `ast` gives them from Python 3.12 on only."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GAP = re.compile(rb"(?:\s|\\\r?\n|#[^\r\n]*)*")
OPENING = re.compile(rb"([A-Za-z]{0,3})(\"\"\"|'''|\"|')")
BRACKETS = {b"(": b")", b"[": b"]", b"{": b"}"}


@dataclass
class Text:
    """A run of constant text, bytes [start, end) of the file."""

    start: int
    end: int


@dataclass
class Field:
    """`{expression!r:format}` at [start, end); the expression alone at [low, high)."""

    start: int
    end: int
    low: int
    high: int
    format: list[Text | Field] | None


class Unclear(Exception):
    """The scanner does not understand the f-string: it is left alone."""


def locate(tree: ast.AST, data: bytes, offset: Callable[[int, int], int]) -> frozenset[ast.JoinedStr]:
    """Give the nodes inside f-strings their exact lines and columns.

    `offset` turns line and column of a node into a byte offset of `data`. Returns the f-strings where that
    was possible: each expression, parsed by itself, is equal to the node that got its place. Where it was
    not, the nodes get the place of the whole f-string.
    """
    found: set[ast.JoinedStr] = set()
    for node in _outermost(tree):
        _locate(node, data, offset, found)
    return frozenset(found)


def _outermost(tree: ast.AST) -> Iterator[ast.JoinedStr]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.JoinedStr):
            yield child
        else:
            yield from _outermost(child)


def _locate(
    node: ast.JoinedStr, data: bytes, offset: Callable[[int, int], int], found: set[ast.JoinedStr]
) -> None:
    assert node.end_lineno is not None and node.end_col_offset is not None
    start, end = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
    line = (node.lineno, start - node.col_offset)
    try:
        places = _placed(node.values, _pieces(data, start, end), data, line)
    except (Unclear, SyntaxError, ValueError, IndexError, RecursionError):
        for inner in ast.walk(node):
            if inner is not node:
                ast.copy_location(inner, node)
        return
    for inner, at in places:
        inner.lineno, inner.col_offset, inner.end_lineno, inner.end_col_offset = at  # type: ignore[attr-defined]
    formats = [v.format_spec for v in node.values if isinstance(v, ast.FormattedValue) and v.format_spec]
    found.update(each for each in (node, *formats) if isinstance(each, ast.JoinedStr))
    for value in node.values:
        for part in (value, *(getattr(getattr(value, "format_spec", None), "values", ()))):
            if isinstance(part, ast.FormattedValue):
                for inner in (
                    [part.value] if isinstance(part.value, ast.JoinedStr) else _outermost(part.value)
                ):
                    _locate(inner, data, offset, found)


Span = tuple[int, int, int, int]


def _placed(
    values: list[ast.expr], pieces: list[Text | Field], data: bytes, line: tuple[int, int]
) -> list[tuple[ast.AST, Span]]:
    """The nodes of an f-string with their places. `line`: number and start of the line it begins on.
    Raises Unclear unless the nodes are what was scanned."""
    places: list[tuple[ast.AST, Span]] = []
    pieces = _merged(pieces)
    # Some versions of Python 3.12 end a format with an empty text.
    values = [each for each in values if not (isinstance(each, ast.Constant) and each.value == "")]
    if len(pieces) != len(values):
        raise Unclear
    for value, each in zip(values, pieces):  # noqa: B905 (newer than Python 3.9)
        places.append((value, _span(each.start, each.end, data, line)))
        if isinstance(each, Text):
            if not isinstance(value, ast.Constant):
                raise Unclear
            continue
        if not isinstance(value, ast.FormattedValue):
            raise Unclear
        parsed = ast.parse(b"(" + data[each.low : each.high] + b"\n)", mode="eval").body
        if ast.dump(parsed) != ast.dump(value.value) or parsed.col_offset == 0:  # (the parentheses are ours)
            raise Unclear
        number, start = _line(each.low, data, line)
        for inner, twin in zip(ast.walk(value.value), ast.walk(parsed)):  # noqa: B905
            if isinstance(twin, (ast.expr, ast.keyword, ast.arg)):
                places.append((inner, _shifted(twin, number, each.low - start)))
        if (each.format is None) != (value.format_spec is None):
            raise Unclear
        if each.format is not None:
            assert isinstance(value.format_spec, ast.JoinedStr)
            low = each.format[0].start if each.format else each.end - 1
            places.append((value.format_spec, _span(low, each.end - 1, data, line)))
            places += _placed(value.format_spec.values, each.format, data, line)
    return places


def _shifted(node: ast.expr | ast.keyword | ast.arg, number: int, column: int) -> Span:
    """Lines and columns in the file of a node parsed behind one parenthesis."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    first = column - 1 if node.lineno == 1 else 0
    last = column - 1 if node.end_lineno == 1 else 0
    return (
        number + node.lineno - 1,
        node.col_offset + first,
        number + node.end_lineno - 1,
        node.end_col_offset + last,
    )


def _line(at: int, data: bytes, line: tuple[int, int]) -> tuple[int, int]:
    """Number and start of the line of an offset at or behind the start of the given line."""
    number, start = line
    for end in re.finditer(rb"\r\n|\n|\r", data[start:at]):
        number, start = number + 1, line[1] + end.end()
    return number, start


def _span(start: int, end: int, data: bytes, line: tuple[int, int]) -> Span:
    (first, low), (last, high) = _line(start, data, line), _line(end, data, line)
    return first, start - low, last, end - high


def _merged(pieces: list[Text | Field]) -> list[Text | Field]:
    """Neighbouring runs of text as one, as `ast` has them; runs of nothing left out."""
    merged: list[Text | Field] = []
    for each in pieces:
        if isinstance(each, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(merged[-1].start, each.end)
        elif isinstance(each, Field) or each.start < each.end:
            merged.append(each)
    return merged


def _pieces(data: bytes, at: int, end: int) -> list[Text | Field]:
    """What stands in the literals of one f-string, which may be several that follow each other."""
    pieces: list[Text | Field] = []
    while at < end:
        opening = OPENING.match(data, at)
        if opening is None:
            raise Unclear
        prefix, quote = opening.group(1).lower(), opening.group(2)
        more, at = _body(data, opening.end(), quote, b"r" in prefix, b"f" in prefix)
        pieces += more
        at += len(quote)
        gap = GAP.match(data, at)
        at = gap.end() if gap else at
    return pieces


def _body(data: bytes, at: int, close: bytes, raw: bool, fields: bool) -> tuple[list[Text | Field], int]:
    """The pieces up to `close`: a literal's quote, or the brace behind a format."""
    pieces: list[Text | Field] = []
    start = at
    while not data.startswith(close, at):
        char = data[at : at + 1]
        if not char:
            raise Unclear
        if char == b"\\" and not raw:
            named = re.compile(rb"\\N\{[^}]*\}").match(data, at)
            at = named.end() if named else at + 2
        elif char == b"{" and fields and data[at + 1 : at + 2] != b"{":
            pieces.append(Text(start, at))
            field = _field(data, at, raw)
            pieces.append(field)
            at = start = field.end
        elif fields and char in (b"{", b"}"):
            at += 2
        else:
            at += 1
    pieces.append(Text(start, at))
    return pieces, at


def _field(data: bytes, start: int, raw: bool) -> Field:
    """The field whose brace is at `start`. One with `=` behind its expression is not understood."""
    at, stack = start + 1, list[bytes]()
    while stack or not re.compile(rb"[}:]|![rsa]\s*[}:]").match(data, at):
        char = data[at : at + 1]
        if char in (b'"', b"'"):
            opening = OPENING.match(data, at)
            assert opening is not None
            _, at = _body(data, opening.end(), opening.group(2), False, False)
            at += len(opening.group(2))
            continue
        if char in BRACKETS:
            stack.append(BRACKETS[char])
        elif stack and char == stack[-1]:
            stack.pop()
        elif not char or char in (b")", b"]", b"}", b"\\", b"#"):
            raise Unclear
        at += 1
    low, high = start + 1, at
    if data[at : at + 1] == b"!":
        at = re.compile(rb"![rsa]\s*").match(data, at).end()  # type: ignore[union-attr]
    pieces: list[Text | Field] | None = None
    if data[at : at + 1] == b":":
        pieces, at = _body(data, at + 1, b"}", raw, True)
        pieces = _merged(pieces)
    return Field(start, at + 1, low, high, pieces)
