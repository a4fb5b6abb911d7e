"""One question to an endpoint, paid for: reserved, put on record, sent, settled, and tried again if that
pays.

Retries are ours and not the SDK's, so that each one's money and time are on the books. A request that may
have been billed without our knowing how much is booked at its worst case; the next is sent only if its own
worst case still fits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.events import RequestDone
from agent.purse import Purse
from agent.tiers.interface import TierUnavailable
from agent.tiers.pricing import PriceVector
from agent.tiers.prompt import CallFailed, Client, Completion, Prompt

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

    def ask(self, prompt: Prompt, purse: Purse, seconds: float, store: Callable[[bytes], str]) -> Completion:
        """The completion. `seconds`: all of it, waits included, may take. `store` keeps a body.

        Raises TierUnavailable when the endpoint cannot or will not answer within time and money, and
        LimitExceeded when not even the first request fits.
        """
        until = self.clock() + seconds
        worst = self.price.worst(prompt.most_tokens, prompt.most_output)
        body = store("\n\n".join((prompt.system, *prompt.stable, prompt.fresh)).encode())
        waited = 0.0
        for number in range(1, MOST_TRIES + 1):
            timeout = min(self.most_seconds, until - self.clock())
            purse.open(self.tier, worst, body)
            began = self.clock()
            try:
                completion = self.client.complete(prompt, timeout)
            except CallFailed as failure:
                purse.settle(self._failed(failure, prompt, worst, self.clock() - began, waited))
                waited = self._wait(failure, number, worst, purse, until)
                self.sleep(waited)
            else:
                purse.settle(self._answered(completion, prompt, worst, waited, store))
                return completion
        raise AssertionError("the last try either answers or gives up")

    def _wait(self, failure: CallFailed, number: int, worst: float, purse: Purse, until: float) -> float:
        """Seconds before the next try. Raises TierUnavailable when there is to be none."""

        def gone(why: str) -> TierUnavailable:
            return TierUnavailable(self.tier, failure.kind, f"{failure.message}{why}")

        if failure.lasting:
            raise gone("")
        if number == MOST_TRIES:
            raise gone(f" ({number} tries)")
        wait: float = min(MOST_WAIT, FIRST_WAIT * 2 ** (number - 1))
        wait = max(wait, failure.retry_after or 0.0)
        left = until - self.clock()
        if wait + LEAST_TIMEOUT > left:
            in_time = f"the next would be in {wait:.0f} s and {max(0.0, left):.0f} s are left"
            raise gone(f" ({number} tries; {in_time})")
        if not purse.fits(worst):
            raise gone(f" ({number} tries; another may cost ${worst:.3g}, and that much is not left)")
        return wait

    def _failed(
        self, failure: CallFailed, prompt: Prompt, worst: float, seconds: float, waited: float
    ) -> RequestDone:
        return RequestDone(
            tier=self.tier,
            dollars=worst if failure.maybe_billed else 0.0,
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
