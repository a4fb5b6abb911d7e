"""Looks on while the failing tests run: which candidates change nothing that they compute (see `probes`)."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

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
        """Look at this thread, and those it starts, from now on."""
        for path, first, name, line, truth, old, variants in self.asked:
            codes = {index: _compiled(new) for index, new in variants}
            names = {each for code in (_compiled(old), *codes.values()) for each in code.co_names}
            watched = _Watched(truth, _compiled(old), codes, tuple(sorted(names)))
            self._watched.setdefault((path, first, name), {}).setdefault(line, []).append(watched)
        threading.settrace(self._call)
        sys.settrace(self._call)

    def end(self) -> list[int]:
        """Stop; the candidates that never made a difference, at statements that were reached."""
        sys.settrace(None)
        threading.settrace(None)
        if self._left <= 0:
            return []
        every = (watched for lines in self._watched.values() for row in lines.values() for watched in row)
        return sorted(index for watched in every if watched.seen for index in watched.variants)

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
        values = {**frame.f_globals, **frame.f_locals}
        if any(_unsafe(name, values.get(name)) for name in watched.names):
            watched.variants.clear()
            return
        try:
            old = eval(watched.code, values)  # noqa: S307 (the repository's own code, in a fork under test)
        except Exception:
            watched.variants.clear()
            return
        for index, code in list(watched.variants.items()):
            self._left -= 1
            try:
                same = _same(old, eval(code, values), watched.truth)  # noqa: S307
            except Exception:
                same = False
            if not same or self._left <= 0:
                del watched.variants[index]


def _unsafe(name: str, value: object) -> bool:
    """Whether it is an iterator, which a look uses up, or a function that only bears a builtin's name."""
    shadows = name in PURE_FUNCTIONS and value is not None and value is not getattr(builtins, name)
    return shadows or hasattr(type(value), "__next__")


def _compiled(expression: str) -> CodeType:
    return compile(f"({expression}\n)", "observed", "eval")


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
