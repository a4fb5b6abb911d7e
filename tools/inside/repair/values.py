"""Looks on while the failing tests run: which candidates change nothing that they compute (see `probes`)."""

from __future__ import annotations

import ast
import builtins
import sys
import threading
import warnings
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from .apart import STARTS

MOST_EVALUATIONS = 200_000
"""In all. What is not decided by then is tried."""

# fmt: off
PURE_FUNCTIONS = frozenset((
    "abs", "all", "any", "bool", "bytes", "chr", "dict", "divmod", "enumerate", "float", "frozenset",
    "int", "isinstance", "issubclass", "len", "list", "max", "min", "ord", "pow", "range", "repr",
    "reversed", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip",
))
# fmt: on
SIMPLE = (bool, int, float, complex, str, bytes, type(None))
TAME = (
    *(*SIMPLE, bytearray, list, tuple, range, set, frozenset, dict, OrderedDict, deque),
    *map(type, ({}.keys(), {}.values(), {}.items())),
)
"""Types whose methods and items can be looked at without changing anything."""

TAME_NAME, STILL_NAME = "%tame", "%still"  # no names of the code under test
Probe = list[Any]
"""As JSON: absolute path, first line of the function, its name, line of the statement, whether only the truth
of the value counts, the expression, and [index of a candidate, its expression] rows."""


@dataclass
class _Watched:
    """One statement: its expression, whether its truth is all that counts, and candidates that have not
    differed so far."""

    truth: bool
    code: CodeType
    variants: dict[int, CodeType]
    names: tuple[str, ...]
    seen: bool = False


@dataclass
class Observer:
    """Evaluates both forms whenever one of the statements is reached."""

    asked: Sequence[Probe]
    _watched: dict[tuple[str, int, str], dict[int, list[_Watched]]] = field(default_factory=dict)
    _left: int = MOST_EVALUATIONS

    def begin(self) -> None:
        """Look at this thread, and those it starts, from now on. What other processes do cannot be seen, so
        none may be started. An audit hook cannot be taken away: for a process that ends with its tests."""
        for path, first, name, line, truth, old, variants in self.asked:
            code = _compiled(old)
            made = {index: _compiled(new) for index, new in variants}
            codes = {index: new for index, new in made.items() if new is not None}
            if code is not None:
                names = {each for one in (code, *codes.values()) for each in _names(one)}
                watched = _Watched(truth, code, codes, tuple(sorted(names)))
                self._watched.setdefault((path, first, name), {}).setdefault(line, []).append(watched)
        sys.addaudithook(self._hear)
        threading.settrace(self._call)
        sys.settrace(self._call)

    def end(self) -> list[int]:
        """Stop; the candidates that never made a difference, at statements that were reached. None when
        something may have been missed."""
        looking = sys.gettrace() == self._call
        sys.settrace(None)
        threading.settrace(None)
        if self._left <= 0 or not looking:
            return []
        every = (watched for lines in self._watched.values() for row in lines.values() for watched in row)
        return sorted(index for watched in every if watched.seen for index in watched.variants)

    def _hear(self, event: str, _: Any) -> None:
        if event in STARTS:
            self._left = 0

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        lines = self._watched.get((code.co_filename, code.co_firstlineno, code.co_name))
        if lines is None or self._left <= 0:
            return None

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                for watched in lines.get(frame.f_lineno, ()):
                    self._compare(watched, frame)
            return line

        return line

    def _compare(self, watched: _Watched, frame: FrameType) -> None:
        watched.seen = True
        if not watched.variants:
            return
        values = {**frame.f_globals, **frame.f_locals, TAME_NAME: _tame, STILL_NAME: _still}
        if any(_unsafe(name, values.get(name)) for name in watched.names):
            watched.variants.clear()
            return
        try:
            old = eval(watched.code, values)  # noqa: S307 # nosec B307 (its own code, under test)
        except Exception:
            watched.variants.clear()
            return
        for index, code in list(watched.variants.items()):
            self._left -= 1
            try:
                same = _same(old, eval(code, values), watched.truth)  # noqa: S307 # nosec B307
            except Exception:
                same = False
            if not same or self._left <= 0:
                del watched.variants[index]


def _unsafe(name: str, value: object) -> bool:
    """Whether it is an iterator, which a look uses up, or a function that only bears a builtin's name."""
    shadows = name in PURE_FUNCTIONS and value is not None and value is not getattr(builtins, name)
    return shadows or hasattr(type(value), "__next__")


def _tame(value: object) -> object:
    """The value, if its methods and items are those of Python's own types: `get` of a queue takes from it."""
    if type(value) not in TAME:
        raise TypeError
    return value


def _still(value: object) -> object:
    """The value, if it is no iterator."""
    if hasattr(type(value), "__next__"):
        raise TypeError
    return value


class _Checked(ast.NodeTransformer):
    """Puts these checks into an expression."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Call) and isinstance(node.func.args[0], ast.Attribute):
            method = node.func.args[0]  # (its own check is around it)
            method.value = _through(TAME_NAME, method.value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return _through(STILL_NAME, node) if isinstance(node.ctx, ast.Load) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        node.value = _through(TAME_NAME, node.value)
        return _through(STILL_NAME, node) if isinstance(node.ctx, ast.Load) else node


def _through(name: str, node: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [node], [])


def _compiled(expression: str) -> CodeType | None:
    """With checks in it; None when it cannot be compiled."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _Checked().visit(ast.parse(f"({expression}\n)", mode="eval"))
            code: CodeType = compile(ast.fix_missing_locations(tree), "observed", "eval")
            return code
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names(code: CodeType) -> set[str]:
    """Names that the code and those inside it look up, attributes among them."""
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)


def _same(old: object, new: object, truth: bool) -> bool:
    """Whether what follows cannot tell them apart: one object, equal values that cannot change, or equal
    truth where nothing else counts."""
    if truth:
        return bool(old) == bool(new)
    return old is new or list(_parts(old)) == list(_parts(new))


def _parts(value: object) -> Iterator[object]:
    if type(value) in SIMPLE:
        yield type(value), repr(value)
    elif type(value) is tuple:
        yield len(value)
        for each in value:
            yield from _parts(each)
    else:
        yield object()  # equal to nothing else
