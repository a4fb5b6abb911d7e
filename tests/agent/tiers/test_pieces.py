"""Parts as pieces, and the lines of the base that a prompt shows."""

from __future__ import annotations

from agent.tiers.applying import edits_of
from agent.tiers.changes import Replace
from agent.tiers.found import Ask
from agent.tiers.pieces import asked_piece, lines_of, pieces_of, shown_pieces
from policies.context import share_of
from tools.context import Part

FILES = {
    "a.py": b"one\ntwo\nthree\n",
    "crlf.py": b"\xef\xbb\xbfone\r\ntwo\r\nthree",
    "latin.py": b"caf\xe9\n",
    "long.py": b"x\n" * 1000,
}


def test_pieces_have_their_bytes_and_their_share() -> None:
    parts = (Part("a.py", 2, 3, "suspect", "f", 2), Part("gone.py", 1, 2, "callee", "g", 1))
    [piece] = pieces_of(parts, FILES.get)
    assert (piece.size, piece.share) == (len("two\nthree"), share_of("suspect", 2))
    assert shown_pieces([piece], FILES.get)[0].text == "two\nthree"


def test_lines_are_shown_as_edits_can_find_them() -> None:
    text = lines_of("crlf.py", 1, 2, FILES.get)
    assert text == "one\ntwo"
    [edit] = edits_of((Replace("crlf.py", text, "1\n2"),), FILES.get)
    assert edit.content == b"\xef\xbb\xbf1\r\n2\r\nthree"
    assert lines_of("latin.py", 1, 9, FILES.get) == "caf\N{REPLACEMENT CHARACTER}\n"
    assert lines_of("gone.py", 1, 9, FILES.get) == ""


def test_what_is_asked_for_is_bounded() -> None:
    def lines(ask: Ask) -> tuple[int, int] | None:
        piece = asked_piece(ask, FILES.get)
        return (piece.first, piece.last) if piece else None

    assert lines(Ask("file", "a.py")) == (1, 3)
    assert lines(Ask("file", "./a.py", 2, 99)) == (2, 3)
    assert lines(Ask("file", "long.py")) == (1, 120)
    assert lines(Ask("file", "long.py", 11, 5000)) == (11, 410)
    assert lines(Ask("file", "long.py", 5000, 5001)) is None
    assert lines(Ask("file", "../a.py")) is None
