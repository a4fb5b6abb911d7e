"""Names: what is visible at a node, what attributes a base is known to have, what a project defines."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from .source import FUNCTIONS, NAMED_FUNCTIONS, Source, walked

BUILTINS = frozenset(dir(builtins))
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (*NAMED_FUNCTIONS, ast.Lambda, ast.ClassDef)


def own_nodes(scope: ast.AST, inside: Collection[ast.AST] = ()) -> Iterator[ast.AST]:
    """Nodes of a function, class or module without those of functions and classes nested in it, and
    without the variables of comprehensions other than those in `inside`."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, COMPREHENSIONS) and node not in inside:
            hidden = {generator.target for generator in node.generators}
            todo.extend(
                part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.comprehension)
            )
            for generator in node.generators:
                todo.extend(part for part in ast.iter_child_nodes(generator) if part not in hidden)
        elif not isinstance(node, SCOPES):
            todo.extend(ast.iter_child_nodes(node))


def parameters(function: ast.AST) -> list[str]:
    """Parameter names of a function, in order."""
    if not isinstance(function, FUNCTIONS):
        return []
    spec = function.args
    every = [*spec.posonlyargs, *spec.args, *([spec.vararg] if spec.vararg else []), *spec.kwonlyargs]
    every += [spec.kwarg] if spec.kwarg else []
    return [each.arg for each in every]


def bound_names(scope: ast.AST, inside: Collection[ast.AST] = ()) -> dict[str, int]:
    """Names that a scope binds itself -> line of the first binding (parameters: 0). Variables of a
    comprehension count only when it is among `inside`."""
    names: dict[str, int] = {}

    def bind(name: str, line: int) -> None:
        names[name] = min(line, names.get(name, line))

    for name in parameters(scope):
        bind(name, 0)
    for node in own_nodes(scope, inside):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bind(node.id, node.lineno)
        elif isinstance(node, (*NAMED_FUNCTIONS, ast.ClassDef)):
            bind(node.name, node.lineno)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                bind((alias.asname or alias.name).split(".")[0], node.lineno)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bind(node.name, node.lineno)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and getattr(node, "name", None):
            bind(str(getattr(node, "name", "")), int(getattr(node, "lineno", 0)))
    return names


@dataclass
class Names:
    """Names visible at a place, nearest scope first: own function, functions around it, the module."""

    local: dict[str, int]
    outer: dict[str, int]
    module: dict[str, int]

    def defined(self, name: str) -> bool:
        return name in self.local or name in self.outer or name in self.module or name in BUILTINS


@dataclass
class Project:
    """What all source files define and import, for ingredients from other files.

    `definitions`: top-level name -> paths that define it; `imports`: name -> import lines seen for it
    as (path, line).
    """

    sources: list[Source] = field(default_factory=list)
    definitions: dict[str, list[str]] = field(default_factory=dict)
    imports: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _names: dict[ast.AST, Names] = field(default_factory=dict)
    _names_at: dict[ast.AST, Names] = field(default_factory=dict)
    _bound: dict[ast.AST, dict[str, int]] = field(default_factory=dict)
    _attributes: dict[tuple[ast.AST, str], dict[str, int]] = field(default_factory=dict)
    _seen: dict[ast.AST, dict[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, source: Source) -> None:
        self.sources.append(source)
        for name in self.bound(source.tree):
            self.definitions.setdefault(name, []).append(source.path)
        for node in walked(source.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for name, line in import_lines(node):
                    self.imports.setdefault(name, []).append((source.path, line))

    def bound(self, scope: ast.AST) -> dict[str, int]:
        if scope not in self._bound:
            self._bound[scope] = bound_names(scope)
        return self._bound[scope]

    def names(self, node: ast.AST, source: Source) -> Names:
        """Names visible where the node stands (variables of comprehensions around it count as local)."""
        if node not in self._names_at:
            self._names_at[node] = self._names_of_scope(node, source)
        return self._names_at[node]

    def _names_of_scope(self, node: ast.AST, source: Source) -> Names:
        around = [a for a in source.ancestors(node) if isinstance(a, (*COMPREHENSIONS, *FUNCTIONS))]
        key = around[0] if around else source.tree
        if key not in self._names:
            local: dict[str, int] = {}
            outer: dict[str, int] = {}
            functions = [scope for scope in around if isinstance(scope, FUNCTIONS)]
            for position, scope in enumerate(functions):
                for name, line in bound_names(scope, around).items():
                    if name not in local:
                        (outer if position else local).setdefault(name, line)
            self._names[key] = Names(local, outer, self.bound(source.tree))
        return self._names[key]

    def attributes(self, base: str, node: ast.AST, source: Source) -> dict[str, int]:
        """Attributes seen on `base` (source text) -> how often; for `self` and `cls` in the class, else
        in the file. Methods and class variables of the class count for `self` and `cls`."""
        owner: ast.AST | None = source.enclosing_class(node) if base in ("self", "cls") else None
        scope = owner or source.tree
        key = (scope, base)
        if key not in self._attributes:
            if scope not in self._seen:
                self._seen[scope] = _attributes_seen(scope)
            seen = dict(self._seen[scope].get(base, {}))
            if owner is not None:
                for name in self.bound(owner):
                    seen.setdefault(name, 1)
            self._attributes[key] = seen
        return self._attributes[key]


def _attributes_seen(scope: ast.AST) -> dict[str, dict[str, int]]:
    """By base: the attributes seen on it, and how often."""
    found: dict[str, dict[str, int]] = {}
    for each in walked(scope):
        if isinstance(each, ast.Attribute):
            seen = found.setdefault(dotted(each.value), {})
            seen[each.attr] = seen.get(each.attr, 0) + 1
    return found


def dotted(node: ast.AST) -> str:
    """Dotted text of a name or attribute chain, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def import_lines(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(bound name, import line) for each alias of an import statement."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            tail = f" as {alias.asname}" if alias.asname else ""
            yield (alias.asname or alias.name).split(".")[0], f"import {alias.name}{tail}"
    elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
        for alias in node.names:
            tail = f" as {alias.asname}" if alias.asname else ""
            module = "." * node.level + (node.module or "")
            yield alias.asname or alias.name, f"from {module} import {alias.name}{tail}"
