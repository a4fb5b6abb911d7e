"""How long a tier's endpoint takes, and how busy it is: learnt from its own answers, request by request.

Pure: from the requests of a run and what was last seen of the endpoint to seconds, so a replay says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.events import RequestDone
from agent.tiers.prompt import WITHIN, Beyond, Signals

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


@dataclass(frozen=True)
class Pace:
    """What to expect of one request: tokens of its answer for each candidate that it asks for, bytes to a
    token of its prompt, and seconds.

    beyond: where it broke its bounds. wait: seconds of queueing on top, as far as they can be foreseen; `why`
    says from what, "" if none."""

    decoded: float
    bytes_per_token: float
    prefill_rate: float
    decode_rate: float
    wait: float
    why: str
    beyond: Beyond = WITHIN

    def seconds(self, prefill: float, decode: float) -> float:
        """Expected seconds of a request with so many tokens to read (uncached) and to write."""
        return self.wait + FIRST_TOKEN + prefill / self.prefill_rate + decode / self.decode_rate


def pace_of(calls: Sequence[RequestDone], seen: Signals) -> Pace:
    """The pace of an endpoint after these requests to it, with what was last seen of its load."""
    good = [call for call in calls if call.usage is not None and not call.failure]
    decode = sum(call.usage.decode for call in good if call.usage)
    read = sum(call.usage.input for call in good if call.usage)
    uncached = sum(call.usage.input - call.usage.cached for call in good if call.usage)
    first = sum(max(0.0, call.first_token_seconds - FIRST_TOKEN) for call in good)
    writing = sum(max(0.0, call.seconds - call.first_token_seconds) for call in good)
    wait, why = _wait(calls, seen)
    return Pace(
        decoded=(PRIOR_REQUESTS * DECODED + decode)
        / (PRIOR_REQUESTS + sum(call.candidates for call in good)),
        bytes_per_token=_rate(sum(call.bytes for call in good), read, BYTES_PER_TOKEN, 2_000.0),
        prefill_rate=_rate(uncached, first, PREFILL_RATE, 1.0),
        decode_rate=_rate(decode, writing, DECODE_RATE, DECODED / DECODE_RATE),
        wait=wait,
        why=why,
        beyond=Beyond(
            hidden=max((max(0, call.usage.input - call.bytes) for call in good if call.usage), default=0),
            longest=max((call.usage.decode for call in good if call.usage), default=0),
        ),
    )


def _rate(amount: float, per: float, prior: float, weight: float) -> float:
    """amount / per, with `prior` counted as `weight` units of what it is per."""
    return (prior * weight + amount) / (weight + per)


def _wait(calls: Sequence[RequestDone], seen: Signals) -> tuple[float, str]:
    """Seconds a request will queue: until a rate limit is full again, behind those that wait, or as long as
    the last one was put off."""
    waits = [(0.0, "")]
    if 0 in (seen.requests_left, seen.tokens_left) and seen.reset_seconds:
        waits.append((seen.reset_seconds, f"its rate limit is used up for {seen.reset_seconds:.0f} s"))
    each = _typical_seconds(calls)
    if seen.waiting:
        behind = each * seen.waiting / max(1.0, seen.running or 1.0)
        waits.append((behind, f"{seen.waiting:.0f} requests wait before ours"))
    elif seen.cache_use is not None and seen.cache_use > CROWDED:
        waits.append((each, f"its cache is {100 * seen.cache_use:.0f} % full"))
    put_off = [call.waited for call in calls[-1:] if call.waited]
    if put_off:
        waits.append((put_off[0], f"its last request was put off for {put_off[0]:.0f} s"))
    return max(waits)


def _typical_seconds(calls: Sequence[RequestDone]) -> float:
    took = [call.seconds for call in calls if not call.failure]
    usual = FIRST_TOKEN + DECODED / DECODE_RATE
    return (PRIOR_REQUESTS * usual + sum(took)) / (PRIOR_REQUESTS + len(took))
