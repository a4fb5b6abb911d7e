"""How long a tier's endpoint takes, and how busy it is: learnt from its own answers, request by request.

Pure: from the requests of a run and what was last seen of the endpoint to seconds, so a replay says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.events import RequestDone
from agent.tiers.prompt import WITHIN, Beyond, Prompt, Signals
from agent.units import show_seconds

FIRST_TOKEN = 1.0
"""Seconds until an endpoint begins to answer, apart from reading the prompt."""

PREFILL_RATE, DECODE_RATE = 4_000.0, 60.0
"""Tokens per second, of a usual endpoint."""

PRIOR_REQUESTS = 1.0
"""How many requests the numbers above weigh."""

BYTES_PER_TOKEN = 3.6
"""Of code and English, in the vocabularies of today; less for other scripts."""

DECODED = 1_500.0
"""Tokens of an answer, reasoning included: a diagnosis and a few changed lines."""

CROWDED = 0.9
"""A cache that is fuller than this makes a self-hosted server put requests off."""


class Wait(NamedTuple):
    """Seconds, and what for; "" for none."""

    seconds: float = 0.0
    why: str = ""


NONE = Wait()


@dataclass(frozen=True)
class Pace:
    """What to expect of one request: tokens of its answer for each candidate that it asks for, bytes to a
    token of its prompt, and seconds. queue: how long the endpoint will let it wait; seen: what it last said
    of its load, as of now. beyond: where it broke its bounds."""

    decoded: float = DECODED
    bytes_per_token: float = BYTES_PER_TOKEN
    prefill_rate: float = PREFILL_RATE
    decode_rate: float = DECODE_RATE
    queue: Wait = NONE
    seen: Signals = field(default_factory=Signals)
    beyond: Beyond = WITHIN

    def tokens(self, prompt: Prompt) -> float:
        """Tokens to be read, cached ones included."""
        return min(prompt.size / self.bytes_per_token, prompt.most_tokens)

    def answer(self, prompt: Prompt) -> float:
        """Tokens to be written."""
        return min(prompt.candidates * self.decoded, prompt.max_output)

    def seconds(self, prefill: float, decode: float) -> float:
        """Expected seconds of a request with so many tokens to read (uncached) and to write, once it is
        worked on."""
        return FIRST_TOKEN + prefill / self.prefill_rate + decode / self.decode_rate

    def hold(self, prompt: Prompt) -> Wait:
        """How long this request is not to be sent: as long as the endpoint asks, or else until those of its
        limits that have too little left for it are full again."""
        asked = self.seen.retry_after
        if asked is not None:
            return Wait(asked, f"it is not to be asked again for {show_seconds(asked)}")
        tokens, answer = self.tokens(prompt), self.answer(prompt)
        need = {"requests": 1.0, "tokens": tokens + answer, "input": tokens, "output": answer}
        waits = [NONE]
        for limit in self.seen.limits:
            if limit.reset and limit.left < need[limit.kind]:
                few = f"has {limit.left} {_WORDS[limit.kind]} left of about {need[limit.kind]:.0f} needed,"
                used = few if limit.left else "is used up"
                waits.append(Wait(limit.reset, f"its rate limit {used} for {show_seconds(limit.reset)}"))
        return max(waits)

    def wait(self, prompt: Prompt) -> Wait:
        """How long this request will wait, here and there, as far as that can be foreseen."""
        return max(self.hold(prompt), self.queue)


_WORDS = {"requests": "requests", "tokens": "tokens", "input": "input tokens", "output": "output tokens"}


def pace_of(calls: Sequence[RequestDone], seen: Signals) -> Pace:
    """The pace of an endpoint after these requests to it, with what was last seen of its load."""
    good = [call for call in calls if call.usage is not None and not call.failure]
    decode = sum(call.usage.decode for call in good if call.usage)
    read = sum(call.usage.input for call in good if call.usage)
    uncached = sum(call.usage.input - call.usage.cached for call in good if call.usage)
    first = sum(max(0.0, call.first_token_seconds - FIRST_TOKEN) for call in good)
    writing = sum(max(0.0, call.seconds - call.first_token_seconds) for call in good)
    return Pace(
        decoded=(PRIOR_REQUESTS * DECODED + decode)
        / (PRIOR_REQUESTS + sum(call.candidates for call in good)),
        bytes_per_token=_rate(sum(call.bytes for call in good), read, BYTES_PER_TOKEN, 2_000.0),
        prefill_rate=_rate(uncached, first, PREFILL_RATE, 1.0),
        decode_rate=_rate(decode, writing, DECODE_RATE, DECODED / DECODE_RATE),
        queue=_queue(calls, seen),
        seen=seen,
        beyond=Beyond(
            hidden=max((max(0, call.usage.input - call.bytes) for call in good if call.usage), default=0),
            longest=max((call.usage.decode for call in good if call.usage), default=0),
        ),
    )


def _rate(amount: float, per: float, prior: float, weight: float) -> float:
    """amount / per, with `prior` counted as `weight` units of what it is per."""
    return (prior * weight + amount) / (weight + per)


def _queue(calls: Sequence[RequestDone], seen: Signals) -> Wait:
    """How long a request will queue behind those that wait, or as long as the last one was put off."""
    waits = [NONE]
    each = _typical_seconds(calls)
    if seen.waiting:
        behind = each * seen.waiting / max(1.0, seen.running or 1.0)
        waits.append(Wait(behind, f"{seen.waiting:.0f} requests wait before ours"))
    elif seen.cache_use is not None and seen.cache_use > CROWDED:
        waits.append(Wait(each, f"its cache is {100 * seen.cache_use:.0f} % full"))
    # A wait that the endpoint had named is over; one that we chose may be needed again.
    named = any(_names_a_wait(call.signals) for call in calls[-2:-1])
    if calls and calls[-1].waited and not named:
        put_off = calls[-1].waited
        waits.append(Wait(put_off, f"its last request was put off for {show_seconds(put_off)}"))
    return max(waits)


def _names_a_wait(seen: Signals) -> bool:
    return seen.retry_after is not None or any(limit.reset and not limit.left for limit in seen.limits)


def _typical_seconds(calls: Sequence[RequestDone]) -> float:
    took = [call.seconds for call in calls if not call.failure]
    usual = FIRST_TOKEN + DECODED / DECODE_RATE
    return (PRIOR_REQUESTS * usual + sum(took)) / (PRIOR_REQUESTS + len(took))
