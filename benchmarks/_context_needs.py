"""Which pieces of a repository a known repair needs, by the rule that `benchmarks.context` states."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from agent.tiers.pieces import lines_of
from benchmarks._repair_source import FUNCTIONS, PARSER
from policies.context import ORDER, Piece, PieceKind

KNOWN = frozenset(
    [*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls"]
    + [name for each in (str, bytes, list, tuple, dict, set, int, float) for name in dir(each)]
)
"""What everybody knows who writes Python."""

_WORD = re.compile(r"[^\W\d]\w*")
Read = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Need:
    """A piece that a repair needs, by its kind and its rank (from 1) in it: for `names`, or, without any,
    because what is to be changed is in it."""

    kind: PieceKind
    rank: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Needs:
    """What a repair needs. `kinds`: of every piece there is. `placed`: what is to be changed is in a piece.
    `nowhere`: names of the repair that no piece holds."""

    kinds: tuple[PieceKind, ...]
    needs: tuple[Need, ...]
    placed: bool
    nowhere: tuple[str, ...]

    def offered(self, kind: PieceKind) -> int:
        """How many pieces of this kind there are."""
        return self.kinds.count(kind)

    def of(self, kind: PieceKind) -> list[Need]:
        """The pieces of this kind that are needed."""
        return [need for need in self.needs if need.kind == kind]


@dataclass(frozen=True)
class Edit:
    """A run of lines that a repair changes: `touched` of the defective file (of the same definition, where
    lines only come to it), and the `names` that the new ones use."""

    touched: frozenset[int]
    names: frozenset[str]


@dataclass(frozen=True)
class _Ranked:
    piece: Piece
    rank: int
    text: str

    @property
    def words(self) -> set[str]:
        """Everything that can be read in it, its heading included."""
        return words(f"{self.piece.path} {self.piece.name}\n{self.text}")

    def holds(self, path: str, edit: Edit) -> bool:
        lines = range(self.piece.first, self.piece.last + 1)
        return self.piece.path == path and all(line in lines for line in edit.touched)


def needs_of(path: str, wrong: bytes, right: bytes, pieces: Sequence[Piece], said: str, read: Read) -> Needs:
    """What it takes to make `right` of the file `path`, which is `wrong`.

    pieces: as a localisation gives them, of each kind the first ones first. said: what a prompt says of the
    failing tests besides pieces. read: files of the defective tree.
    """
    found = list(_ranked(pieces, read))
    code = sorted(
        (each for each in found if each.piece.kind != "test"),
        key=lambda each: (each.rank, ORDER.index(each.piece.kind)),
    )
    changes = edits(wrong, right)
    suspects_first = sorted(code, key=lambda each: each.piece.kind != "suspect")
    places = [next((each for each in suspects_first if each.holds(path, edit)), None) for edit in changes]
    faulty = [each for each in dict.fromkeys(places) if each is not None]
    needs = [Need(each.piece.kind, each.rank) for each in faulty]
    kinds = tuple(piece.kind for piece in pieces)
    if None in places:
        return Needs(kinds, tuple(needs), placed=False, nowhere=())
    last = max(each.rank for each in faulty)
    shown = [each for each in code if each in faulty or (each.piece.kind == "suspect" and each.rank <= last)]
    tests = [each for each in found if each.piece.kind == "test"]
    missing = frozenset[str]().union(*(edit.names for edit in changes)) - words(said)
    missing = missing.difference(*(each.words for each in (*tests, *shown)))
    for each in code:
        if each not in shown and (names := missing & each.words):
            needs.append(Need(each.piece.kind, each.rank, tuple(sorted(names))))
            missing -= names
    return Needs(kinds, tuple(needs), placed=True, nowhere=tuple(sorted(missing)))


def _ranked(pieces: Sequence[Piece], read: Read) -> Iterator[_Ranked]:
    """Pieces with their text and their rank among those of their kind."""
    ranks = dict.fromkeys(ORDER, 0)
    for piece in pieces:
        ranks[piece.kind] += 1
        yield _Ranked(piece, ranks[piece.kind], lines_of(piece.path, piece.first, piece.last, read))


def words(text: str) -> set[str]:
    """Every word that could be an identifier, of comments and texts too."""
    return set(_WORD.findall(text))


def edits(wrong: bytes, right: bytes) -> list[Edit]:
    """How the right file comes of the wrong one; white space in front of lines counts, blank lines do not."""
    before, after = (data.decode("utf-8").splitlines() for data in (wrong, right))
    with PARSER:
        tree = ast.parse(right)
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    same = {j + 1 + n: i + 1 + n for tag, i, k, j, _ in blocks if tag == "equal" for n in range(k - i)}
    found = []
    for tag, i, k, j, m in blocks:
        if tag == "equal" or not any(line.strip() for line in (*before[i:k], *after[j:m])):
            continue
        touched = {line for line in range(i + 1, k + 1) if before[line - 1].strip()}
        if not touched:
            near = [line for line in _around(tree, j + 1, m) if line in same and after[line - 1].strip()]
            touched = {same[min(near, key=lambda line: abs(line - j))]} if near else {max(i, 1)}
        found.append(Edit(frozenset(touched), names_used(tree, range(j + 1, m + 1))))
    return found


def _around(tree: ast.Module, first: int, last: int) -> range:
    """Lines of the smallest definition that holds these and more; of the file when there is none."""
    spans = [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef))
    ]
    holding = [span for span in spans if span[0] <= first and last <= span[1] and span != (first, last)]
    begin, end = min(holding, key=lambda span: span[1] - span[0], default=(1, 10**9))
    return range(begin, min(end, last + 10**4) + 1)


def names_used(tree: ast.Module, lines: range) -> frozenset[str]:
    """Names, attributes, keywords, imports and texts that could be names (keys) which code on these lines
    uses, without those that it binds itself, whose names are free, and those that everybody knows."""
    used, bound = set[str](), set[str]()
    for node in ast.walk(tree):
        # An attribute's own name is at the end of what it is an attribute of.
        line = getattr(node, "end_lineno" if isinstance(node, ast.Attribute) else "lineno", 0)
        if line not in lines:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                used.add(name)
            case ast.alias(name=name):
                used.update(name.split("."))
            case ast.Constant(value=str(name)) if name.isidentifier():
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case _:
                pass
    return frozenset(
        name for name in used - bound - KNOWN if not (name.startswith("__") and name.endswith("__"))
    )
