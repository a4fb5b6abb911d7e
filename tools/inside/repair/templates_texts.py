"""Texts: something put before or behind one, well-known strings for others of their kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import is_callee, is_read, variables
from .registry import Edit, Place, template

AFFIXES = (b'"\\n"', b'"/"', b'" "', b'"."')
JOINS = frozenset(("join", "format", "lower", "upper", "strip", "rstrip", "lstrip", "replace", "title"))


@template("text around", ast.Call, ast.JoinedStr, ast.BinOp, ast.Constant, prior=0.5)
def text_around(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Put a short text before or behind a text; a sign at the end of a part of one.

    y = ", ".join(xs)  ->  y = ", ".join(xs) + "."
    y = "a" + b  ->  y = "a_" + b
    """
    source, parent = place.source, place.source.parents[node]
    start, end = source.span(node)
    if isinstance(node, ast.Constant):
        code = source.code(node)
        summed = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add)
        if isinstance(node.value, str) and summed and node.value and code[-1:] in (b'"', b"'"):
            for sign in (b"_", b"-", b" ", b".", b"/", b":", b"\\n"):
                yield Edit(end - 1, end - 1, sign, 0.5)
        return
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Attribute) and node.func.attr in JOINS):
        return
    if isinstance(node, ast.BinOp) and not any(
        isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (node.left, node.right)
    ):
        return
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if not is_read(node) or not (is_argument or isinstance(parent, (ast.Return, ast.Assign, ast.Yield))):
        return
    for rank, text in enumerate(AFFIXES):
        yield Edit(end, end, b" + " + text, 1.0 / (1 + 0.3 * rank))
        if text != b'"\\n"':
            yield Edit(start, start, text + b" + ", 0.5 / (1 + 0.3 * rank))
    for rank, name in enumerate(reversed(variables(node, place)[-3:])):
        yield Edit(end, end, b" + " + name.encode(), 0.7 / (1 + 0.3 * rank))
        yield Edit(start, start, name.encode() + b" + ", 0.4 / (1 + 0.3 * rank))


KNOWN = (
    ("utf-8", "latin-1", "utf-8-sig", "ascii", "utf-16"),
    ("strict", "ignore", "replace", "backslashreplace", "surrogateescape"),
    ("r", "w", "a", "x", "r+"),
    ("rb", "wb", "ab"),
    ("r", "rb"),
    ("w", "wb"),
    ("big", "little"),
    ("NFC", "NFD", "NFKC", "NFKD"),
    ("left", "right", "center"),
    ("start", "end"),
    ("asc", "desc"),
    ("\\n", "\\r\\n", "\\r"),
    (",", ";", "\\t", "|", ":"),
    ("/", "-", ".", ":", "_"),
    ("<", ">", "^"),
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("&&", "||"),
    ("+", "-", "*", "/"),
    ("0", "1"),
    ("*", "#", "-", "_", "=", ".", "+", "x", " "),
    ("x", "y", "z"),
    ("min", "max"),
    ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d"),
    ("%H:%M:%S", "%H:%M", "%I:%M"),
    ("GET", "POST", "PUT", "DELETE", "HEAD"),
    ("http", "https"),
    ("true", "false"),
    ("yes", "no"),
    ("on", "off"),
)


@template("well-known string", ast.Constant, prior=1.0)
def known_string(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Write another string of a kind: encodings, modes, forms, separators, sides.

    y = x.encode("ascii")  ->  y = x.encode("utf-8")
    a, b = x.split("-")  ->  a, b = x.split("/")
    """
    code, parent = place.source.code(node), place.source.parents[node]
    if not isinstance(node.value, str) or isinstance(parent, (ast.JoinedStr, ast.Expr)) or len(code) < 3:
        return
    quote, text = code[-1:], code[1:-1].decode()
    if code[:1] != quote:
        return
    others = {other: 1.0 / len(kind) for kind in KNOWN if text in kind for other in kind if other != text}
    for other, weight in others.items():
        yield Edit(*place.source.span(node), quote + other.encode() + quote, weight)


@template("series", ast.Constant, prior=3.0)
def series(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Add the neighbour at an end of a text of consecutive characters, the one that it lacks, or drop an end.

    s = "0123456"  ->  s = "01234567"
    s = "BCDEF"  ->  s = "ABCDEF"
    s = "abdef"  ->  s = "abcdef"
    s = "abcdef"  ->  s = "abcde"
    """
    text, code = node.value, place.source.code(node)
    if not isinstance(text, str) or not text.isalnum() or code[1:-1] != text.encode() or len(text) < 4:
        return
    gaps = [at for at in range(1, len(text)) if ord(text[at]) - ord(text[at - 1]) != 1]
    start = place.source.span(node)[0] + 1
    if not gaps:
        end = start + len(text.encode())
        for at, letter in ((start, chr(ord(text[0]) - 1)), (end, chr(ord(text[-1]) + 1))):
            if letter.isalnum():
                yield Edit(at, at, letter.encode())
        yield Edit(start, start + len(text[0].encode()), b"", 0.5)
        yield Edit(end - len(text[-1].encode()), end, b"", 0.5)
    elif len(gaps) == 1 and ord(text[gaps[0]]) - ord(text[gaps[0] - 1]) == 2:
        at = start + len(text[: gaps[0]].encode())
        yield Edit(at, at, chr(ord(text[gaps[0]]) - 1).encode())


@template("method first", ast.Name, ast.Call, ast.Attribute, ast.Subscript, prior=0.6)
def method_first(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Change case or white space of a text before another method of it is called; look at an operand's end.

    y = s.split()  ->  y = s.lower().split()
    y = s[1:] + t  ->  y = s[1:].rstrip() + t
    """
    source, parent = place.source, place.source.parents[node]
    if not is_read(node) or is_callee(node, source):
        return
    end = source.span(node)[1]
    if isinstance(parent, ast.Attribute) and is_callee(parent, source) and hasattr(str, parent.attr):
        if not hasattr(list, parent.attr) and not hasattr(dict, parent.attr):
            for method in (b".lower()", b".strip()", b".upper()"):
                yield Edit(end, end, method)
    elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add) and isinstance(node, ast.Subscript):
        for method in (b".rstrip()", b".lstrip()"):
            yield Edit(end, end, method, 0.6)
