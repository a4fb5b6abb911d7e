"""Strings: case and white space of what is compared and stored, splitting and joining, formats."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .ingredients import is_callee, is_read, variables
from .registry import Edit, Place, template

STRING_METHODS = frozenset(("join", "split", "replace", "strip", "lower", "upper", "startswith", "endswith"))


@template("string variant", ast.Name, ast.Attribute, ast.Subscript, ast.Call, prior=0.6)
def string_variant(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Change case or white space of a key, an argument or an operand, or of both sides of a comparison.

    d[k] = 1  ->  d[k.lower()] = 1
    ok = a == b  ->  ok = a.lower() == b.lower()
    f(s)  ->  f(s.strip())
    """
    source = place.source
    parent = source.parents[node]
    if not is_read(node) or is_callee(node, source):
        return
    start, end = source.span(node)
    is_key = isinstance(parent, ast.Subscript) and parent.slice is node
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    if is_key or is_argument or isinstance(parent, (ast.BinOp, ast.For, ast.keyword)):
        for method in (
            b"lower",
            b"strip",
            b"upper",
            b"rstrip",
            b"casefold",
            b"title",
            b"capitalize",
            b"split",
            b"splitlines",
        ):
            yield Edit(end, end, b"." + method + b"()", 1.0 if method in (b"lower", b"strip") else 0.4)
        for tail in (b".zfill(2)", b".rjust(2)", b".ljust(2)") if isinstance(parent, ast.BinOp) else ():
            yield Edit(end, end, tail, 0.4)
    elif isinstance(parent, ast.Compare) and node is parent.left and len(parent.comparators) == 1:
        other = parent.comparators[0]
        between = source.data[end : source.span(other)[0]]
        for tail in (b".lower()", b".casefold()", b".strip()", b".upper()"):
            text = source.code(node) + tail + between + source.code(other) + tail
            yield Edit(start, source.span(other)[1], text)
    elif isinstance(parent, (ast.Return, ast.Assign, ast.Compare)):
        for tail in (b".casefold()", b".capitalize()", b".title()", b".rstrip()", b".lstrip()", b".split()"):
            yield Edit(end, end, tail, 0.5)


@template("split arguments", ast.Call, prior=1.0)
def split_arguments(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Change at what is split, stripped or joined, and how often.

    y = s.split(" ")  ->  y = s.split()
    y = s.split()  ->  y = s.split(" ")
    y = s.split(c)  ->  y = s.split(c, 1)
    y = a.replace(b, c)  ->  y = a.replace(c, b)
    y = s.rstrip()  ->  y = s.rstrip("/")
    """
    source, function = place.source, node.func
    if not isinstance(function, ast.Attribute) or node.keywords:
        return
    closing = source.span(node)[1] - 1
    name, count = function.attr, len(node.args)
    if name in ("split", "rsplit") and count == 0:
        for separator in (b'" "', b'","', b'"\\n"', b'":"', b"None, 1"):
            yield Edit(closing, closing, separator)
    elif name in ("split", "rsplit", "strip", "lstrip", "rstrip") and count == 1:
        if name.endswith("split"):
            yield Edit(closing, closing, b", 1")
            other = b"rsplit" if name == "split" else b"split"
            end = source.span(function)[1]
            yield Edit(end - len(name), closing, other + source.data[end:closing] + b", 1", 0.5)
        yield Edit(*source.span(node.args[0]), b"")
    elif name in ("split", "rsplit") and count == 2:
        yield Edit(source.span(node.args[0])[1], source.span(node.args[1])[1], b"")
    elif name in ("strip", "lstrip", "rstrip") and count == 0:
        for characters in (b'"\\n"', b'" "', b'"\\r\\n"', b'"/"', b'"0"', b'"."'):
            yield Edit(closing, closing, characters)
    elif name == "replace" and count == 2:
        (a, b), (c, d) = source.span(node.args[0]), source.span(node.args[1])
        yield Edit(a, d, source.data[c:d] + source.data[b:c] + source.data[a:b])
        yield Edit(closing, closing, b", 1")
    elif name == "join" and count == 1:
        argument, span = source.code(node.args[0]), source.span(node.args[0])
        for text in (
            b"map(str, " + argument + b")",
            b"sorted(" + argument + b")",
            b"reversed(" + argument + b")",
        ):
            yield Edit(*span, text)
        whole = isinstance(node.args[0], (ast.Name, ast.Attribute, ast.Call))
        if whole:
            yield Edit(*source.span(node), argument + b".join(" + source.code(function.value) + b")", 0.5)


@template("format", ast.Constant, prior=0.8)
def format_text(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Change the conversion, sign, padding or number of digits of one field of a format.

    y = "%d" % x  ->  y = "%s" % x
    y = "%.2f" % x  ->  y = "%.1f" % x
    y = "{}".format(x)  ->  y = "{!r}".format(x)
    """
    source = place.source
    code, start = source.code(node), source.span(node)[0]
    if not isinstance(node.value, (str, bytes)) or isinstance(
        source.parents[node], (ast.Expr, ast.JoinedStr)
    ):
        return
    for match in list(re.finditer(rb"%(\(\w+\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([sdrfgxXioe])", code))[:4]:
        end = start + match.end()
        for other in (b"s", b"r", b"d", b"f", b"g", b"x"):
            if other != match.group(5):
                yield Edit(end - 1, end, other)
        for group in (3, 4):
            digits = match.group(group)
            if digits:
                low, high = start + match.start(group), start + match.end(group)
                for shift in (-1, 1):
                    yield Edit(low, high, b"%d" % max(0, int(digits) + shift))
        if not match.group(2) and match.group(3):
            for flag in (b"0", b"-"):
                yield Edit(start + match.start(3), start + match.start(3), flag, 0.5)
    for match in list(re.finditer(rb"(?<!\{)\{(\w*)(![rsa])?(:[^{}]*)?\}(?!\})", code))[:4]:
        at = start + match.end(1)
        if match.group(2):
            yield Edit(at, at + 2, b"")
        else:
            yield Edit(at, at, b"!r")
        for digits in re.finditer(rb"\d+", match.group(3) or b""):
            low = start + match.start(3) + digits.start()
            for shift in (-1, 1):
                yield Edit(low, low + len(digits.group()), b"%d" % max(0, int(digits.group()) + shift))


@template("prefix or slice", ast.Call, prior=0.6)
def prefix_or_slice(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Cut a prefix or suffix as a whole instead of letters, and look anywhere instead of at the end.

    y = s.lstrip(p)  ->  y = s[len(p):] if s.startswith(p) else s
    ok = s.startswith(p)  ->  ok = p in s
    """
    source, function = place.source, node.func
    if not isinstance(function, ast.Attribute) or len(node.args) != 1 or node.keywords:
        return
    base, argument, span = source.code(function.value), source.code(node.args[0]), source.span(node)
    if function.attr == "lstrip":
        cut = base + b"[len(" + argument + b"):]"
        yield Edit(*span, cut + b" if " + base + b".startswith(" + argument + b") else " + base)
    elif function.attr == "rstrip":
        cut = base + b"[:-len(" + argument + b")]"
        yield Edit(*span, cut + b" if " + base + b".endswith(" + argument + b") else " + base)
    elif function.attr in ("startswith", "endswith", "find", "count", "index"):
        yield Edit(*span, argument + b" in " + base)
        yield Edit(*span, base + b" == " + argument, 0.5)
        if function.attr in ("find", "index"):
            for name in variables(node, place)[:4]:
                end = span[1] - 1
                yield Edit(end, end, b", " + name.encode(), 0.5)


@template("raw string", ast.Constant, prior=0.3)
def raw_string(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Make a literal with backslashes raw, or a raw one plain.

    x = "\\\\bword"  ->  x = r"\\\\bword"
    """
    source = place.source
    code = source.code(node)
    if (
        not isinstance(node.value, (str, bytes))
        or b"\\" not in code
        or isinstance(source.parents[node], ast.JoinedStr)
    ):
        return
    start = source.span(node)[0]
    if code[:1] in b"rR":
        yield Edit(start, start + 1, b"")
    elif code[:1] in (b'"', b"'", b"b"):
        yield Edit(start, start, b"r")
