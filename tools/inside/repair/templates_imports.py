"""Missing imports: a name is used and nothing defines it."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from .registry import Edit, Place, template
from .source import Source

# Modules whose public names are looked up by name: those that people import names from.
COMMON_MODULES = (
    "collections", "collections.abc", "contextlib", "copy", "dataclasses", "datetime", "decimal",
    "enum", "fractions", "functools", "heapq", "bisect", "io", "itertools", "json", "math", "operator", "os",
    "os.path", "pathlib", "random", "re", "string", "textwrap", "time", "types", "typing", "abc",
    "warnings", "inspect",
)  # fmt: skip


@template("missing import", ast.Name, prior=8.0)
def missing_import(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Import a name that is used but not defined: as another file of the project does it, from the
    project's own module that defines it, as a standard module, or from a common standard module.

    y = math.pi  ->  import math\\ny = math.pi
    d = defaultdict(list)  ->  from collections import defaultdict\\nd = defaultdict(list)
    """
    if not isinstance(node.ctx, ast.Load) or place.project.names(node, place.source).defined(node.id):
        return
    offset, before, after = _insertion(place.source)
    lines = dict.fromkeys([*_own_lines(node.id, place), *_standard_lines(node.id)])
    for rank, line in enumerate(lines):
        yield Edit(offset, offset, before + line.encode() + after, 1.0 / (1 + rank))


def _own_lines(name: str, place: Place) -> Iterator[str]:
    own = PurePosixPath(place.source.path)
    for path, line in place.project.imports.get(name, []):
        # A relative import means the same only in the same package.
        if not line.startswith("from .") or PurePosixPath(path).parent == own.parent:
            yield line
    for path in place.project.definitions.get(name, []):
        other = PurePosixPath(path)
        if path != place.source.path and other.parent == own.parent:
            yield f"from .{other.stem} import {name}"
        if path != place.source.path:
            yield f"from {dotted_module(path)} import {name}"


def dotted_module(path: str) -> str:
    """Module name of a path, seen from the import root (a leading `src` or `lib` folder is dropped).

    >>> dotted_module("src/shop/cart.py")
    'shop.cart'
    """
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in ("src", "lib"):
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _standard_lines(name: str) -> Iterator[str]:
    standard = getattr(
        sys, "stdlib_module_names", frozenset(sys.builtin_module_names) | frozenset(COMMON_MODULES)
    )
    if name in standard and not name.startswith("_"):
        yield f"import {name}"
    for module in COMMON_MODULES:
        if not name.startswith("_") and hasattr(importlib.import_module(module), name):
            yield f"from {module} import {name}"


def _insertion(source: Source) -> tuple[int, bytes, bytes]:
    """Where a new import goes: before the first import that is not from `__future__`, else before the
    first statement after the docstring and `__future__` imports. Returns offset and text around it."""
    body = source.tree.body
    rest = [s for s in body if not _stays_first(s, body)]
    imports = [s for s in rest if isinstance(s, (ast.Import, ast.ImportFrom))]
    target = (imports or rest)[:1]
    if target:
        gap = b"" if imports or source.data.count(source.newline) < 2 else source.newline
        return source.line_start(source.first_line(target[0])), b"", source.newline + gap
    return len(source.data), source.newline, b""


def _stays_first(statement: ast.stmt, body: list[ast.stmt]) -> bool:
    is_docstring = (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement is body[0]
    )
    return is_docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
