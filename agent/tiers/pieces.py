"""Parts of the repository as pieces with a size and a share, and the text of a piece as a prompt shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from agent.tiers.found import Ask
from agent.tiers.prompts import Shown
from policies.context import Piece, share_of
from tools.context import Part

ASKED_LINES = 120
MAX_ASKED_LINES = 400

Read = Callable[[str], bytes | None]


def lines_of(path: str, first: int, last: int, read: Read) -> str:
    """Lines `first` to `last` (1-based, inclusive) of a file of the base, with line feeds at line ends; ""
    for none. What is not UTF-8 is replaced."""
    return _between(_lines(path, read), first, last)


def _lines(path: str, read: Read) -> list[str]:
    return (read(path) or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")


def _between(lines: list[str], first: int, last: int) -> str:
    return "\n".join(lines[max(first, 1) - 1 : last])


def pieces_of(parts: Iterable[Part], read: Read) -> tuple[Piece, ...]:
    """Each part with its bytes and the prior share of its kind and rank; without those that are empty."""
    found = []
    for part in parts:
        size = len(lines_of(part.path, part.first, part.last, read).encode())
        if size:
            share = share_of(part.kind, part.rank)
            found.append(Piece(part.path, part.first, part.last, part.kind, part.name, size, share))
    return tuple(found)


def asked_piece(ask: Ask, read: Read, rank: int = 1) -> Piece | None:
    """The lines of a file that a model asks for, at most MAX_ASKED_LINES; None where there are none."""
    path = str(PurePosixPath(ask.what))
    first = max(ask.first, 1)
    last = min(ask.last or first + ASKED_LINES - 1, first + MAX_ASKED_LINES - 1)
    text = lines_of(path, first, last, read)
    if not text.strip():
        return None
    last = first + text.count("\n") - text.endswith("\n")
    return Piece(path, first, last, "asked", "", len(text.encode()), share_of("asked", rank))


def shown_pieces(pieces: Iterable[Piece], read: Read) -> tuple[Shown, ...]:
    """Pieces with their text."""
    wanted = tuple(pieces)
    files = {path: _lines(path, read) for path in {piece.path for piece in wanted}}
    return tuple(Shown(piece, _between(files[piece.path], piece.first, piece.last)) for piece in wanted)
