"""The ordered list of candidate patches of a project: enumerated, weighted, ordered, deduplicated."""

from __future__ import annotations

import ast
import hashlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from . import (  # noqa: F401 (importing a template file registers its templates)
    templates_arguments,
    templates_borrowed,
    templates_branches,
    templates_callees,
    templates_calls,
    templates_comparisons,
    templates_conditions,
    templates_constants,
    templates_definitions,
    templates_guards,
    templates_imports,
    templates_inserts,
    templates_mappings,
    templates_moves,
    templates_names,
    templates_operators,
    templates_parts,
    templates_regexes,
    templates_returns,
    templates_statements,
    templates_strings,
    templates_swaps,
    templates_values,
)
from .bodies import fingerprint
from .registry import Edit, Place, by_node_type
from .scope import Project
from .source import Source

MAX_CANDIDATES = 20_000
MOST_EDITS = 3 * MAX_CANDIDATES
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


class Space:
    """All candidates of a project in the order they are tried; the same inputs give the same order.

    `scores` maps (path, first line of a statement) to a suspiciousness in [0, 1]; None: every statement
    is equally suspect. Only statements with a positive score are edited.
    """

    def __init__(self, project: Project, scores: Scores | None, seed: int, tuning: Tuning = Tuning()) -> None:
        self.sources = {source.path: source for source in project.sources}
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
            weighed, key=lambda key: (-round(weighed[key][0], 12) if ranked else 0.0, _tie(seed, key))
        )[:MAX_CANDIDATES]
        whole = sum(weighed[key][0] for key in ordered) or 1.0
        self.candidates = [
            Candidate(*key, template=weighed[key][1], line=weighed[key][2], mass=weighed[key][0] / whole)
            for key in ordered
        ]
        self._keys: dict[int, str | None] = {}
        self._seen: set[str] = set()
        self._screened = 0

    def patched(self, candidate: Candidate) -> bytes:
        return self.sources[candidate.path].apply(candidate.start, candidate.end, candidate.replacement)

    def fresh(self, index: int) -> str | None:
        """ "invalid" when the candidate does not compile, "duplicate" when it compiles to the same code as
        the original or an earlier candidate, None when it is worth a run."""
        while self._screened <= index:
            candidate = self.candidates[self._screened]
            source = self.sources[candidate.path]
            key = _code_key(source, candidate)
            verdict = "invalid" if key is None else "duplicate" if key in self._seen else None
            if verdict is None and key == _code_key(source, candidate, original=True):
                verdict = "duplicate"
            if key is not None:
                self._seen.add(key)
            self._keys[self._screened] = verdict
            self._screened += 1
        return self._keys[index]


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
        for node in _editable(source.tree):
            statement = source.statement(node)
            if statement is not None and len(nodes.setdefault(statement, [])) < MAX_NODES:
                nodes[statement].append(node)
        for statement, own in nodes.items():
            score = 1.0 if scores is None else scores.get((source.path, statement.lineno), 0.0)
            if score > 0:
                found.append((score, place, statement, own))
    return sorted(found, key=lambda each: -each[0])


def _editable(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes in source order, without annotations, and without the inside of f-strings (their positions
    are not exact before Python 3.12)."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield node
                if not isinstance(node, ast.JoinedStr):
                    yield from _editable(node)


def _trimmed(data: bytes, edit: Edit) -> tuple[int, int, bytes]:
    """The edit without the bytes that it does not change: one form for the same result."""
    start, end, new = edit.start, edit.end, edit.replacement
    while end > start and new and data[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    while end > start and new and data[start] == new[0]:
        start, new = start + 1, new[1:]
    return start, end, new


def _tie(seed: int, key: tuple[str, int, int, bytes]) -> bytes:
    path, start, end, replacement = key
    return hashlib.blake2b(f"{seed}:{path}:{start}:{end}:".encode() + replacement, digest_size=8).digest()


def _code_key(source: Source, candidate: Candidate, original: bool = False) -> str | None:
    """A key of the compiled code around the edit, line numbers aside; None if it does not compile."""
    start, end, prefix = _chunk(source, candidate)
    replacement = source.data[candidate.start : candidate.end] if original else candidate.replacement
    chunk = source.data[start : candidate.start] + replacement + source.data[candidate.end : end]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile((prefix + chunk).decode("utf-8-sig"), source.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return f"{source.path}:{start}:{fingerprint(code)}"


def _chunk(source: Source, candidate: Candidate) -> tuple[int, int, bytes]:
    """Lines of the top-level statement around the edit (of one method, in a class): the least that can be
    compiled by itself. Returns byte offsets and a line to put before it."""
    body: Iterable[ast.stmt] = source.tree.body
    prefix, found = b"", (0, len(source.data))
    while True:
        for statement in body:
            start = source.line_start(source.first_line(statement))
            end = source.line_end(statement.end_lineno or statement.lineno)
            if (
                start <= candidate.start
                and candidate.end <= end
                and (candidate.start < end or end == len(source.data))
            ):
                break
        else:
            return (*found, prefix)
        indent = source.indent(statement)
        if indent is None or (indent and not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))):
            return (*found, prefix)
        found, prefix = (start, end), b"if 1:\n" if indent else b""
        if not isinstance(statement, ast.ClassDef):
            return (*found, prefix)
        body = statement.body
