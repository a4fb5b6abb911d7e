"""What a template is, and the list of all of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from .scope import Project
from .source import Source


@dataclass(frozen=True)
class Place:
    """Where a template is asked for edits: a file and the project around it."""

    source: Source
    project: Project


@dataclass(frozen=True)
class Edit:
    """Replace bytes [start, end) of the file; `weight` ranks the edits of one template at one statement."""

    start: int
    end: int
    replacement: bytes
    weight: float = 1.0


Propose = Callable[[Any, Place], Iterator[Edit]]


@dataclass(frozen=True)
class Template:
    """A named way to edit nodes of some types. `prior`: relative chance that a defect is of this kind."""

    name: str
    prior: float
    nodes: tuple[type[ast.AST], ...]
    propose: Propose

    @property
    def family(self) -> str:
        """`regexes` of a template that stands in templates_regexes.py."""
        return self.propose.__module__.rpartition("templates_")[2]


TEMPLATES: dict[str, Template] = {}


def template(name: str, *nodes: type[ast.AST], prior: float) -> Callable[[Propose], Propose]:
    """Register a generator function `(node, place) -> edits` as the template `name`.

    Its docstring shows examples, one per line, as ``before  ->  after``; tests run them.
    Raises ValueError when the name is taken.
    """

    def register(propose: Propose) -> Propose:
        if name in TEMPLATES:
            raise ValueError(f"template {name} exists")
        TEMPLATES[name] = Template(name, prior, nodes, propose)
        return propose

    return register


def families() -> list[str]:
    """The families of all templates, sorted."""
    return sorted({each.family for each in TEMPLATES.values()})


def by_node_type(without: Collection[str] = ()) -> dict[type[ast.AST], list[Template]]:
    """Templates by the node type they want, in order of name; families in `without` are left out."""
    table: dict[type[ast.AST], list[Template]] = {}
    for entry in sorted(TEMPLATES.values(), key=lambda each: each.name):
        if entry.family in without:
            continue
        for node in entry.nodes:
            table.setdefault(node, []).append(entry)
    return table
