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


@dataclass(frozen=True)
class _Region:
    """Top-level statements that differ: their text before and after, the lines they were on, and by how much
    the lines below move."""

    first: int
    last: int
    old: bytes
    new: bytes
    moved: int = 0


class Module:
    """A file of the repository as the process imported it, to compare candidates with."""

    def __init__(self, source: Source, path: str) -> None:
        """`path`: absolute, as it stands in live code objects."""
        self._source, self._path = source, path
        self._flags = 0
        self._known: dict[tuple[int, bytes], CodeType] = {}
        imported: set[str] = set()
        for node in _imports(source.tree):
            imported |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    self._flags |= getattr(__future__, alias.name).compiler_flag
        # Python 3.11 compiles a call of what a module has imported in its own way.
        names = ", ".join(f"a as {name}" for name in sorted(imported - {"*"}))
        self._imports = f"import {names}".encode() if names else b""

    def changes(self, content: bytes) -> list[Change] | None:
        """The functions that the new content changes; None if it changes what runs at import, or does not
        compile."""
        region = self._region(content)
        try:
            before = self._compiled_once(region.old, region.first)
            after = self._compiled(region.new, region.first)
            below = self._below(region) if region.moved else []
        except UNCOMPILABLE:
            return None
        found = changes(before, after)
        return None if found is None else found + below

    def _region(self, content: bytes) -> _Region:
        """What differs; the whole file where that is not within whole statements."""
        data = self._source.data
        start, rest = _common(data, content)
        end, new_end = len(data) - rest, len(content) - rest
        whole = _Region(1, data.count(b"\n") + 1, data, content)
        cut, put = data[start:end], content[start:new_end]
        if b"\r" in cut + put:
            return whole
        lines = [
            (self._source.first_line(node), node.end_lineno or node.lineno) for node in self._source.tree.body
        ]
        spans = [(self._source.line_start(low), self._source.line_end(high)) for low, high in lines]
        touched = [number for number, span in enumerate(spans) if span[0] <= end and start <= span[1]]
        if not touched or lines[touched[0]][0] == 1:
            return whole
        low, high = spans[touched[0]][0], spans[touched[-1]][1]
        others = [span for number, span in enumerate(spans) if number not in touched]
        if start < low or end > high or any(span[0] < high and low < span[1] for span in others):
            return whole
        return _Region(
            lines[touched[0]][0],
            lines[touched[-1]][1],
            data[low:high],
            content[low : len(content) - (len(data) - high)],
            put.count(b"\n") - cut.count(b"\n"),
        )

    def _below(self, region: _Region) -> list[Change]:
        """The functions below the region, which only have other line numbers."""
        whole = self._compiled_once(self._source.data, 1)
        return [
            change
            for code in _nested(whole)
            if code.co_firstlineno > region.last
            for change in _moved(code, region.moved, True)
        ]

    def _compiled_once(self, text: bytes, first: int) -> CodeType:
        if (first, text) not in self._known:
            self._known[first, text] = self._compiled(text, first)
        return self._known[first, text]

    def _compiled(self, text: bytes, first: int) -> CodeType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            above = self._imports + b"\n" * (first - 1) if first > 1 else b""
            padded: Any = above + text
            code: CodeType = compile(padded, self._path, "exec", flags=self._flags, dont_inherit=True)
            return code


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports of the module itself, not of its functions and classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            yield from _imports(child)


def _moved(code: CodeType, lines: int, top: bool) -> list[Change]:
    """The functions in a code object, itself included, when they stand so many lines lower."""
    function = bool(code.co_flags & OPTIMIZED)
    inner = [change for each in _nested(code) for change in _moved(each, lines, top and not function)]
    return [Change(code, lower(code, lines), False, top), *inner] if function else inner


def lower(code: CodeType, lines: int) -> CodeType:
    """The code as if its text stood so many lines lower."""
    consts = tuple(lower(each, lines) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_firstlineno=code.co_firstlineno + lines, co_consts=consts)


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
