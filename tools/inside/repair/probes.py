"""Which candidates could be seen to change nothing that a failing test computes, by one run of these tests.

Where a candidate replaces part of the expression of an `if`, `while`, `return`, assignment or `assert`, both
forms are evaluated whenever a failing test comes to that statement (`values.Observer`). If both always give
the same, that test goes the same way with the candidate, and fails again. Only expressions whose evaluation
does nothing else are looked at, as far as can be told from their form.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .candidates import Candidate
from .source import NAMED_FUNCTIONS, Source
from .values import PURE_FUNCTIONS, Probe

# fmt: off
PURE_METHODS = frozenset((
    "bit_length", "casefold", "copy", "count", "decode", "encode", "endswith", "find", "get", "index",
    "isalnum", "isalpha", "isdigit", "isdisjoint", "islower", "isnumeric", "isspace", "issubset",
    "issuperset", "isupper", "items", "join", "keys", "ljust", "lower", "lstrip", "partition", "replace",
    "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "swapcase", "title", "union", "upper", "values", "zfill",
))
# fmt: on
PURE_NODES = (
    ast.Expression,
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.Starred,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.comprehension,
    ast.keyword,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)


def probes(
    candidates: Sequence[tuple[int, Candidate]], sources: Mapping[str, Source], root: str
) -> list[Probe]:
    """What to observe of these candidates, by statement; those that are no such replacement are left out."""
    found: dict[tuple[str, int], Probe] = {}
    spots = {path: _spots(source) for path, source in sources.items()}
    for index, candidate in candidates:
        around = [s for s in spots[candidate.path] if s.start <= candidate.start and candidate.end <= s.end]
        if not around:
            continue
        spot = min(around, key=lambda each: each.end - each.start)
        function = spot.function
        old = sources[candidate.path].data[spot.start : spot.end]
        new = old[: candidate.start - spot.start] + candidate.replacement + old[candidate.end - spot.start :]
        if not (_pure(old) and _pure(new)):
            continue
        first = Source.first_line(function)
        truth = isinstance(spot.statement, (ast.If, ast.While, ast.Assert))
        where = (candidate.path, spot.start)
        probe = found.setdefault(
            where,
            [
                f"{root}/{candidate.path}",
                first,
                function.name,
                spot.statement.lineno,
                truth,
                old.decode(),
                [],
            ],
        )
        probe[-1].append([index, new.decode()])
    return list(found.values())


@dataclass(frozen=True)
class _Spot:
    """An expression that can be looked at: bytes [start, end) of a statement of a function."""

    start: int
    end: int
    function: ast.FunctionDef | ast.AsyncFunctionDef
    statement: ast.stmt


def _spots(source: Source) -> list[_Spot]:
    """All of a file."""
    found: list[_Spot] = []
    for node in ast.walk(source.tree):
        expression = _expression(node)
        function = source.function(node) if expression is not None else None
        if isinstance(node, ast.stmt) and expression is not None and isinstance(function, NAMED_FUNCTIONS):
            start, _ = source.span(node)
            if not source.data[source.line_start(node.lineno) : start].strip():
                # the first statement of its line, so that it is reached when the line is
                found.append(_Spot(*source.span(expression), function, node))
    return found


def _expression(node: ast.AST) -> ast.expr | None:
    if isinstance(node, (ast.If, ast.While, ast.Assert)):
        return node.test
    if isinstance(node, (ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return node.value
    return None


@lru_cache(1024)
def _pure(code: bytes) -> bool:
    try:
        tree = ast.parse(f"({code.decode()}\n)", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Name) and node.func.id in PURE_FUNCTIONS
            method = isinstance(node.func, ast.Attribute) and node.func.attr in PURE_METHODS
            if not (named or method):
                return False
        elif not isinstance(node, PURE_NODES):
            return False
    return True
