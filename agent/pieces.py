"""Which parts of the repository a model is given in a state, and how what it asks to read is found.

Text only: nothing here parses code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.state import State
from agent.task import ModelSettings
from agent.tiers.found import Ask
from agent.tiers.pace import BYTES_PER_TOKEN, PREFILL_RATE
from agent.tiers.pieces import asked_piece
from agent.tiers.prompt import Usage
from agent.tiers.prompts import Case, Shown
from policies.context import Piece, choose
from tools.base import Base
from tools.plain import plain_line

PROMPT_SHARE, DENSE = 0.8, 2.0
"""Of the context window beside the longest answer, what pieces may fill; the rest is for instructions and
notes. Bytes of a token of text that is denser than code, by which the window is filled."""

MOST_PIECES = 120
"""That a trace records, the likeliest to matter first."""

MOST_READINGS = 3
"""How often tiers may read before they answer; after that, a reply without a patch is a failed attempt."""

OTHER_CALLS = 1.0
"""In how many more requests a byte of a prompt is read, then from a cache: another attempt, or a review."""

ASKING, ASKING_SECONDS = Usage(prefill=1_500, decode=80), 3.0
"""Tokens and seconds of a request in which a model only asks to read."""

MOST_ASKS, MOST_HITS, AROUND = 4, 5, 8
"""Of one reply: things asked for; places at which a text is shown that it searches for, with so many lines
around each."""

MOST_ASKED = 80
"""Characters of an ask that are said back."""

_choose = lru_cache(maxsize=32)(choose)
"""Kept, as what is quoted is then asked with the same pieces."""


def model_named(state: State, tier: str) -> ModelSettings | None:
    """The model behind a tier; None for a tier that is none."""
    return next((model for model in state.settings.models if model.name == tier), None)


def chosen_pieces(state: State, tier: str) -> tuple[Piece, ...]:
    """The pieces that are worth their price in a prompt for this tier; what a model lacks and can ask for
    costs a short request at most. Empty for a tier that is no model.

    What was asked for follows, reading by reading, so that a prompt begins as the one before."""
    model = model_named(state, tier)
    if model is None:
        return ()
    found = state.localised.pieces if state.localised else ()
    tokens, prices = max(0, model.window - model.max_output), state.prices
    rates = model.price.rates
    each = (rates.prefill + OTHER_CALLS * rates.cached) / 1e6 + prices.latency / PREFILL_RATE
    asking = model.price.dollars(ASKING) + prices.latency * ASKING_SECONDS

    def chosen(pieces: tuple[Piece, ...], value: float, shown: tuple[Piece, ...] = ()) -> tuple[Piece, ...]:
        window, price = int(PROMPT_SHARE * DENSE * tokens), each / BYTES_PER_TOKEN
        return _choose(pieces, dollars_per_byte=price, value=value, window_bytes=window, shown=shown)

    shown = chosen(found, min(prices.value, asking))
    for piece in state.read:
        shown = chosen((piece,), 0.0, shown)
    return shown if state.readings < MOST_READINGS else chosen(found, prices.value, shown)


def likeliest(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces that a trace records."""
    return tuple(sorted(pieces, key=lambda piece: piece.share, reverse=True)[:MOST_PIECES])


def case_of(state: State, shown: tuple[Shown, ...]) -> Case:
    """What a tier is told in this state, with these pieces."""
    return Case(
        targets=state.targets,
        failures=state.reproduction.messages if state.reproduction else (),
        shown=shown,
        notes=state.notes,
        plan=state.plan,
    )


@dataclass(frozen=True)
class Found:
    """What answers a tier's asks. missing: what does not, and why, in words."""

    pieces: tuple[Piece, ...]
    missing: tuple[str, ...]


def found_for(asks: Iterable[Ask], base: Base, state: State, tier: str) -> Found:
    """The pieces that answer what a tier asked to read, without those of which it was given every line."""
    shown = chosen_pieces(state, tier)
    given = _lines_in((*state.read, *shown))
    found, missing = dict[tuple[str, int, int], Piece](), list[str]()
    for number, ask in enumerate(asks):
        if number == MOST_ASKS:
            missing.append(f"more than {MOST_ASKS} things at once")
            break
        pieces = [
            piece
            for wanted in ((ask,) if ask.kind == "file" else _hits(base, ask.what))
            if (piece := asked_piece(wanted, base.read, rank=len(found) + 1)) is not None
        ]
        fresh = [piece for piece in pieces if not _lines_in((piece,)) <= given]
        found.update({(piece.path, piece.first, piece.last): piece for piece in fresh})
        if not fresh:
            missing.append(f"{plain_line(ask.what, MOST_ASKED)}: {_why_not(pieces, shown)}")
    return Found(tuple(found.values()), tuple(missing))


def _why_not(pieces: Sequence[Piece], shown: Sequence[Piece]) -> str:
    if not pieces:
        return "not there"
    return "shown above" if _lines_in(pieces) <= _lines_in(shown) else "too long for the context window"


def _lines_in(pieces: Iterable[Piece]) -> set[tuple[str, int]]:
    return {(piece.path, line) for piece in pieces for line in range(piece.first, piece.last + 1)}


def _hits(base: Base, text: str) -> Iterator[Ask]:
    """Where a text is found: a few lines around each place. No pattern: a model's would run on the host."""
    needle, left = text.strip().encode(), MOST_HITS
    for path in sorted(base.files) if needle else ():
        data = base.read(path) or b""
        at = data.find(needle)
        while at >= 0 and left:
            line = data.count(b"\n", 0, at) + 1
            yield Ask("file", path, max(1, line - AROUND), line + AROUND)
            left -= 1
            at = data.find(needle, max(at + 1, data.find(b"\n", at)))
