"""What the standard library tells: options of its functions, methods of its types, unused imports, bases."""

from __future__ import annotations

import ast
import builtins
import collections
import datetime
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib import parse

from .ingredients import is_callee, is_read, nodes, signatures
from .registry import Edit, Place, template
from .scope import dotted
from .source import Source
from .templates_callees import likeness
from .templates_imports import COMMON_MODULES

TYPES = (
    re.Match, re.Pattern, datetime.datetime, datetime.date, datetime.timedelta, collections.deque,
    collections.OrderedDict, collections.Counter, parse.SplitResult,
)  # fmt: skip
BUILTIN_TYPES = (str, list, dict, set, tuple, bytes, int, float)
METHOD_KEYWORDS = {
    "popitem": (b"last=False",),
    "move_to_end": (b"last=False",),
    "parse_qs": (b"keep_blank_values=True",),
    "parse_qsl": (b"keep_blank_values=True",),
    "isoformat": (b'timespec="seconds"',),
    "read_text": (b'encoding="utf-8"',),
    "write_text": (b'encoding="utf-8"',),
    "astimezone": (b"tz=timezone.utc",),
    "ConfigParser": (b"interpolation=None",),
    "lru_cache": (b"maxsize=None",),
    "unlink": (b"missing_ok=True",),
    "urlencode": (b"doseq=True",),
    "quote": (b'safe=""',),
    "wrap": (b"break_long_words=False",),
    "urlparse": (b"allow_fragments=False",),
}


@lru_cache(maxsize=512)
def _options(module: str, name: str) -> tuple[bytes, ...]:
    """Options of a standard function that are on or off, each turned round, as keywords."""
    if module not in COMMON_MODULES:
        return ()
    try:
        every = inspect.signature(getattr(importlib.import_module(module), name)).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return ()
    return tuple(f"{p.name}={not p.default}".encode() for p in every if isinstance(p.default, bool))[:6]


@template("option of a library", ast.Call, prior=1.0)
def option_of_library(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Turn on, or off, an option of a function of the standard library.

    from urllib.parse import parse_qs\\ny = parse_qs(x)  ->  \
from urllib.parse import parse_qs\\ny = parse_qs(x, keep_blank_values=True)
    import json\\ny = json.dumps(x)  ->  import json\\ny = json.dumps(x, sort_keys=True)
    """
    source = place.source
    name = dotted(node.func).rpartition(".")[2]
    if any(isinstance(arg, ast.GeneratorExp) for arg in node.args) or not name:
        return
    module = _module_of(node.func, place)
    given = {keyword.arg for keyword in node.keywords}
    at = source.span(node)[1] - 1
    comma = b", " if node.args or node.keywords else b""
    for code in dict.fromkeys((*METHOD_KEYWORDS.get(name, ()), *_options(module, name))):
        if code.split(b"=")[0].decode() not in given:
            yield Edit(at, at, comma + code)


def _module_of(function: ast.expr, place: Place) -> str:
    """The standard module that a called name is imported from, as far as the import shows."""
    head, _, name = dotted(function).rpartition(".")
    for path, line in place.project.imports.get(head.split(".")[0] or name, ()):
        words = line.split()
        if path == place.source.path and words[0] == "from" and not head and words[-1] == name:
            return words[1]
        if path == place.source.path and words[0] == "import" and head == words[-1]:
            return head
    return ""


@template("method of a type", ast.Attribute, prior=1.5)
def method_of_type(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Use another attribute of the standard type that this one is known from, and no builtin type has.

    y = m.start()  ->  y = m.end()
    y = day.isoweekday()  ->  y = day.weekday()
    """
    source = place.source
    if (
        not is_read(node)
        or node.attr in signatures(source)
        or any(hasattr(t, node.attr) for t in BUILTIN_TYPES)
    ):
        return
    called = is_callee(node, source)
    ranked: dict[str, float] = {}
    for kind in TYPES:
        if hasattr(kind, node.attr):
            for name in dir(kind):
                if not name.startswith("_") and name != node.attr and callable(getattr(kind, name)) == called:
                    ranked[name] = max(ranked.get(name, 0.0), 0.2 + likeness(name, node.attr))
    end = source.span(node)[1]
    for name, weight in sorted(ranked.items(), key=lambda pair: (-pair[1], pair[0]))[:10]:
        yield Edit(end - len(node.attr.encode()), end, name.encode(), weight)


@template("function of a module", ast.Call, prior=1.0)
def function_of_module(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Use a module's function of that name, or a longer one, instead of a method or builtin.

    import shlex\\ny = s.split()  ->  import shlex\\ny = shlex.split(s)
    import itertools\\ny = zip(a, b)  ->  import itertools\\ny = itertools.zip_longest(a, b)
    """
    source, function = place.source, node.func
    imported = [n for n in imported_modules(source) if n in COMMON_MODULES or n == "shlex"]
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if not imported or len(name) < 3 or dotted(function).split(".")[0] in imported:
        return
    for module in imported[:8]:
        members = _functions(module)
        longer = [
            each for each in members if each != name and (name in each.split("_") or each.endswith(name))
        ]
        for member in [each for each in members if each == name] + longer[:3]:
            if isinstance(function, ast.Attribute):
                rest = source.data[source.span(function)[1] + 1 : source.span(node)[1] - 1].strip()
                inner = source.code(function.value) + (b", " + rest if rest else b"")
                yield Edit(*source.span(node), f"{module}.{member}(".encode() + inner + b")")
            elif hasattr(builtins, name):
                yield Edit(*source.span(function), f"{module}.{member}".encode())


@lru_cache(maxsize=64)
def _functions(module: str) -> tuple[str, ...]:
    found = importlib.import_module(module)
    return tuple(n for n in dir(found) if not n.startswith("_") and callable(getattr(found, n)))


@lru_cache(maxsize=1024)
def imported_modules(source: Source) -> tuple[str, ...]:
    """Modules that the file imports by their own name."""
    every = [node for node in nodes(source).get(ast.Import, ()) if isinstance(node, ast.Import)]
    found = [alias.name for node in every for alias in node.names if not alias.asname]
    return tuple(name for name in found if "." not in name)


UNITS = ("days", "hours", "minutes", "seconds", "weeks", "milliseconds", "microseconds")


@template("unit of time", ast.Attribute, ast.keyword, prior=2.0)
def unit_of_time(node: ast.Attribute | ast.keyword, place: Place) -> Iterator[Edit]:
    """Take all of a duration instead of one part; give another unit.

    y = d.seconds  ->  y = d.total_seconds()
    y = timedelta(hours=1)  ->  y = timedelta(days=1)
    """
    source = place.source
    if isinstance(node, ast.Attribute):
        if node.attr in ("seconds", "days") and is_read(node) and not is_callee(node, source):
            yield Edit(*source.span(node), source.code(node.value) + b".total_seconds()")
        return
    start = source.span(node)[0]
    for other in UNITS if node.arg in UNITS else ():
        if other != node.arg and node.arg is not None:
            yield Edit(start, start + len(node.arg), other.encode(), 0.5)


@template("bases", ast.ClassDef, prior=1.0)
def bases(node: ast.ClassDef, place: Place) -> Iterator[Edit]:
    """Inherit from another class of the file, from one more, or from a usual exception.

    class A: pass\\nclass B: pass  ->  class A: pass\\nclass B(A): pass
    class E(Exception): pass  ->  class E(ValueError): pass
    class E(Error): pass  ->  class E(Error, KeyError): pass
    """
    source = place.source
    own = [n.name for n in source.tree.body if isinstance(n, ast.ClassDef) and n.lineno < node.lineno]
    names = [n for n in own if n != node.name][-4:]
    raised = node.name.endswith(("Error", "Exception")) or any(
        dotted(b).endswith(("Error", "Exception")) for b in node.bases
    )
    usual = [
        "ValueError",
        "KeyError",
        "TypeError",
        "LookupError",
        "AttributeError",
        "RuntimeError",
        "Exception",
    ]
    given = [dotted(base) for base in node.bases]
    for name in [*names, *(usual if raised else [])]:
        if name in given:
            continue
        if not node.bases:
            at = source.data.index(node.name.encode(), source.span(node)[0] + 5) + len(node.name.encode())
            if source.data[at : at + 1] == b":":
                yield Edit(at, at, b"(" + name.encode() + b")")
            continue
        yield Edit(*source.span(node.bases[0]), name.encode(), 0.7)
        end = source.span(node.bases[-1])[1]
        yield Edit(end, end, b", " + name.encode(), 0.7)
