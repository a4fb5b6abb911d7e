"""What each tier that was asked took, folded from its requests."""

from __future__ import annotations

from agent.events import RequestDone
from agent.state import Search, State
from agent.task import Record
from policies.amounts import show_money


class TierBill(Record):
    """requests: sent to its endpoint, also those for a plan, a review or more to read; failed: those that
    failed; lost: those without an answer, as the run was cut off. attempts: how often it was asked for a
    patch, to the end. prefill, cached, written, decode: tokens, as reported of requests that did not fail
    (`agent.tiers.prompt.Usage`). dollars: as booked; guessed: the part of them that is worst cases, as
    nothing says what those requests cost. seconds: of its requests, with the waits before them."""

    tier: str
    requests: int
    failed: int
    lost: int = 0
    attempts: int
    prefill: int
    cached: int
    written: int
    decode: int
    dollars: float
    guessed: float
    seconds: float

    def line(self) -> str:
        """`strong  3 requests, 4,120 tokens in (2,000 cached), 450 out, $0.0249`."""
        ends = [f"{many} {how}" for many, how in ((self.failed, "failed"), (self.lost, "cut off")) if many]
        failed = f" ({', '.join(ends)})" if ends else ""
        parts = [f"{self.requests} request{'' if self.requests == 1 else 's'}{failed}"]
        tokens = self.prefill + self.cached + self.written
        if tokens:
            cached = f" ({self.cached:,} cached)" if self.cached else ""
            parts += [f"{tokens:,} tokens in{cached}", f"{self.decode:,} out"]
        parts.append(show_money(self.dollars))
        guessed = "all" if self.guessed == self.dollars else show_money(self.guessed)
        worst = f" ({guessed} of it worst cases)" if self.guessed else ""
        return f"{self.tier:<10}  {', '.join(parts)}{worst}"


def tier_bills(state: State) -> tuple[TierBill, ...]:
    """One for each tier that was asked, in the order of the ladder. A request under way counts as cut
    off, at its worst case: that is what resuming the run would book."""
    names = [tier.name for tier in state.settings.tiers]
    bills = (_bill(name, _calls(state, name), state.searches.get(name, Search())) for name in names)
    return tuple(bill for bill in bills if bill.requests)


def _calls(state: State, tier: str) -> tuple[RequestDone, ...]:
    calls = state.calls.get(tier, ())
    lost = state.lost_request
    return calls if lost is None or lost.tier != tier else (*calls, lost)


def _bill(tier: str, calls: tuple[RequestDone, ...], search: Search) -> TierBill:
    used = [call.usage for call in calls if call.usage is not None and not call.failure]
    return TierBill(
        tier=tier,
        requests=len(calls),
        failed=sum(call.failure not in ("", "lost") for call in calls),
        lost=sum(call.failure == "lost" for call in calls),
        attempts=len(search.used),
        prefill=sum(usage.prefill for usage in used),
        cached=sum(usage.cached for usage in used),
        written=sum(usage.written + usage.written_long for usage in used),
        decode=sum(usage.decode for usage in used),
        dollars=sum(call.dollars for call in calls),
        guessed=sum(call.dollars for call in calls if call.guessed),
        seconds=sum(call.waited + call.seconds for call in calls),
    )
