"""Candidates by their index, as they are tried: what each writes, and which are not worth a run."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .bodies import fingerprint
from .candidates import AS_SHIPPED, Candidate, Scores, Tuning, enumerated
from .scope import Project
from .source import Source
from .wire import Reporter

ROWS_PER_REPORT = 1_000
Row = list[Any]
"""A candidate as JSON: path, start, end, replacement (base64), template, line, mass."""


def row_of(candidate: Candidate) -> Row:
    replacement = base64.b64encode(candidate.replacement).decode()
    return [
        candidate.path,
        candidate.start,
        candidate.end,
        replacement,
        candidate.template,
        candidate.line,
        candidate.mass,
    ]


def candidate_of(row: Row) -> Candidate:
    path, start, end, replacement, template, line, mass = row
    return Candidate(path, start, end, base64.b64decode(replacement), template, line, mass)


class Space:
    """Some candidates of a space, by index. `keys`: what `key` said of earlier ones."""

    def __init__(
        self, sources: Iterable[Source], candidates: Mapping[int, Candidate], keys: Mapping[int, str | None]
    ) -> None:
        self.sources = {source.path: source for source in sources}
        self.candidates = dict(candidates)
        self.keys = dict(keys)
        self._first: dict[str, int] = {}
        self._original: dict[tuple[str, int, int], str | None] = {}
        for index, key in self.keys.items():
            self._note(index, key)

    def _note(self, index: int, key: str | None) -> None:
        if key is not None:
            self._first[key] = min(index, self._first.get(key, index))

    def patched(self, candidate: Candidate) -> bytes:
        return self.sources[candidate.path].apply(candidate.start, candidate.end, candidate.replacement)

    def stale(self, index: int) -> str | None:
        """ "invalid" when the candidate does not compile, "duplicate" when it compiles to the same code as
        the original or an earlier candidate, None when it is worth a run."""
        candidate = self.candidates[index]
        source = self.sources[candidate.path]
        if index not in self.keys:
            self.keys[index] = _code_key(source, candidate)
            self._note(index, self.keys[index])
        key = self.keys[index]
        if key is None:
            return "invalid"
        return "duplicate" if self._first[key] < index or key == self._unedited(source, candidate) else None

    def _unedited(self, source: Source, candidate: Candidate) -> str | None:
        start, end, _ = _chunk(source, candidate)
        where = (source.path, start, end)
        if where not in self._original:
            self._original[where] = _code_key(source, candidate, original=True)
        return self._original[where]


def whole_space(
    project: Project,
    scores: Scores | None,
    seed: int,
    tuning: Tuning = AS_SHIPPED,
    share: float = 1.0,
) -> Space:
    """The space of all candidates of a project (see `enumerated`)."""
    return Space(project.sources, dict(enumerate(enumerated(project, scores, seed, tuning, share))), {})


def load_project(settings: dict[str, Any], root: str) -> Project:
    """The files that may be edited. Those that cannot be read or parsed are left out."""
    project = Project()
    for path in settings["paths"]:
        full = Path(root, path)
        if full.is_symlink() or not os.path.realpath(full).startswith(root + os.sep):
            continue
        try:
            project.add(Source(path, full.read_bytes()))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return project


def load_space(settings: dict[str, Any], root: str) -> Space:
    """The candidates for the settings: enumerated, or those that the host has kept."""
    if settings["action"] == "prepare":
        project = load_project(settings, root)
        rows = settings["scores"]
        scores = None if rows is None else {(path, line): score for path, line, score in rows}
        tuning = Tuning(settings["priors"], frozenset(settings["without"]))
        return whole_space(project, scores, settings["seed"], tuning, settings["share"])
    candidates = {int(index): candidate_of(row) for index, row in settings["rows"].items()}
    edited = sorted({each.path for each in candidates.values()})
    project = load_project({"paths": edited}, root)
    return Space(project.sources, candidates, {int(at): key for at, key in settings["keys"].items()})


def send_rows(reporter: Reporter, candidates: Iterable[Candidate]) -> None:
    """Report the candidates, which come in their order."""
    rows = [row_of(each) for each in candidates]
    for start in range(0, len(rows), ROWS_PER_REPORT):
        reporter.send("rows", rows=rows[start : start + ROWS_PER_REPORT])


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
    named = f"{source.path}:{start}:{fingerprint(code)}"
    return hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


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
