"""Regular expressions in literals: classes and their members, anchors, repetition, escapes, flags."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from .ingredients import best
from .registry import Edit, Place, template
from .scope import dotted

FUNCTIONS = frozenset(
    ("compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split", "scanner")
)
FLAGS = (b"re.I", b"re.M", b"re.S", b"re.M | re.S", b"re.X", b"re.A")
MOST = 40
LONGEST = 200
SIGNS = frozenset((b"(", b")", b"[", b"]", b"{", b"}", b"*", b"+", b"?"))
# One piece of a pattern as it is written in a literal: an escape, a class, a repetition, a group's opening.
TOKEN = re.compile(
    rb"(?P<escape>\\\\?.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    rb"|(?P<repeat>(?:[*+?]|\{\d*,?\d*\})[?+]?)|(?P<group>\((?:\?(?:[:=!>]|<[=!]|P?<\w+>))?)"
    rb"|(?P<anchor>[\^$])|(?P<dot>\.)|(?P<bar>\|)|(?P<other>[\xc0-\xff][\x80-\xbf]*|.)",
    re.DOTALL,
)
CLASSES = {
    b"d": (b"w", b"s", b"D"),
    b"w": (b"d", b"s", b"S", b"W"),
    b"s": (b"w", b"d", b"S"),
    b"S": (b"s", b"w"),
    b"D": (b"d",),
    b"W": (b"w",),
    b"b": (b"B",),
    b"B": (b"b",),
    b"Z": (b"A",),
    b"A": (b"Z",),
}


@dataclass(frozen=True)
class Literal:
    """The text between a literal's quotes, at `start` of the file; `slash`: a backslash as it writes it."""

    text: bytes
    start: int
    slash: bytes

    def edit(self, low: int, high: int, new: bytes, weight: float = 1.0) -> Edit:
        return Edit(self.start + low, self.start + high, new, weight)


def _literal(node: ast.Constant, place: Place) -> Literal | None:
    """The literal of a plain string constant; None for pieces glued together and for bytes of f-strings."""
    code = place.source.code(node)
    match = re.fullmatch(rb"""([rRbBuU]{0,2})("{3}|'{3}|"|')(.*?)\2""", code, re.DOTALL)
    if match is None or (match.group(2)[:1] * 3 == code[-3:] and len(match.group(2)) == 1):
        return None
    raw = b"r" in match.group(1).lower()
    return Literal(match.group(3), place.source.span(node)[0] + match.start(3), b"\\" if raw else b"\\\\")


def is_pattern(node: ast.Constant, place: Place) -> bool:
    """Whether the constant is given to a function of `re`, or is a raw string with a pattern's signs."""
    if not isinstance(node.value, (str, bytes)) or not node.value:
        return False
    source = place.source
    parent = source.parents[node]
    if isinstance(parent, ast.JoinedStr):
        return False
    for _ in range(2):  # directly, or as a part of a sum or format
        if isinstance(parent, ast.BinOp):
            parent = source.parents[parent]
    called = parent.func if isinstance(parent, ast.Call) else None
    if isinstance(called, ast.Attribute) and dotted(called.value) in ("re", "regex"):
        return called.attr in FUNCTIONS
    return source.code(node)[:1] in b"rR" and bool(
        re.search(rb"\\[dwsbDWS.]|[*+)\]][?*+$)]|\[", source.code(node))
    )


@template("pattern", ast.Constant, prior=6.0)
def pattern(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Change one piece of a regular expression.

    re.match(r"a+", x)  ->  re.match(r"a*", x)
    re.match(r"a+", x)  ->  re.match(r"a+$", x)
    re.match(r"a.*b", x)  ->  re.match(r"a.*?b", x)
    re.match(r"\\d+.\\d", x)  ->  re.match(r"\\d+\\.\\d", x)
    re.match(r"(a|b)", x)  ->  re.match(r"(?:a|b)", x)
    re.match("\\\\d", x)  ->  re.match("\\\\w", x)
    """
    found = _literal(node, place) if is_pattern(node, place) else None
    if found is None:
        return
    edits: list[Edit] = []
    tokens = list(TOKEN.finditer(found.text))
    for token in tokens:
        edits.extend(_changes(token, found))
    text = found.text
    if not text.startswith((b"^", found.slash + b"A")):
        edits.append(found.edit(0, 0, b"^"))
        edits.append(found.edit(0, 0, found.slash + b"b", 0.6))
    if not text.endswith(b"$"):
        edits.append(found.edit(len(text), len(text), b"$"))
        edits.append(found.edit(len(text), len(text), found.slash + b"b", 0.6))
        edits.append(found.edit(len(text), len(text), found.slash + b"Z", 0.4))
    yield from best(edits, MOST)


@template("pattern that does not compile", ast.Constant, prior=20.0)
def uncompilable(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Put one sign into a regular expression, take one out or escape it, so that it compiles.

    p = re.compile("(a")  ->  p = re.compile("(a)")
    p = re.compile("a+)$")  ->  p = re.compile("(a+)$")
    p = re.compile("[a")  ->  p = re.compile("[a]")
    p = re.compile("a)")  ->  p = re.compile("a")
    p = re.compile("*a")  ->  p = re.compile("\\\\*a")
    """
    found = _literal(node, place) if is_pattern(node, place) else None
    if found is None or len(found.text) > LONGEST or _compiles(place.source.code(node)):
        return
    code, (start, _) = place.source.code(node), place.source.span(node)
    edits: list[Edit] = []
    for token in TOKEN.finditer(found.text):
        low, high = token.span()
        edits += [found.edit(low, low, sign) for sign in (b"(", b")", b"]")]
        if token.group() in SIGNS:
            edits += [found.edit(low, high, b""), found.edit(low, low, found.slash)]
    edits += [found.edit(len(found.text), len(found.text), sign, 2.0) for sign in (b")", b"]", b"}")]
    for edit in edits:
        low, high = edit.start - start, edit.end - start
        if _compiles(code[:low] + edit.replacement + code[high:]):
            yield edit


def _compiles(code: bytes) -> bool:
    """Whether a string literal is a regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(ast.literal_eval(code.decode()))
    except (re.error, SyntaxError, ValueError, OverflowError, RecursionError):
        return False
    return True


def _changes(token: re.Match[bytes], literal: Literal) -> Iterator[Edit]:
    low, high = token.span()
    text, kind = token.group(), token.lastgroup
    if kind == "repeat":
        yield from _repetitions(text, low, high, literal)
    elif kind == "escape":
        letter = text[-1:]
        for other in CLASSES.get(letter, ()):
            yield literal.edit(high - 1, high, other)
        if letter in b".+*?()[]{}|^$" and text[:1] == b"\\":
            yield literal.edit(low, high, letter, 0.5)
    elif kind == "anchor":
        yield literal.edit(low, high, b"")
        yield literal.edit(low, high, literal.slash + text, 0.5)
    elif kind == "dot":
        yield literal.edit(low, high, literal.slash + b".")
        yield literal.edit(low, high, b"[^" + literal.slash + b"n]", 0.2)
    elif kind == "group":
        if text == b"(":
            yield literal.edit(low, high, b"(?:")
        elif text == b"(?:":
            yield literal.edit(low, high, b"(")
        elif text in (b"(?=", b"(?!"):
            yield literal.edit(low, high, b"(?!" if text == b"(?=" else b"(?=")
        elif text in (b"(?<=", b"(?<!"):
            yield literal.edit(low, high, b"(?<!" if text == b"(?<=" else b"(?<=")
    elif kind == "bar":
        yield literal.edit(low, high, literal.slash + b"|", 0.3)


def _repetitions(text: bytes, low: int, high: int, literal: Literal) -> Iterator[Edit]:
    sign, lazy = (text[:-1], True) if len(text) > 1 and text[-1:] == b"?" else (text, False)
    for other in (b"+", b"*", b"?"):
        if other != sign:
            yield literal.edit(low, high, other + (b"?" if lazy else b""))
    yield literal.edit(low, high, sign if lazy else sign + b"?")
    yield literal.edit(low, high, b"", 0.5)
    bounds = re.fullmatch(rb"\{(\d*)(,?)(\d*)\}", sign)
    if bounds is not None:
        first, comma, last = bounds.groups()
        numbers = [int(first or 0), int(last or first or 0)]
        for shift in (-1, 1):
            if comma and last:
                yield literal.edit(low, high, b"{%s,%d}" % (first, max(0, numbers[1] + shift)))
            if first:
                yield literal.edit(low, high, b"{%d%s%s}" % (max(0, numbers[0] + shift), comma, last))
        if not comma:
            yield literal.edit(low, high, b"{" + first + b",}")
            yield literal.edit(low, high, b"{1," + first + b"}")


def _sets(text: bytes, low: int, high: int, literal: Literal) -> Iterator[Edit]:
    start = low + (2 if text.startswith(b"[^") else 1)
    if start - low == 2:
        yield literal.edit(low + 1, low + 2, b"", 0.7)
    else:
        yield literal.edit(low + 1, low + 1, b"^", 0.7)
    end = high - 1
    wide = (
        b"A-Z",
        b"a-z",
        b"0-9",
        b"_",
        b".",
        literal.slash + b"s",
        literal.slash + b"-",
        literal.slash + b"w",
    )
    for rank, member in enumerate(wide):
        if member not in text:
            yield literal.edit(end, end, member, 1.0 / (1 + 0.1 * rank))
    for extra in (b"+", b",", b"'", b"/", b":", b" "):
        if extra not in text and extra != literal.text[:1]:
            yield literal.edit(end, end, extra, 0.3)
    for part in list(
        re.finditer(
            rb"\\\\?.|[^\\\]\x80-\xff-]-[^\\\]\x80-\xff-]|[\xc0-\xff][\x80-\xbf]*|[^\\]",
            text[start - low : -1],
        )
    )[:10]:
        if len(text) - 2 > len(part.group()):
            yield literal.edit(start + part.start(), start + part.end(), b"", 0.5)


@template("repetition in a pattern", ast.Constant, prior=3.0)
def repetition_in_pattern(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Repeat a piece of a regular expression, or make it optional.

    re.match(r"\\d\\.", x)  ->  re.match(r"\\d+\\.", x)
    re.match(r"v(\\d+)", x)  ->  re.match(r"v?(\\d+)", x)
    """
    found = _literal(node, place) if is_pattern(node, place) else None
    tokens = list(TOKEN.finditer(found.text)) if found is not None else []
    edits = []
    for position, token in enumerate(tokens):
        assert found is not None
        text, kind, at = token.group(), token.lastgroup, token.end()
        if position + 1 < len(tokens) and tokens[position + 1].lastgroup == "repeat":
            continue
        if kind in ("escape", "set", "dot") and text[-1:] not in b"bBAZ":
            sign = kind == "escape" and not text[-1:].isalnum()
            weights = {b"?": 1.0} if sign else {b"+": 1.0, b"*": 1.0, b"?": 0.7}
        elif text == b")":
            weights = {b"?": 1.0, b"+": 0.6, b"*": 0.8}
        else:
            weights = {b"?": 0.5, b"+": 0.2, b"*": 0.2} if kind == "other" else {}
        edits += [found.edit(at, at, sign, weight) for sign, weight in weights.items()]
    yield from best(edits, MOST)


@template("class in a pattern", ast.Constant, prior=3.0)
def class_in_pattern(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Add a member to a class of a regular expression, drop one, or take what is not in it.

    re.match(r"[a-z]+", x)  ->  re.match(r"[a-zA-Z]+", x)
    re.match(r"[^a-z]+", x)  ->  re.match(r"[a-z]+", x)
    """
    found = _literal(node, place) if is_pattern(node, place) else None
    edits: list[Edit] = []
    for token in TOKEN.finditer(found.text) if found is not None else ():
        if found is not None and token.lastgroup == "set":
            edits += _sets(token.group(), *token.span(), found)
    yield from best(edits, MOST)


@template("gap in a pattern", ast.Constant, prior=1.5)
def gap_in_pattern(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Allow white space, or anything, between two pieces of a regular expression.

    re.match(r"(a)(b)", x)  ->  re.match(r"(a)\\s*(b)", x)
    """
    found = _literal(node, place) if is_pattern(node, place) else None
    tokens = list(TOKEN.finditer(found.text)) if found is not None else []
    edits = []
    for position, token in enumerate(tokens):
        before = tokens[position - 1].lastgroup if position else ""
        if (
            found is None
            or token.lastgroup in ("repeat", "bar", "anchor")
            or before in ("group", "anchor", "bar")
        ):
            continue
        if token.lastgroup == "other" and before == "other" and token.group() not in (b"(", b")"):
            continue
        at = token.start()
        for text, weight in ((b"s*", 1.0), (b"s+", 0.6)):
            edits.append(found.edit(at, at, found.slash + text, weight))
    yield from best(edits, 20)


@template("pattern flags", ast.Call, prior=0.8)
def pattern_flags(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Give flags to a function of `re`, drop them, or anchor by another function.

    p = re.compile(x)  ->  p = re.compile(x, flags=re.I)
    p = re.compile(x, re.I)  ->  p = re.compile(x, re.M)
    p = re.match(x, re.escape(y))  ->  p = re.match(re.escape(x), re.escape(y))
    """
    source, function = place.source, node.func
    if not isinstance(function, ast.Attribute) or function.attr not in FUNCTIONS or not node.args:
        return
    if getattr(function.value, "id", "") != "re":
        return
    given = [n for n in (*node.args, *(k.value for k in node.keywords)) if source.code(n).startswith(b"re.")]
    given = [n for n in given if re.fullmatch(rb"re\.[A-Z]+(\s*\|\s*re\.[A-Z]+)*", source.code(n))]
    for flag in FLAGS:
        if given:
            yield Edit(*source.span(given[0]), flag)
            if flag not in source.code(given[0]):
                yield Edit(*source.span(given[0]), source.code(given[0]) + b" | " + flag, 0.7)
        else:
            closing = source.span(node)[1] - 1
            yield Edit(closing, closing, b", flags=" + flag)
    first = node.args[0]
    if not isinstance(first, ast.Constant):
        yield Edit(*source.span(first), b"re.escape(" + source.code(first) + b")", 2.0)
    for part in first.values if isinstance(first, ast.JoinedStr) else ():
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
            name = part.value.id.encode()
            low, high = source.span(first)
            code = source.code(first).replace(b"{" + name + b"}", b"{re.escape(" + name + b")}")
            yield Edit(low, high, code, 2.0)
