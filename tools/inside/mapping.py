"""What a Python file defines: functions, classes and assigned names, and what each calls and names.

Nothing is imported or executed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

MAX_NAMES = 300
MAX_NAME = 200
MAX_DEFINITIONS = 5_000

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
Blocks = (ast.If, ast.Try, ast.With, ast.For, ast.While)
Row = dict[str, Any]


def mapped(path: str, data: bytes) -> Row:
    """What a file defines; a `problem` for one that cannot be parsed."""
    row: Row = {"event": "file", "path": path, "lines": data.count(b"\n") + 1, "size": len(data)}
    try:
        tree = ast.parse(data)
        row.update(_imports(path, tree))
        row["definitions"] = list(islice(_definitions(tree.body, ""), MAX_DEFINITIONS))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return {**row, "problem": type(error).__name__}
    return row


def _imports(path: str, tree: ast.Module) -> Row:
    """Names that imports bind, modules imported whole by *, and the lines of the block at the top."""
    bound: dict[str, str] = {}
    stars: list[str] = []
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                bound.setdefault(alias.asname or whole, whole)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                if alias.name == "*":
                    stars.append(module[:MAX_NAME])
                else:
                    bound.setdefault(alias.asname or alias.name, f"{module}.{alias.name}".lstrip("."))
    first = last = 0
    for statement in tree.body:
        if isinstance(statement, (*Function, ast.ClassDef)):
            break
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            first, last = first or statement.lineno, statement.end_lineno or statement.lineno
    short = {name[:MAX_NAME]: target[:MAX_NAME] for name, target in islice(bound.items(), MAX_NAMES)}
    return {"bound": short, "stars": stars[:MAX_NAMES], "imports": [first, last]}


def _definitions(body: list[ast.stmt], prefix: str) -> Iterator[Row]:
    """Functions, classes with what is in them, and names that are assigned; a function is taken as a whole.

    What stands in an if, try, with or loop counts as if it stood beside it.
    """
    waiting = list(reversed(body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function):
            yield _function(node, prefix)
        elif isinstance(node, ast.ClassDef):
            yield _class(node, prefix)
            if prefix.count(".") < 5:
                yield from _definitions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from _constants(node, prefix)
        elif isinstance(node, Blocks):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            for handler in getattr(node, "handlers", []):
                inner += handler.body
            waiting += reversed(inner)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> Row:
    every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    annotations = [argument.annotation for argument in every] + [node.returns]
    body = _first_line(node.body[0])
    return {
        **_row(node, prefix + node.name, "method" if prefix else "function"),
        "head": body - 1 if body > node.lineno else 0,
        "types": _names(each for each in annotations if each is not None),
        "arguments": [argument.arg[:MAX_NAME] for argument in every[:MAX_NAMES]],
        "fixture": any(name.split(".")[-1] == "fixture" for name in _names(node.decorator_list)),
    }


def _class(node: ast.ClassDef, prefix: str) -> Row:
    """The head of a class: what comes before its first function."""
    first = min((_first_line(each) for each in node.body if isinstance(each, Function)), default=0)
    outside = [each for each in node.body if not isinstance(each, (*Function, ast.ClassDef))]
    return {
        **_row(node, prefix + node.name, "class", [*outside, *node.decorator_list, *node.keywords]),
        "head": max(node.lineno, first - 1) if first else node.end_lineno or node.lineno,
        "types": _names([*node.bases, *(n.annotation for n in outside if isinstance(n, ast.AnnAssign))]),
    }


def _constants(node: ast.Assign | ast.AnnAssign, prefix: str) -> Iterator[Row]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for each in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if isinstance(each, ast.Name):
                yield _row(node, prefix + each.id, "constant")


def _first_line(node: Any) -> int:
    """With decorators."""
    return min([int(node.lineno), *(int(each.lineno) for each in getattr(node, "decorator_list", []))])


def _row(node: Any, name: str, kind: str, parts: list[Any] | None = None) -> Row:
    inner = [node] if parts is None else parts
    calls: dict[str, None] = {}
    for part in inner:
        for each in ast.walk(part):
            if isinstance(each, ast.Call) and len(calls) < MAX_NAMES and (called := _dotted(each.func)):
                calls[called] = None
    return {
        "name": name[:MAX_NAME],
        "kind": kind,
        "first": _first_line(node),
        "last": node.end_lineno or node.lineno,
        "calls": list(calls),
        "names": [name for name in _names(inner) if name not in calls],
    }


def _names(nodes: Iterable[ast.AST]) -> list[str]:
    """Dotted names that are read, and words within annotations that are strings."""
    found: dict[str, None] = {}
    for node in nodes:
        for each in ast.walk(node):
            if len(found) >= MAX_NAMES:
                return list(found)
            loads = isinstance(getattr(each, "ctx", None), ast.Load)
            if isinstance(each, (ast.Name, ast.Attribute)) and loads and (name := _dotted(each)):
                found[name] = None
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                found[node.value[:MAX_NAME]] = None
    return list(found)


def _dotted(node: ast.AST) -> str:
    """`a.b.c`; `.c` where it begins with anything but a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < 10:
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))[:MAX_NAME]
