"""One question to an endpoint, paid for: reserved, put on record, sent, settled, and tried again if that
pays.

Retries are ours and not the SDK's, so that each one's money and time are on the books. A request that may
have been billed without our knowing how much is booked at its worst case; the next is sent only if its own
worst case still fits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from agent.events import RequestDone
from agent.purse import Purse
from agent.tiers.interface import FRESH, Standing, TierUnavailable
from agent.tiers.pace import Pace
from agent.tiers.pricing import PriceVector
from agent.tiers.prompt import CallFailed, Client, Completion, Prompt
from agent.units import show_seconds

MOST_TRIES = 4
FIRST_WAIT, MOST_WAIT = 0.5, 20.0
"""Seconds before the second try, doubled from try to try, unless the endpoint names its own."""

LEAST_TIMEOUT = 5.0
"""Seconds below which no request is sent: it would be paid for and hardly answered."""


@dataclass(frozen=True)
class Caller:
    """How a tier's endpoint is asked. `most_seconds`: timeout of one request. `redact`: takes secrets out of
    text. The clock is monotonic seconds; a simulation has its own."""

    tier: str
    client: Client
    price: PriceVector
    most_seconds: float
    redact: Callable[[str], str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ask(
        self,
        prompt: Prompt,
        purse: Purse,
        seconds: float,
        store: Callable[[bytes], str],
        standing: Standing = FRESH,
    ) -> Completion:
        """The completion. `seconds`: all of it, waits included, may take. `store` keeps a body.

        Raises TierUnavailable when the endpoint cannot or will not answer within time and money, and
        LimitExceeded when not even the first request fits.
        """
        begun = self.clock()
        until, deadline = begun + seconds, begun + max(seconds, standing.seconds)
        worst = self.price.worst(prompt.most_tokens, prompt.most_output)
        takes = standing.pace.seconds(standing.pace.tokens(prompt), standing.pace.answer(prompt))
        takes = max(LEAST_TIMEOUT, min(takes, self.most_seconds))
        body = store("\n\n".join((prompt.system, *prompt.stable, prompt.fresh)).encode())
        # Never so long that no time is left to ask: what was told of the load may be wrong.
        waited = min(standing.pace.hold(prompt).seconds, max(0.0, seconds - LEAST_TIMEOUT))
        tries = min(standing.tries, MOST_TRIES - 1)
        while True:
            self.sleep(waited)
            timeout = min(self.most_seconds, until - self.clock())
            purse.open(self.tier, worst, body)
            began, tries = self.clock(), tries + 1
            try:
                completion = self.client.complete(prompt, timeout)
            except CallFailed as failure:
                purse.settle(self._failed(failure, prompt, worst, self.clock() - began, waited))
                waited = _pause(tries, replace(standing.pace, seen=failure.signals), prompt)
                left, in_run = until - self.clock(), deadline - self.clock()
                lacking = 0.0 if purse.fits(worst) else worst
                if (end := _end(failure, tries, waited, takes, left, in_run, lacking)) is not None:
                    message = f"{failure.message}{end.why}"
                    raise TierUnavailable(self.tier, failure.kind, message, end.wait) from None
                purse.waiting(waited)
            else:
                purse.settle(self._answered(completion, prompt, worst, waited, store))
                return completion

    def _failed(
        self, failure: CallFailed, prompt: Prompt, worst: float, seconds: float, waited: float
    ) -> RequestDone:
        dollars = worst if failure.maybe_billed else 0.0
        if failure.usage is not None:  # it may have been reported beyond every bound
            dollars = max(dollars, self.price.dollars(failure.usage))
        return RequestDone(
            tier=self.tier,
            dollars=dollars,
            usage=failure.usage,
            failure=failure.kind,
            message=self.redact(failure.message),
            bytes=prompt.size,
            candidates=prompt.candidates,
            seconds=seconds,
            waited=waited,
            signals=failure.signals,
        )

    def _answered(
        self,
        completion: Completion,
        prompt: Prompt,
        worst: float,
        waited: float,
        store: Callable[[bytes], str],
    ) -> RequestDone:
        usage = completion.usage
        return RequestDone(
            tier=self.tier,
            dollars=worst if usage is None else self.price.dollars(usage),
            usage=usage,
            stop=completion.stop,
            answer=store(completion.text.encode("utf-8", "replace")),
            model=completion.model,
            request_id=completion.request_id,
            bytes=prompt.size,
            candidates=prompt.candidates,
            first_token_seconds=completion.first_token_seconds,
            seconds=completion.seconds,
            waited=waited,
            signals=completion.signals,
        )


def _pause(tries: int, pace: Pace, prompt: Prompt) -> float:
    """Seconds before the next try: as long as the endpoint says, and not at once."""
    wait: float = min(MOST_WAIT, FIRST_WAIT * 2 ** (tries - 1))
    return max(wait, pace.hold(prompt).seconds)


class _End(NamedTuple):
    """No other try follows in this step, and why. wait: seconds after which one may in another step."""

    why: str
    wait: float | None = None


def _end(
    failure: CallFailed, tries: int, wait: float, takes: float, left: float, in_run: float, lacking: float
) -> _End | None:
    """Whether this was the last try, when the next could follow after `wait` seconds and is expected to take
    `takes`. left, in_run: seconds left of the step, and of the run's deadline; lacking: dollars of another
    try, 0 if they are there."""
    number = "1 try" if tries == 1 else f"{tries} tries"
    if failure.lasting:
        return _End("")
    if tries == MOST_TRIES:
        return _End(f" ({number})")
    if lacking:
        return _End(f" ({number}; another may cost ${lacking:.3g}, and that much is not left)")
    if wait + takes <= left:
        return None
    next_try = f"{number}; the next could be in {show_seconds(wait)}"
    if wait + LEAST_TIMEOUT > in_run:
        return _End(f" ({next_try}, and of the deadline {show_seconds(max(0.0, in_run))} are left)")
    return _End(f" ({next_try}, and of this step {show_seconds(max(0.0, left))} are left)", wait)
