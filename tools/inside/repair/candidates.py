"""The ordered list of candidate patches of a project: enumerated, weighted, ordered."""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import (  # noqa: F401 (importing a template file registers its templates)
    templates_arguments,
    templates_blocks,
    templates_borrowed,
    templates_branches,
    templates_callees,
    templates_calls,
    templates_cases,
    templates_checks,
    templates_comparisons,
    templates_conditions,
    templates_constants,
    templates_definitions,
    templates_described,
    templates_displays,
    templates_elements,
    templates_fstrings,
    templates_guards,
    templates_imports,
    templates_inserts,
    templates_libraries,
    templates_loops,
    templates_mappings,
    templates_moves,
    templates_names,
    templates_operators,
    templates_parts,
    templates_passing,
    templates_regexes,
    templates_returns,
    templates_statements,
    templates_strings,
    templates_swaps,
    templates_terms,
    templates_texts,
    templates_unread,
    templates_updates,
    templates_values,
)
from .registry import Edit, Place, by_node_type
from .scope import Project
from .source import Source

MAX_CANDIDATES = 20_000
MOST_EDITS = 2 * MAX_CANDIDATES
MAX_NODES = 200
"""Of one statement: a table of data is not searched for the one entry that is wrong."""
Scores = Mapping[tuple[str, int], float]


@dataclass(frozen=True)
class Candidate:
    """One edit of one file. Bytes [start, end) of `path` become `replacement`.

    `line` is where the suspicious statement starts; `mass` the chance, under the model suspiciousness x
    template prior, that this is the repair (all candidates of a space sum to 1).
    """

    path: str
    start: int
    end: int
    replacement: bytes
    template: str
    line: int
    mass: float


@dataclass(frozen=True)
class Tuning:
    """`priors`: factors on the priors of templates, as learnt (1 where none is given). `without`: families of
    templates that are left out; "ranking" among them: candidates come in random order."""

    priors: Mapping[str, float] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


AS_SHIPPED = Tuning()


def enumerated(
    project: Project,
    scores: Scores | None,
    seed: int,
    tuning: Tuning = AS_SHIPPED,
    share: float = 1.0,
) -> list[Candidate]:
    """All candidates of a project in the order they are tried; the same inputs give the same order. Their
    masses sum to `share`.

    `scores` maps (path, first line of a statement) to a suspiciousness in [0, 1]; None: every statement
    is equally suspect. Only statements with a positive score are edited.
    """
    weighed: dict[tuple[str, int, int, bytes], tuple[float, str, int]] = {}
    for source, edit, weight, template, line in _weighed_edits(project, scores, tuning):
        key = (source.path, *_trimmed(source.data, edit))
        if key[1] == key[2] and not key[3]:
            continue
        known = weighed.get(key)
        total = weight + (known[0] if known else 0.0)
        first = known if known and known[0] >= weight else (weight, template, line)
        weighed[key] = (total, first[1], first[2])
    ranked = "ranking" not in tuning.without
    ordered = sorted(
        weighed, key=lambda key: (-round(weighed[key][0], 12) if ranked else 0.0, tie(seed, key))
    )[:MAX_CANDIDATES]
    whole = sum(weighed[key][0] for key in ordered) or 1.0
    return [
        Candidate(*key, template=weighed[key][1], line=weighed[key][2], mass=share * weighed[key][0] / whole)
        for key in ordered
    ]


def _weighed_edits(
    project: Project, scores: Scores | None, tuning: Tuning
) -> Iterator[tuple[Source, Edit, float, str, int]]:
    """Edits with suspiciousness(line)^2 x template prior, shared among a template's edits of a statement.

    The square sharpens the order: a line half as suspicious is a quarter as likely. The most suspicious come
    first, and no others once there are MOST_EDITS, as few of those would be kept.
    """
    table, made, reached = by_node_type(tuning.without), 0, math.inf
    for score, place, statement, nodes in _suspects(project, scores):
        if made >= MOST_EDITS and score < reached:
            return
        reached, groups = score, dict[str, tuple[float, list[Edit]]]()
        for node in nodes:
            for template in table.get(type(node), ()):
                prior = template.prior * tuning.priors.get(template.name, 1.0)
                groups.setdefault(template.name, (prior, []))[1].extend(template.propose(node, place))
        for name, (prior, edits) in groups.items():
            made += len(edits)
            whole = sum(edit.weight for edit in edits)
            for edit in edits:
                yield place.source, edit, score * score * prior * edit.weight / whole, name, statement.lineno


def _suspects(project: Project, scores: Scores | None) -> list[tuple[float, Place, ast.stmt, list[ast.AST]]]:
    """(suspiciousness, file, statement, its first MAX_NODES nodes), the most suspicious first."""
    found = []
    for source in project.sources:
        place = Place(source, project)
        nodes: dict[ast.stmt, list[ast.AST]] = {}
        for node in _editable(source.tree, source):
            statement = source.statement(node)
            if statement is not None and len(nodes.setdefault(statement, [])) < MAX_NODES:
                nodes[statement].append(node)
        for statement, own in nodes.items():
            score = 1.0 if scores is None else scores.get((source.path, statement.lineno), 0.0)
            if score > 0:
                found.append((score, place, statement, own))
    return sorted(found, key=lambda each: -each[0])


def _editable(tree: ast.AST, source: Source) -> Iterator[ast.AST]:
    """Nodes in source order, without annotations, the text of f-strings (for "text of an f-string"), and what
    is inside f-strings that could not be located."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not (
                isinstance(tree, ast.JoinedStr) and isinstance(node, ast.Constant)
            ):
                yield node
                if not isinstance(node, ast.JoinedStr) or node in source.located:
                    yield from _editable(node, source)


def _trimmed(data: bytes, edit: Edit) -> tuple[int, int, bytes]:
    """The edit without the bytes that it does not change: one form for the same result."""
    start, end, new = edit.start, edit.end, edit.replacement
    while end > start and new and data[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    while end > start and new and data[start] == new[0]:
        start, new = start + 1, new[1:]
    return start, end, new


def tie(seed: int, key: tuple[str, int, int, bytes]) -> bytes:
    path, start, end, replacement = key
    return hashlib.blake2b(f"{seed}:{path}:{start}:{end}:".encode() + replacement, digest_size=8).digest()
