"""What a loop forgets: to change what it reads, to fill the containers that it looks into."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .ingredients import best, is_callee, read_names, variables
from .registry import Edit, Place, template
from .scope import dotted, own_nodes, parameters
from .source import Source, walked
from .templates_inserts import around
from .templates_statements import SIMPLE
from .templates_updates import IN_PLACE, TARGETS, is_loaded

REMOVES = frozenset(("remove", "discard", "pop", "clear"))


def assigned(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """(target, value) of an assignment, `a, b = c, d` taken apart."""
    first = node.targets[0]
    if isinstance(first, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return list(zip(first.elts, node.value.elts))  # noqa: B905 (newer than Python 3.9)
    return [(target, node.value) for target in node.targets]


def _is_method(node: ast.Attribute, source: Source) -> bool:
    """An attribute that is called, or assigned to: its object may have changed."""
    return is_callee(node, source) or not isinstance(node.ctx, ast.Load)


@lru_cache(maxsize=256)
def _stale(loop: ast.For | ast.While, function: ast.AST, source: Source) -> tuple[tuple[str, float], ...]:
    """What the loop reads, and what is once set to a constant before it, without ever being changed in it."""
    inside = list(walked(loop))
    changed = {source.code(n) for n in inside if isinstance(n, TARGETS) and not isinstance(n.ctx, ast.Load)}
    for n in inside:
        if isinstance(n, ast.Subscript) or (isinstance(n, ast.Attribute) and _is_method(n, source)):
            changed.add(source.code(n.value))
    own = {n.id for n in own_nodes(function) if isinstance(n, ast.Name)} | set(parameters(function))
    found: dict[str, float] = {}
    if isinstance(loop, ast.While):
        for name in read_names(loop.test):
            if name in own and name.encode() not in changed:
                found[name] = 1.0
    set_once: dict[str, int] = {}
    for n in own_nodes(function):
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load):
            set_once[n.id] = set_once.get(n.id, 0) + 1
    for n in own_nodes(function):
        if isinstance(n, ast.Assign) and n.lineno < loop.lineno:
            for target, value in assigned(n):
                number = isinstance(value, ast.Constant) and isinstance(value.value, (int, float, type(None)))
                plain = number or isinstance(value, ast.Name)
                if isinstance(target, ast.Name) and plain and set_once[target.id] == 1:
                    found.setdefault(target.id, 1.0)
    for test in (n.test for n in inside if isinstance(n, (ast.If, ast.While))):
        if isinstance(test, ast.Compare) and isinstance(test.left, (ast.Subscript, ast.Attribute)):
            code = source.code(test.left)
            if code not in changed and isinstance(test.comparators[0], ast.Constant) and len(code) <= 40:
                found.setdefault(code.decode(), 0.7)
    return tuple(found.items())[:4]


@template("loop update", *SIMPLE, ast.If, prior=4.0)
def loop_update(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Change in a loop what it reads and never changes.

    def f(n):\\n while n > 1:\\n  g()  ->  def f(n):\\n while n > 1:\\n  g()\\n  n -= 1
    def f(xs):\\n    n = 0\\n    for x in xs:\\n        g()\\n    return n  ->  \
def f(xs):\\n    n = 0\\n    for x in xs:\\n        n = x\\n        g()\\n    return n
    """
    source = place.source
    function = source.function(node)
    loops = [each for each in source.ancestors(node) if isinstance(each, (ast.For, ast.While))]
    if function is None or not loops or source.function(loops[0]) is not function:
        return
    texts: list[tuple[bytes, float]] = []
    for name, weight in _stale(loops[0], function, source):
        this = name.encode()
        for onward in _onward(name, loops[0], node, place):
            texts.append((this + b" = " + onward, weight))
        for tail in (b" += 1", b" -= 1", b" //= 2"):
            texts.append((this + tail, weight))
        near = [n for n in walked(loops[0]) if isinstance(n, ast.Name) and not is_loaded(n)]
        for other in [n for n in dict.fromkeys(n.id for n in near) if n != name and not n.startswith("_")][
            :4
        ]:
            if loops[0].lineno <= place.project.names(node, source).local.get(other, 0) <= node.lineno:
                texts.append((this + b" = " + other.encode(), weight))
                texts.append((this + b" += " + other.encode(), weight * 0.6))
                for word in (b"max", b"min"):
                    text = this + b" = " + word + b"(" + this + b", " + other.encode() + b")"
                    texts.append((text, weight * 0.5))
    yield from best(around(node, texts, place), 30)


def _onward(name: str, loop: ast.AST, node: ast.AST, place: Place) -> list[bytes]:
    """What follows a thing: elements taken with it in the loop, its attributes."""
    found: dict[bytes, None] = {}
    for each in walked(loop):
        if isinstance(each, (ast.Subscript, ast.Call)) and len(place.source.code(each)) <= 40:
            by_name = isinstance(each, ast.Subscript) and getattr(each.slice, "id", "") == name
            if by_name or place.source.code(each).startswith((name + ".").encode()):
                found[place.source.code(each)] = None
    if name.isidentifier():
        known = place.project.attributes(name, node, place.source)
        found.update({f"{name}.{attribute}".encode(): None for attribute in list(known)[:3]})
    return list(found)[:4]


@dataclass(frozen=True)
class Memory:
    """A local container: how it is filled, what is sought in it and not put there, whether anything is."""

    name: bytes
    call: bytes
    wanted: tuple[bytes, ...]
    filled: bool


@lru_cache(maxsize=256)
def _memories(function: ast.AST, source: Source) -> tuple[Memory, ...]:
    """Containers of a function that something, or anything, is missing in."""
    made: dict[str, bytes] = {}
    for node in own_nodes(function):
        if isinstance(node, ast.Assign):
            for target, value in assigned(node):
                kind = _kind(value)
                if isinstance(target, ast.Name) and kind:
                    made[target.id] = kind
    filled: set[str] = set()
    looked: dict[str, dict[bytes, None]] = {name: {} for name in made}
    stored: dict[str, set[bytes]] = {name: set() for name in made}
    for node in walked(function):
        if isinstance(node, ast.Attribute) and node.attr in IN_PLACE:
            filled.add(dotted(node.value))
            call = source.parents[node]
            if isinstance(call, ast.Call) and call.args and dotted(node.value) in stored:
                stored[dotted(node.value)].add(source.code(call.args[0]))
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            filled.add(dotted(node.value))
            stored.get(dotted(node.value), set()).add(source.code(node.slice))
        elif isinstance(node, ast.AugAssign):
            filled.add(dotted(node.target))
        elif isinstance(node, ast.Compare) and isinstance(node.ops[-1], (ast.In, ast.NotIn)):
            sought = looked.get(dotted(node.comparators[-1]), {})
            sought.update({source.code(node.left): None} if len(source.code(node.left)) <= 40 else {})
    found = []
    for name, kind in made.items():
        wanted = tuple(item for item in looked[name] if item not in stored[name])
        if wanted or name not in filled:
            found.append(Memory(name.encode(), kind, wanted, name in filled))
    return tuple(found)


def _kind(value: ast.expr) -> bytes:
    """How a new container is filled; nothing for other values."""
    called = getattr(value.func, "id", "") if isinstance(value, ast.Call) else ""
    if isinstance(value, ast.Set) or called == "set":
        return b".add("
    if isinstance(value, ast.List) or called in ("list", "deque"):
        return b".append("
    return b"[" if isinstance(value, ast.Dict) or called in ("dict", "defaultdict") else b""


@template("filled container", *SIMPLE, ast.If, ast.For, prior=3.0)
def filled_container(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Put into a container what is looked for in it and never put there; into one that nothing fills, a
    variable too.

    def f(xs):\\n    seen = set()\\n    for x in xs:\\n        if (x, 1) in seen: g(x)  ->  \
def f(xs):\\n    seen = set()\\n    for x in xs:\\n        if (x, 1) in seen: g(x)\\n        seen.add((x, 1))
    """
    source = place.source
    function = source.outermost_function(node)
    if function is None:
        return
    texts: list[tuple[bytes, float]] = []
    local, recent = place.project.names(node, source).local, variables(node, place)[-5:]
    for memory in _memories(function, source):
        if local.get(memory.name.decode(), 0) >= node.lineno:
            continue
        values = [n.encode() for n in reversed(recent) if n.encode() not in (memory.name, *memory.wanted)]
        if memory.call == b"[":
            for key in memory.wanted[:2]:
                texts += [
                    (memory.name + b"[" + key + b"] = " + value, 1.0) for value in (*values, b"True", b"1")
                ]
            continue
        texts += [(memory.name + memory.call + item + b")", 2.0) for item in memory.wanted[:3]]
        if not memory.filled:
            texts += [(memory.name + memory.call + item + b")", 1.0) for item in values[:4]]
    yield from best(around(node, texts, place), 20)


@template("undone step", *SIMPLE, prior=1.5)
def undone_step(node: ast.stmt, place: Place) -> Iterator[Edit]:
    """Take out again, in a function that calls itself, what was put into a container.

    def f(x):\\n on.add(x)\\n f(x)\\n g(x)  ->  def f(x):\\n on.add(x)\\n f(x)\\n on.remove(x)\\n g(x)
    """
    source = place.source
    function = source.function(node)
    if not isinstance(function, ast.FunctionDef):
        return
    calls = [each for each in walked(function) if isinstance(each, ast.Call)]
    if not any(dotted(each.func).rpartition(".")[2] == function.name for each in calls):
        return
    removed = [
        dotted(c.func.value) for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr in REMOVES
    ]
    texts: dict[bytes, float] = {}
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("add", "append") and call.args:
            base, item = source.code(call.func.value), source.code(call.args[0])
            if dotted(call.func.value) not in removed and b"\n" not in item and call.lineno < node.lineno:
                if call.func.attr == "add":
                    texts.update(
                        {base + b".remove(" + item + b")": 1.0, base + b".discard(" + item + b")": 0.6}
                    )
                else:
                    texts[base + b".pop()"] = 1.0
    yield from best(around(node, list(texts.items()), place), 12)
