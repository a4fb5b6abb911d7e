"""What the names of a function or class are for: containers, counters, and those that nothing reads."""

from __future__ import annotations

import ast
from functools import lru_cache

from .scope import dotted, own_nodes, parameters
from .source import NAMED_FUNCTIONS, Source, walked

CONTAINER_METHODS = frozenset(("append", "add", "extend", "insert", "update", "appendleft", "pop", "remove"))
CONTAINER_CALLS = frozenset(
    ("list", "set", "dict", "deque", "sorted", "defaultdict", "OrderedDict", "Counter")
)


def makes_container(value: ast.expr) -> bool:
    """Whether an expression surely gives a new list, set or dictionary."""
    called = isinstance(value, ast.Call) and getattr(value.func, "id", "") in CONTAINER_CALLS
    return called or isinstance(value, (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp))


@lru_cache(maxsize=64)
def counters(function: ast.AST) -> frozenset[str]:
    """Names of the function that start as a number."""
    found: set[str] = set()
    for node in own_nodes(function):
        value = node.value if isinstance(node, ast.Assign) else None
        is_number = isinstance(value, ast.Constant) and type(value.value) in (int, float)
        if isinstance(node, ast.Assign) and is_number:
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(found)


@lru_cache(maxsize=64)
def containers(function: ast.AST) -> frozenset[str]:
    """Names of the function that hold a list, set or dictionary, as far as its code shows."""
    found: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value and makes_container(node.value):
            found.update(map(dotted, node.targets if isinstance(node, ast.Assign) else [node.target]))
        elif isinstance(node, ast.Attribute) and node.attr in CONTAINER_METHODS:
            found.add(dotted(node.value))
    return frozenset(found)


@lru_cache(maxsize=64)
def own_containers(owner: ast.ClassDef) -> frozenset[str]:
    """Attributes of `self` that the class uses as containers."""
    found = set()
    for node in walked(owner):
        held: ast.AST | None = None
        if isinstance(node, ast.Attribute) and node.attr in CONTAINER_METHODS:
            held = node.value
        elif (
            isinstance(node, (ast.Assign, ast.AnnAssign))
            and node.value is not None
            and makes_container(node.value)
        ):
            held = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(held, ast.Attribute) and dotted(held.value) == "self":
            found.add(held.attr)
    return frozenset(found)


@lru_cache(maxsize=512)
def unread(function: ast.AST) -> tuple[str, ...]:
    """Parameters and variables of a function that it never reads, parameters first; none of a function
    that has hardly a body."""
    body = getattr(function, "body", ())
    if not isinstance(function, NAMED_FUNCTIONS) or len(list(walked(function))) < 25 or not body:
        return ()
    read = {n.id for n in walked(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    stored = [n.id for n in own_nodes(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    every = dict.fromkeys([*parameters(function), *stored])
    return tuple(n for n in every if n not in read and not n.startswith("_") and n not in ("self", "cls"))[:2]


@lru_cache(maxsize=1024)
def attribute_uses(source: Source) -> dict[str, tuple[int, int]]:
    """Of each attribute name that the file reads, how often it is called, and how often only read."""
    found: dict[str, tuple[int, int]] = {}
    for node in walked(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            around = source.parents.get(node)
            is_called = isinstance(around, ast.Call) and around.func is node
            called, read = found.get(node.attr, (0, 0))
            found[node.attr] = (called + is_called, read + (not is_called))
    return found
