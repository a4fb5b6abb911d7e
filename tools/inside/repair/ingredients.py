"""Pieces of code that templates put elsewhere: conditions, expressions, calls and containers of a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .registry import Edit, Place
from .scope import COMPREHENSIONS, parameters
from .source import NAMED_FUNCTIONS, Source, walked
from .usage import unread

MAX_CODE = 80
MAX_NUMBERS = 20


@dataclass(frozen=True)
class Piece:
    """An expression of the file: its code on one line, the names it needs, those of them that are values
    and not only called, its node type."""

    code: bytes
    names: frozenset[str]
    values: frozenset[str]
    kind: type[ast.AST]


def piece(node: ast.expr, source: Source) -> Piece | None:
    """The expression as an ingredient; None where it is long, spans lines, or binds or awaits something."""
    code = source.code(node)
    if len(code) > MAX_CODE or b"\n" in code or b"\r" in code:
        return None
    names, values = set(), set()
    for each in walked(node):
        if isinstance(each, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Starred)):
            return None
        if isinstance(each, ast.Name):
            names.add(each.id)
            if not is_callee(each, source):
                values.add(each.id)
    hidden = {
        name.id
        for each in walked(node)
        if isinstance(each, COMPREHENSIONS)
        for generator in each.generators
        for name in walked(generator.target)
        if isinstance(name, ast.Name)
    }
    return Piece(code, frozenset(names - hidden), frozenset(values - hidden), type(node))


@lru_cache(maxsize=1024)
def nodes(source: Source) -> dict[type[ast.AST], list[ast.AST]]:
    """All nodes of the file by type, in the order of `ast.walk`."""
    found: dict[type[ast.AST], list[ast.AST]] = {}
    for node in walked(source.tree):
        found.setdefault(type(node), []).append(node)
    return found


@lru_cache(maxsize=64)
def numbers(scope: ast.AST, whole: bool, source: Source) -> tuple[bytes, ...]:
    """Different whole, or decimal, numbers of a function or file, the first MAX_NUMBERS as they come."""
    found: dict[bytes, None] = {}
    for node in walked(scope):
        if isinstance(node, ast.Constant) and type(node.value) is (int if whole else float):
            found.setdefault(source.code(node))
            if len(found) >= MAX_NUMBERS:
                break
    return tuple(found)


@lru_cache(maxsize=64)
def short_constants(scope: ast.AST, source: Source) -> tuple[bytes, ...]:
    """Different short numbers and strings of a function, the first MAX_NUMBERS as they come."""
    found: dict[bytes, None] = {}
    for node in walked(scope):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
            code = source.code(node)
            if len(code) <= 30 and code[:3] != b'"""' and b"\n" not in code and len(found) < MAX_NUMBERS:
                found.setdefault(code)
    return tuple(found)


@lru_cache(maxsize=64)
def conditions(scope: ast.AST, source: Source) -> tuple[Piece, ...]:
    """Conditions that stand in a function or file, operands of `and` and `or` as well, as they come."""
    found: dict[bytes, Piece] = {}
    for node in walked(scope):
        tests: list[ast.expr] = []
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            tests = [node.test]
        elif isinstance(node, ast.comprehension):
            tests = list(node.ifs)
        elif isinstance(node, ast.BoolOp):
            tests = list(node.values)
        elif isinstance(node, (ast.Return, ast.Assign)) and isinstance(node.value, ast.Compare):
            tests = [node.value]
        for test in tests:
            made = None if isinstance(test, ast.Constant) else piece(test, source)
            if made is not None:
                found.setdefault(made.code, made)
    return tuple(found.values())


@lru_cache(maxsize=64)
def expressions(scope: ast.AST, source: Source) -> tuple[Piece, ...]:
    """Calls, operations, attributes and items that a function reads, as they come; plain names and
    constants aside."""
    found: dict[bytes, Piece] = {}
    for node in walked(scope):
        if isinstance(node, (ast.Call, ast.BinOp, ast.Subscript, ast.Attribute, ast.Compare)) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            made = None if is_callee(node, source) else piece(node, source)
            if made is not None:
                found.setdefault(made.code, made)
    return tuple(found.values())


@lru_cache(maxsize=64)
def callees(source: Source) -> dict[bytes, int]:
    """Dotted callees of the file -> how often they are called."""
    found: dict[bytes, int] = {}
    for node in nodes(source).get(ast.Call, ()):
        assert isinstance(node, ast.Call)
        code = source.code(node.func)
        if re.fullmatch(rb"[\w.]+", code):
            found[code] = found.get(code, 0) + 1
    return found


@lru_cache(maxsize=1024)
def passed_keywords(source: Source) -> dict[bytes, list[tuple[str, bytes]]]:
    """Callee -> (name, code) of each keyword that the file gives it somewhere."""
    found: dict[bytes, list[tuple[str, bytes]]] = {}
    for node in nodes(source).get(ast.Call, ()):
        assert isinstance(node, ast.Call)
        given = [(each.arg, source.code(each)) for each in node.keywords if each.arg]
        if given:
            found.setdefault(source.code(node.func), []).extend(given)
    return found


@lru_cache(maxsize=1024)
def attribute_names(source: Source) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of attributes in the file, as they come, and those of them that are called somewhere."""
    every = nodes(source).get(ast.Attribute, ())
    names = dict.fromkeys(node.attr for node in every if isinstance(node, ast.Attribute))
    called = [n.attr for n in every if isinstance(n, ast.Attribute) and is_callee(n, source)]
    return tuple(names), frozenset(called)


@lru_cache(maxsize=1024)
def signatures(source: Source) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods of the file by name; of those of one name, the first."""
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    for node in (*nodes(source).get(ast.FunctionDef, ()), *nodes(source).get(ast.AsyncFunctionDef, ())):
        assert isinstance(node, NAMED_FUNCTIONS)
        found.setdefault(node.name, node)
    return found


def signature(name: str, place: Place) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function or method of that name: in this file, else where the project defines it. A class
    stands for its `__init__`."""
    own = signatures(place.source).get(name)
    if own is not None:
        return own
    paths = place.project.definitions.get(name, ())
    for source in place.project.sources if paths else ():
        if source.path in paths:
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    methods = [n for n in node.body if isinstance(n, NAMED_FUNCTIONS)]
                    return next((m for m in methods if m.name == "__init__"), None)
            if source is not place.source:
                return signatures(source).get(name)
    return None


def passed_parameters(function: ast.AST) -> list[str]:
    """Parameters that a caller gives by position, the bound object left out."""
    names = parameters(function)
    assert isinstance(function, (*NAMED_FUNCTIONS, ast.Lambda))
    spec = function.args
    extra = {each.arg for each in (spec.vararg, spec.kwarg) if each} | {each.arg for each in spec.kwonlyargs}
    return [name for name in names if name not in extra and name not in ("self", "cls")]


def variables(node: ast.AST, place: Place) -> list[str]:
    """Variables of the own function that are bound when the node runs, `self` aside: those that nothing reads
    first, then parameters."""
    local = place.project.names(node, place.source).local
    line = getattr(node, "lineno", 0)
    bound = [name for name, first in local.items() if first <= line and name not in ("self", "cls")]
    function = place.source.function(node)
    idle = unread(function) if function is not None else ()
    return sorted(bound, key=lambda name: (name not in idle, local[name], name))


def read_names(node: ast.AST) -> list[str]:
    """Names that the node reads, in order of appearance."""
    found = [n.id for n in walked(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return list(dict.fromkeys(found))


def usable(made: Piece, node: ast.AST, place: Place) -> bool:
    """Whether all names of the ingredient are defined where the node stands."""
    names = place.project.names(node, place.source)
    line = getattr(node, "lineno", 0)
    return all(names.local.get(name, 0) <= line and names.defined(name) for name in made.names)


def is_read(node: ast.AST) -> bool:
    """Whether the node is read, not assigned or deleted."""
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def is_callee(node: ast.AST, source: Source) -> bool:
    parent = source.parents[node]
    return isinstance(parent, ast.Call) and parent.func is node


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def best(edits: Iterable[Edit], most: int) -> list[Edit]:
    """The heaviest edits, those that came first before others of their weight."""
    return sorted(edits, key=lambda edit: -edit.weight)[:most]


def with_name(code: bytes, old: str, new: str) -> bytes:
    """The code with every mention of a name (not of an attribute of that name) replaced.

    >>> with_name(b"a.b + b", "b", "c")
    b'a.b + c'
    """
    return re.sub(rb"(?<![\w.])" + re.escape(old.encode()) + rb"(?!\w)", lambda _: new.encode(), code)
