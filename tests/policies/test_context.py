"""Which pieces are worth their price in a prompt, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.context import ALWAYS, GAP, HEADING, ORDER, SHARES, Piece, PieceKind, choose, share_of
from tools.context import MOST


def piece(
    first: int, last: int, kind: PieceKind = "suspect", share: float = 0.1, path: str = "a.py"
) -> Piece:
    return Piece(path, first, last, kind, f"{path}:{first}", 10 * (last - first + 1), share)


TEST = piece(1, 5, "test", 1.0, "test_a.py")


def chosen(
    *pieces: Piece, price: float = 0.001, window: int = 10_000, shown: tuple[Piece, ...] = ()
) -> list[str]:
    found = choose(pieces, dollars_per_byte=price, value=1.0, window_bytes=window, shown=shown)
    return [f"{each.path}:{each.first}-{each.last}" for each in found]


def test_a_piece_is_shown_while_its_value_covers_its_price() -> None:
    assert HEADING == 45  # so that 100 bytes at $0.001 cost $0.145
    assert chosen(TEST, piece(1, 10, share=0.15)) == ["test_a.py:1-5", "a.py:1-10"]
    assert chosen(TEST, piece(1, 10, share=0.14)) == ["test_a.py:1-5"]
    assert chosen(TEST, piece(1, 10, share=0.14), price=0.0009) == ["test_a.py:1-5", "a.py:1-10"]


def test_tests_and_what_was_asked_for_are_not_weighed() -> None:
    asked = piece(1, 20, "asked", 0.0)
    assert chosen(TEST, piece(1, 10), asked, price=1e9) == ["test_a.py:1-5", "a.py:1-20"]


def test_what_does_not_fit_is_cut_and_tests_leave_half_of_the_window() -> None:
    asked, suspect = piece(1, 20, "asked", 0.0), piece(1, 10, share=0.9, path="b.py")
    assert chosen(TEST, asked, window=190 + 145) == ["test_a.py:1-5", "a.py:1-15"]
    assert chosen(TEST, window=190) == ["test_a.py:1-5"]
    assert chosen(TEST, window=189) == ["test_a.py:1-2"]
    assert chosen(TEST, window=90) == []
    long = piece(1, 1000, "test", 1.0, "test_a.py")
    assert chosen(long, suspect, window=1000, price=0) == ["test_a.py:1-45", "b.py:1-10"]


def test_the_window_goes_to_what_brings_most_for_a_byte() -> None:
    dear, cheap, small = piece(1, 50, share=0.9), piece(101, 110, share=0.5), piece(201, 210, share=0.3)
    assert chosen(dear, cheap, small, window=290) == ["a.py:101-110", "a.py:201-210"]
    assert chosen(dear, cheap, small, window=289) == ["a.py:101-110"]
    assert chosen(dear, cheap, small, window=835) == ["a.py:1-50", "a.py:101-110", "a.py:201-210"]


def test_lines_are_paid_once() -> None:
    # The class costs $0.30 by itself, and $0.10 beside its method.
    method, whole = piece(11, 30, share=0.5), piece(1, 30, "type", share=0.12)
    assert chosen(whole) == []
    assert chosen(whole, method) == ["a.py:1-30"]
    [found] = choose([whole, method], dollars_per_byte=0.001, value=1, window_bytes=1000)
    assert (found.kind, found.share, found.size) == ("suspect", 0.5, 300)


def test_pieces_that_touch_become_one() -> None:
    assert chosen(piece(1, 10), piece(13, 20), price=0) == ["a.py:1-20"]
    assert chosen(piece(1, 10), piece(14, 20), price=0) == ["a.py:1-10", "a.py:14-20"]
    [found] = choose([piece(1, 10), piece(13, 20)], dollars_per_byte=0, value=1, window_bytes=1000)
    assert found.size == 200  # with what lies between, taken to be as long
    assert chosen(piece(1, 10), piece(5, 20), piece(1, 3, path="b.py"), price=0) == ["a.py:1-20", "b.py:1-3"]


def test_a_piece_that_touches_another_needs_no_heading() -> None:
    dear, beside, apart = piece(1, 10, share=0.9), piece(13, 22, share=0.12), piece(14, 23, share=0.12)
    assert chosen(dear, beside) == ["a.py:1-22"]
    assert chosen(dear, apart) == ["a.py:1-10"]


def test_what_was_shown_stays_first_and_is_not_shown_again() -> None:
    shown = (piece(50, 60, "caller"), piece(10, 20))
    found = chosen(piece(15, 25), piece(10, 20), piece(1, 5), piece(55, 57, "asked"), shown=shown)
    assert found == ["a.py:50-60", "a.py:10-20", "a.py:1-5", "a.py:21-25"]
    assert chosen(piece(1, 5), shown=shown, window=250) == ["a.py:50-60", "a.py:10-20"]
    line = (piece(5, 5),)
    assert chosen(piece(1, 10, share=0.9), shown=line) == ["a.py:5-5", "a.py:1-4", "a.py:6-10"]
    around = chosen(piece(5, 25, share=0.9), shown=shown)
    assert around == ["a.py:50-60", "a.py:10-20", "a.py:5-9", "a.py:21-25"]


def test_the_order_is_by_kind_then_by_share() -> None:
    pieces = [piece(100 * n, 100 * n + 1, kind, 0.5) for n, kind in enumerate(reversed(ORDER), 1)]
    found = choose(pieces, dollars_per_byte=0, value=1, window_bytes=10_000)
    assert [each.kind for each in found] == list(ORDER)
    assert chosen(piece(1, 2, share=0.1), piece(11, 12, share=0.2)) == ["a.py:11-12", "a.py:1-2"]


def test_shares_fall_with_the_rank() -> None:
    assert set(SHARES) == set(ORDER)
    for kind, prior in SHARES.items():
        assert share_of(kind, 1) == share_of(kind, 0) == prior.first
        assert share_of(kind, 7) == prior.first / 7**prior.decay
    assert sum(share_of("suspect", rank) for rank in range(1, 100)) < 1


def test_most_attempts_lack_nothing_beside_tests_and_suspects() -> None:
    others = [kind for kind in ORDER if kind not in ("test", "suspect", "asked")]
    assert sum(share_of(kind, rank) for kind in others for rank in range(1, MOST[kind] + 1)) < 0.3


PIECES = st.builds(
    lambda path, first, length, kind, share, width: Piece(
        path, first, first + length, kind, "", width * (length + 1), share
    ),
    st.sampled_from("ab"),
    st.integers(1, 40),
    st.integers(0, 15),
    st.sampled_from(ORDER),
    st.floats(0, 1),
    st.integers(1, 60),
)


@given(
    st.lists(PIECES, max_size=12),
    st.lists(PIECES, max_size=6),
    st.floats(0, 0.01),
    st.integers(0, 3000),
)
def test_no_line_twice_and_every_test_that_has_room(
    pieces: list[Piece], later: list[Piece], price: float, window: int
) -> None:
    first = choose(pieces, dollars_per_byte=price, value=1, window_bytes=window)
    second = choose(later, dollars_per_byte=price, value=1, window_bytes=window, shown=first)
    assert second[: len(first)] == first
    lines = [(each.path, line) for each in second for line in range(each.first, each.last + 1)]
    assert len(lines) == len(set(lines))
    given_lines = {
        (each.path, line) for each in (*pieces, *later) for line in range(each.first, each.last + 1)
    }
    bridged = {(path, line) for path, line in lines if (path, line) not in given_lines}
    for path, line in bridged:
        near = range(1, GAP + 1)
        before = [n for n in near if (path, line - n) in given_lines]
        after = [n for n in near if (path, line + n) in given_lines]
        assert before and after and before[0] + after[0] <= GAP + 1
    always = [each for each in pieces if each.kind in ALWAYS]
    if window >= 2 * sum(each.size + HEADING for each in always):
        wanted = {(each.path, line) for each in always for line in range(each.first, each.last + 1)}
        assert wanted <= {(each.path, line) for each in first for line in range(each.first, each.last + 1)}
    again = choose(pieces, dollars_per_byte=price, value=1, window_bytes=window)
    assert again == first
