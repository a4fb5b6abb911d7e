"""Which parts of the repository a model is given in a state, and how what it asks to read is found.

Text only: nothing here parses code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from agent.state import State
from agent.task import ModelSettings
from agent.tiers.pace import BYTES_PER_TOKEN, PREFILL_RATE
from agent.tiers.pieces import asked_piece
from agent.tiers.prompt import Usage
from agent.tiers.prompts import Case, Shown
from agent.tiers.reply_text import Ask
from policies.context import Piece, choose
from tools.base import Base

PROMPT_SHARE = 0.8
"""Of the context window beside the longest answer, what pieces may fill; the rest is for instructions and
notes."""

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

_choose = lru_cache(maxsize=8)(choose)
"""Kept, as what is quoted is then asked with the same pieces."""


def model_named(state: State, tier: str) -> ModelSettings | None:
    """The model behind a tier; None for a tier that is none."""
    return next((model for model in state.settings.models if model.name == tier), None)


def chosen_pieces(state: State, tier: str) -> tuple[Piece, ...]:
    """The pieces that are worth their price in a prompt for this tier; what a model lacks and can ask for
    costs a short request at most. Empty for a tier that is no model."""
    model = model_named(state, tier)
    if model is None:
        return ()
    found = state.localised.pieces if state.localised else ()
    tokens, prices = max(0, model.window - model.max_output), state.settings.prices
    rates = model.price.rates
    each = (rates.prefill + OTHER_CALLS * rates.cached) / 1e6 + prices.latency / PREFILL_RATE
    asking = model.price.dollars(ASKING) + prices.latency * ASKING_SECONDS
    may_ask = state.readings < MOST_READINGS
    return _choose(
        (*found, *state.read),
        dollars_per_byte=each / BYTES_PER_TOKEN,
        value=min(prices.value, asking) if may_ask else prices.value,
        window_bytes=int(PROMPT_SHARE * tokens),  # a token is a byte at worst
    )


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


def found_for(asks: Iterable[Ask], base: Base, state: State, tier: str) -> tuple[Piece, ...]:
    """The pieces that answer what a tier asked to read, without those of which it was given every line."""
    given = (*state.read, *chosen_pieces(state, tier))
    seen = {(piece.path, line) for piece in given for line in range(piece.first, piece.last + 1)}
    found = dict[tuple[str, int, int], Piece]()
    for ask in list(asks)[:MOST_ASKS]:
        for wanted in (ask,) if ask.kind == "file" else _hits(base, ask.what):
            piece = asked_piece(wanted, base.read, rank=len(found) + 1)
            if piece is None:
                continue
            if any((piece.path, line) not in seen for line in range(piece.first, piece.last + 1)):
                found.setdefault((piece.path, piece.first, piece.last), piece)
    return tuple(found.values())


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
