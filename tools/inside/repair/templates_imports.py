"""Missing imports, where a name is used and nothing defines it; names that a module does not have."""

from __future__ import annotations

import ast
import difflib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from .registry import Edit, Place, template
from .source import Source, walked

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


@template("imported name", ast.ImportFrom, prior=8.0)
def imported_name(node: ast.ImportFrom, place: Place) -> Iterator[Edit]:
    """Import a name that the module has instead of one that it has not: one that is used here and not
    defined, or one that is spelt like it.

    from collections import OrderedDct  ->  from collections import OrderedDict
    """
    known, code = _names_in(node, place), place.source.code(node)
    for alias in node.names:
        if not known or alias.name in known or alias.name == "*":
            continue
        used = {
            each.id for each in _reads(place) if not place.project.names(each, place.source).defined(each.id)
        }
        similar = difflib.get_close_matches(alias.name, sorted(known), n=5, cutoff=0.6)
        found = re.search(rb"\bimport\b.*?\b%s\b" % re.escape(alias.name.encode()), code, re.DOTALL)
        end = place.source.span(node)[0] + (found.end() if found else 0)
        for rank, name in enumerate(dict.fromkeys([*sorted(used & known), *similar])):
            yield Edit(end - len(alias.name.encode()), end, name.encode(), 1.0 / (1 + rank))


def _reads(place: Place) -> list[ast.Name]:
    nodes = walked(place.source.tree)
    return [node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]


def _names_in(node: ast.ImportFrom, place: Place) -> frozenset[str]:
    """Names that a module of the project, or a common standard module, has; none for any other. A module that
    is a package has its modules, too."""
    if not node.level and node.module in COMMON_MODULES:
        return frozenset(dir(importlib.import_module(node.module)))
    folder = PurePosixPath(place.source.path).parent
    for _ in range(node.level - 1):
        folder = folder.parent
    if node.level and not folder.name:
        return frozenset()  # no package holds it
    module = ".".join(filter(None, [dotted_module(f"{folder}.py") if node.level else "", node.module]))
    for source in place.project.sources:
        if dotted_module(source.path) == module:
            inside = (dotted_module(each.path).rpartition(".") for each in place.project.sources)
            return frozenset(place.project.bound(source.tree)) | {
                name for package, _, name in inside if package == module
            }
    return frozenset()


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
