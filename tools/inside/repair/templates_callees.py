"""Callees: others that the file calls, methods of builtin types, members of modules."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import lru_cache

from .ingredients import best, callees, is_callee, signatures
from .registry import Edit, Place, template
from .source import NAMED_FUNCTIONS
from .templates_imports import COMMON_MODULES


@template("other callee", ast.Call, prior=1.0)
def other_callee(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Call something else that the file calls, or another method of `self`.

    x = list(p)\\ny = dict(p)  ->  x = dict(p)\\ny = dict(p)
    """
    source = place.source
    own = source.code(node.func)
    names = place.project.names(node, source)
    edits = []
    for code, times in callees(source).items():
        head = code.split(b".")[0].decode()
        related = code.rsplit(b".", 1)[-1] == own.rsplit(b".", 1)[-1] or head == own.split(b".")[0].decode()
        if code != own and names.defined(head):
            edits.append(
                Edit(*source.span(node.func), code, (1.0 if related else 0.4) + 0.01 * min(times, 9))
            )
    yield from best(edits, 15)


@template("builtin method", ast.Attribute, prior=1.0)
def builtin_method(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Call another method of the builtin type that the method is known from.

    y = s.title()  ->  y = s.istitle()
    """
    source = place.source
    if not is_callee(node, source) or node.attr in signatures(source):
        return
    end = source.span(node)[1]
    start = end - len(node.attr.encode())
    if source.data[start:end] != node.attr.encode():
        return
    ranked: dict[str, float] = {}
    for kind in (str, list, dict, set, tuple, bytes, int):
        if hasattr(kind, node.attr) and not (kind is bytes and hasattr(str, node.attr)):
            for name in dir(kind):
                if not name.startswith("__") and name != node.attr:
                    ranked[name] = max(ranked.get(name, 0.0), 0.3 + likeness(name, node.attr))
    for name, weight in sorted(ranked.items(), key=lambda item: (-item[1], item[0]))[:12]:
        yield Edit(start, end, name.encode(), weight)


def likeness(one: str, other: str) -> float:
    """Share of letters in a common start or end, in [0, 1]."""
    longest = max(len(one), len(other))
    ends = [
        next((i for i, (a, b) in enumerate(zip(x, y)) if a != b), min(len(x), len(y)))  # noqa: B905 (3.9)
        for x, y in ((one, other), (one[::-1], other[::-1]))
    ]
    return max(ends) / longest


@template("member of a module", ast.Attribute, prior=0.7)
def member_of_module(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Use another name of a module that the file imports, of the project or a common standard one.

    import math\\ny = math.exp2  ->  import math\\ny = math.exp
    """
    source = place.source
    if not isinstance(node.value, ast.Name) or node.value.id not in place.project.imports:
        return
    end = source.span(node)[1]
    start = end - len(node.attr.encode())
    if (source.path, f"import {node.value.id}") in place.project.imports[node.value.id]:
        ranked = [(likeness(name, node.attr), name) for name in _standard_members(node.value.id)]
        for share, name in sorted(ranked, key=lambda pair: (-pair[0], pair[1]))[:8]:
            if name != node.attr:
                yield Edit(start, end, name.encode(), 0.3 + share)
    for other in place.project.sources:
        if other.path.rsplit("/", 1)[-1] == f"{node.value.id}.py":
            defined = {n.name for n in other.tree.body if isinstance(n, (*NAMED_FUNCTIONS, ast.ClassDef))}
            own = sorted(defined - {node.attr}, key=lambda name: (-likeness(name, node.attr), name))
            for name in own[:12]:
                yield Edit(start, end, name.encode(), 0.3 + likeness(name, node.attr))


@lru_cache(maxsize=64)
def _standard_members(module: str) -> tuple[str, ...]:
    """Public names of a common standard module; nothing for others, which are not imported for this."""
    if module not in COMMON_MODULES:
        return ()
    return tuple(name for name in dir(importlib.import_module(module)) if not name.startswith("_"))
