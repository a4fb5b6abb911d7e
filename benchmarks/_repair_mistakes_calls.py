"""Mistakes in calls and literals: arguments, similar functions, numbers, strings, patterns.

Each maker says in its docstring what right code becomes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from benchmarks._repair_source import Change, Source, mistake

WRAPS = frozenset(
    (
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sorted",
        "reversed",
        "str",
        "int",
        "float",
        "bool",
        "bytes",
        "iter",
        "abs",
        "enumerate",
        "repr",
    )
)
ALIKE = (
    ("min max", "min", "max"),
    ("any all", "any", "all"),
    ("lower upper", "lower", "upper"),
    ("strip variant", "strip", "lstrip", "rstrip"),
    ("append extend", "append", "extend"),
    ("start or end", "startswith", "endswith"),
    ("from left or right", "find", "rfind"),
    ("from left or right", "split", "rsplit"),
    ("from left or right", "partition", "rpartition"),
    ("from left or right", "ljust", "rjust"),
    ("from left or right", "pop", "popleft"),
    ("from left or right", "append", "appendleft"),
    ("dictionary view", "items", "keys", "values"),
    ("set method", "union", "intersection", "difference"),
    ("set method", "add", "discard"),
    ("matching method", "match", "search", "fullmatch"),
    ("character class", "isdigit", "isalpha", "isalnum", "isspace"),
    ("rounding", "floor", "ceil", "round"),
    ("rounding", "round", "int"),
)


def _named(node: ast.Call) -> str:
    """The name of what is called, without what it belongs to."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _renamed(node: ast.Call, source: Source, name: str) -> Change:
    end = source.end(node.func)
    return Change(end - len(_named(node)), end, name)


def _alike(kind: str) -> None:
    groups = [names for title, *names in ALIKE if title == kind]

    @mistake(kind, ast.Call)
    def similar(node: ast.Call, source: Source) -> Iterator[Change]:
        """A call of a function or method becomes one of its neighbour's."""
        old = _named(node)
        for group in groups:
            if old in group:
                yield from (_renamed(node, source, name) for name in group if name != old)


for title in dict.fromkeys(group[0] for group in ALIKE):
    _alike(title)


@mistake("arguments swapped", ast.Call)
def arguments_swapped(node: ast.Call, source: Source) -> Iterator[Change]:
    """f(a, b) becomes f(b, a)."""
    for one, other in pairwise(node.args):
        if not isinstance(one, ast.Starred) and not isinstance(other, ast.Starred):
            yield source.swap(one, other)


@mistake("argument dropped", ast.Call)
def argument_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """f(a, b) becomes f(a)."""
    if len(node.args) > 1 and not isinstance(node.args[-1], ast.Starred):
        yield Change(source.end(node.args[-2]), source.end(node.args[-1]), "")


@mistake("keyword dropped", ast.Call)
def keyword_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """f(a, b=1) becomes f(a)."""
    given = sorted([*node.args, *node.keywords], key=source.start)
    for before, argument in pairwise(given):
        if isinstance(argument, ast.keyword) and argument.arg:
            yield Change(source.end(before), source.end(argument), "")


@mistake("sort key dropped", ast.Call)
def sort_key_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """sorted(a, key=f) becomes sorted(a)."""
    for keyword in node.keywords:
        if keyword.arg in ("key", "reverse") and _named(node) in ("sorted", "sort", "min", "max"):
            begin = source.end(node.args[-1]) if node.args else source.start(keyword)
            if keyword is node.keywords[0]:
                yield Change(begin, source.end(keyword), "")


@mistake("starred argument", ast.Starred)
def starred(node: ast.Starred, source: Source) -> Iterator[Change]:
    """f(*a) becomes f(a)."""
    if isinstance(node.ctx, ast.Load):
        yield source.replace(node, source.text(node.value))


@mistake("call dropped", ast.Call)
def call_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """f(a) becomes a."""
    only = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if only and _named(node) not in WRAPS and not isinstance(only, ast.Starred | ast.GeneratorExp):
        yield source.replace(node, source.text(only))


@mistake("conversion dropped", ast.Call)
def conversion_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """list(a), sorted(a), str(a) become a."""
    if len(node.args) == 1 and isinstance(node.func, ast.Name) and node.func.id in WRAPS:
        if isinstance(node.args[0], ast.GeneratorExp):
            yield source.replace(node.func, "")
        elif not isinstance(node.args[0], ast.Starred):
            yield source.replace(node, source.text(node.args[0]))


@mistake("method call dropped", ast.Call)
def method_call_dropped(node: ast.Call, source: Source) -> Iterator[Change]:
    """a.copy(), a.strip(), a.lower() become a."""
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        on = source.text(node.func.value)
        if on not in ("self", "super()"):
            yield source.replace(node, on)


@mistake("parentheses of a call forgotten", ast.Call)
def not_called(node: ast.Call, source: Source) -> Iterator[Change]:
    """a.f() becomes a.f."""
    if not node.args and not node.keywords and not isinstance(source.parents.get(node), ast.Expr):
        yield source.replace(node, source.text(node.func))


@mistake("dictionary access", ast.Call, ast.Subscript)
def dictionary_access(node: ast.Call | ast.Subscript, source: Source) -> Iterator[Change]:
    """a.get(b, c) becomes a[b] or a.get(b); a.pop(b, c) becomes a.pop(b); setdefault becomes get; a["b"]
    becomes a.get("b")."""
    if isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Constant | ast.Name):
            yield source.replace(node, f"{source.text(node.value)}.get({source.text(node.slice)})")
        return
    if isinstance(node.func, ast.Attribute) and node.args:
        on, key = source.text(node.func.value), source.text(node.args[0])
        if node.func.attr == "get":
            yield source.replace(node, f"{on}[{key}]")
        if node.func.attr in ("get", "pop") and len(node.args) == 2:
            yield source.replace(node, f"{on}.{node.func.attr}({key})")
        if node.func.attr == "setdefault":
            yield _renamed(node, source, "get")


@mistake("range bounds", ast.Call)
def range_bounds(node: ast.Call, source: Source) -> Iterator[Change]:
    """range(a, b) becomes range(a, b - 1), range(a + 1, b) or range(b); a step is left out."""
    if _named(node) != "range":
        return
    bounds = [source.text(each) for each in node.args]
    if len(bounds) == 1:
        yield source.replace(node, f"range({bounds[0]} - 1)")
        yield source.replace(node, f"range({bounds[0]} + 1)")
        yield source.replace(node, f"range(1, {bounds[0]})")
    else:
        rest = "".join(f", {each}" for each in bounds[2:])
        yield source.replace(node, f"range({bounds[0]}, {bounds[1]} - 1{rest})")
        yield source.replace(node, f"range({bounds[0]} + 1, {bounds[1]}{rest})")
        yield source.replace(node, f"range({bounds[1]})" if not rest else f"range({bounds[0]}, {bounds[1]})")


@mistake("one type left out", ast.Call)
def type_left_out(node: ast.Call, source: Source) -> Iterator[Change]:
    """isinstance(a, (B, C)) becomes isinstance(a, B)."""
    if _named(node) == "isinstance" and len(node.args) == 2 and isinstance(node.args[1], ast.Tuple):
        yield from (source.replace(node.args[1], source.text(each)) for each in node.args[1].elts)


@mistake("number off by one", ast.Constant)
def off_by_one(node: ast.Constant, source: Source) -> Iterator[Change]:
    """1 becomes 2, or 0."""
    if type(node.value) is int and node.value < 10**6:
        yield source.replace(node, str(node.value + 1))
        yield source.replace(node, str(node.value - 1))


@mistake("number changed", ast.Constant)
def number_changed(node: ast.Constant, source: Source) -> Iterator[Change]:
    """60 becomes 6, 600, or 61; 1.5 becomes 15.0."""
    if type(node.value) is float:
        yield source.replace(node, repr(node.value * 10))
    if type(node.value) is int and node.value > 9:
        yield source.replace(node, str(node.value // 10))
        yield source.replace(node, str(node.value * 10))


@mistake("boolean flipped", ast.Constant)
def flipped(node: ast.Constant, source: Source) -> Iterator[Change]:
    """True becomes False."""
    if type(node.value) is bool:
        yield source.replace(node, str(not node.value))


def _literal(node: ast.Constant, source: Source) -> re.Match[str] | None:
    """Prefix, quotes and body of a plain string literal on one line."""
    text = source.text(node) if type(node.value) is str else ""
    return re.fullmatch(r"""([rR]?)('''|\"\"\"|'|")((?:.)*)\2""", text)


def _is_pattern(node: ast.Constant, source: Source) -> bool:
    call = source.parents.get(node)
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and source.text(call.func.value) in ("re", "regex")
        and bool(call.args)
        and call.args[0] is node
    )


@mistake("string misspelt", ast.Constant)
def misspelt(node: ast.Constant, source: Source) -> Iterator[Change]:
    """ "name" becomes "nam", "ame" or "Name"."""
    found = _literal(node, source)
    if found and found[3] and "\\" not in found[3] and not _is_pattern(node, source):
        prefix, quotes, body = found.groups()
        for new in {body[:-1], body[1:], body.swapcase(), body.capitalize()} - {body}:
            yield source.replace(node, f"{prefix}{quotes}{new}{quotes}")


@mistake("space in a string", ast.Constant)
def space(node: ast.Constant, source: Source) -> Iterator[Change]:
    """ "a, b" becomes "a,b"; " " becomes ""."""
    found = _literal(node, source)
    if found and " " in found[3] and not _is_pattern(node, source):
        prefix, quotes, body = found.groups()
        yield source.replace(node, f"{prefix}{quotes}{body.replace(' ', '', 1)}{quotes}")


PATTERN_SLIPS = (
    (r"^\^", ""),
    (r"\$$", ""),
    (r"(?<=[\w\])])\+", "*"),
    (r"(?<=[\w\])])\*", "+"),
    (r"(?<=[+*])\?", ""),
    (r"\\d", r"\\w"),
    (r"\\w", r"\\d"),
    (r"\\s", " "),
    (r"\\\.", "."),
    (r"\\b", ""),
    (r"\(\?:", "("),
    (r"(?<=\[)\^", ""),
    (r"(?<=[a-z\])])\?", ""),
    (r"A-Z", ""),
    (r"0-9", "1-9"),
)


@mistake("pattern detail", ast.Constant)
def pattern_detail(node: ast.Constant, source: Source) -> Iterator[Change]:
    """An anchor, quantifier, class or escape of a regular expression is another, or left out."""
    found = _literal(node, source)
    if found and _is_pattern(node, source):
        prefix, quotes, body = found.groups()
        for old, new in PATTERN_SLIPS:
            for hit in re.finditer(old, body):
                slipped = body[: hit.start()] + hit.expand(new) + body[hit.end() :]
                yield source.replace(node, f"{prefix}{quotes}{slipped}{quotes}")


@mistake("f-prefix dropped", ast.JoinedStr)
def prefix_dropped(node: ast.JoinedStr, source: Source) -> Iterator[Change]:
    """f"{a}" becomes "{a}"."""
    text = source.text(node)
    if text[:1] in "fF" and text[1:2] in "\"'":
        yield source.replace(node, text[1:])
