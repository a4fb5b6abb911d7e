"""Which functions a candidate changes, told from compiled code: the old module's and the new one's.

A candidate fits a process that has already imported the module only if importing the new one would have
done the same: every instruction of the module and its classes is equal, and functions differ in their bodies
alone (same name, parameters, captured variables, kind and docstring).
"""

from __future__ import annotations
import __future__

import ast
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

from .source import Source

OPTIMIZED = 0x1  # CO_OPTIMIZED: a function of any kind, not a module or class body
UNCOMPILABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Change:
    """A function whose code differs. `own`: in its own instructions, not only in line numbers or in
    functions inside it. `top`: no function is around it."""

    old: CodeType
    new: CodeType
    own: bool
    top: bool


def changes(old: CodeType, new: CodeType) -> list[Change] | None:
    """The functions that differ between two modules (or two class bodies); None if anything that runs at
    import does."""
    if shape(old) != shape(new):
        return None
    found: list[Change] = []
    for before, after in zip(_nested(old), _nested(new)):  # noqa: B905 (newer than Python 3.9)
        inner = _of_function(before, after, True) if before.co_flags & OPTIMIZED else changes(before, after)
        if inner is None:
            return None
        found += inner
    return found


def _of_function(old: CodeType, new: CodeType, top: bool) -> list[Change] | None:
    """None if the two cannot stand for each other."""
    if identity(old) == identity(new):
        return []
    if _outside(old) != _outside(new):
        return None
    own = shape(old) != shape(new)
    before, after = list(_nested(old)), list(_nested(new))
    inner: list[Change] = []
    if [code.co_name for code in before] != [code.co_name for code in after]:
        own = True
    else:
        for one, other in zip(before, after):  # noqa: B905
            found = _of_function(one, other, False)
            if found is None:
                own = True
            else:
                inner += found
    return [Change(old, new, own, top), *inner]


def _nested(code: CodeType) -> Iterator[CodeType]:
    return (const for const in code.co_consts if isinstance(const, CodeType))


def _outside(code: CodeType) -> tuple[object, ...]:
    """What others see of a function without calling it."""
    cells = tuple(CellType() for _ in code.co_freevars)
    parameters = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return (
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:parameters],
        code.co_freevars,
        code.co_flags,
        FunctionType(code, {}, None, None, cells).__doc__,
    )


def shape(code: CodeType) -> tuple[object, ...]:
    """What a code object does, without line numbers and without the code nested in it."""
    return (
        code.co_name,
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        getattr(code, "co_exceptiontable", b""),
        tuple("code" if isinstance(const, CodeType) else constant(const) for const in code.co_consts),
    )


def identity(code: CodeType) -> tuple[object, ...]:
    """Equal for code objects compiled from the same text of the same file, and for no others."""
    lines = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
    nested = tuple(identity(inner) for inner in _nested(code))
    return (code.co_filename, code.co_firstlineno, lines, shape(code), nested)


def fingerprint(code: CodeType) -> str:
    """A digest of what a code object does, nested code included, without line numbers."""
    digest = hashlib.blake2b(repr(shape(code)).encode(), digest_size=16)
    for inner in _nested(code):
        digest.update(fingerprint(inner).encode())
    return digest.hexdigest()


def constant(value: object) -> str:
    """A constant of a code object as text that tells equal values of different types apart."""
    if isinstance(value, frozenset):
        return f"frozenset:{sorted(map(constant, value))}"
    if isinstance(value, tuple):
        return f"tuple:{[constant(each) for each in value]}"
    return f"{type(value).__name__}:{value!r}"


class Module:
    """A file of the repository as the process imported it, to compare candidates with."""

    def __init__(self, source: Source, path: str) -> None:
        """`path`: absolute, as it stands in live code objects."""
        self._source, self._path = source, path
        self._flags = 0
        for node in source.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    self._flags |= getattr(__future__, alias.name).compiler_flag

    def changes(self, content: bytes) -> list[Change] | None:
        """The functions that the new content changes; None if it changes what runs at import, or does not
        compile."""
        first, old, new = self._region(content)
        try:
            before, after = self._compiled(old, first), self._compiled(new, first)
        except UNCOMPILABLE:
            return None
        return changes(before, after)

    def _region(self, content: bytes) -> tuple[int, bytes, bytes]:
        """(first line, old text, new text) of the top-level statements that differ; of the whole file when
        lines move, since every function below has new line numbers then."""
        data = self._source.data
        start, rest = _common(data, content)
        end, new_end = len(data) - rest, len(content) - rest
        whole = (1, data, content)
        cut, put = data[start:end], content[start:new_end]
        if cut.count(b"\n") != put.count(b"\n") or b"\r" in cut + put:
            return whole
        lines = [
            (self._source.first_line(node), node.end_lineno or node.lineno) for node in self._source.tree.body
        ]
        spans = [(self._source.line_start(low), self._source.line_end(high)) for low, high in lines]
        touched = [number for number, span in enumerate(spans) if span[0] <= end and start <= span[1]]
        if not touched:
            return whole
        low, high = spans[touched[0]][0], spans[touched[-1]][1]
        others = [span for number, span in enumerate(spans) if number not in touched]
        if start < low or end > high or any(span[0] < high and low < span[1] for span in others):
            return whole
        return lines[touched[0]][0], data[low:high], content[low : len(content) - (len(data) - high)]

    def _compiled(self, text: bytes, first: int) -> CodeType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            padded: Any = b"\n" * (first - 1) + text
            code: CodeType = compile(padded, self._path, "exec", flags=self._flags, dont_inherit=True)
            return code


def _common(old: bytes, new: bytes) -> tuple[int, int]:
    """Lengths of the common start and, after it, of the common end."""
    shorter = min(len(old), len(new))
    start = _longest(shorter, lambda n: old[:n] == new[:n])
    rest = _longest(shorter - start, lambda n: n == 0 or old[-n:] == new[-n:])
    return start, rest


def _longest(limit: int, holds: Any) -> int:
    """The largest n up to `limit` for which `holds(n)`, which holds up to some n and not beyond."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
