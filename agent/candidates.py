"""How many candidates the next request to a model asks for: by price, a pure function of the state, so that
what is quoted and what is sent are the same prompt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from agent.options import exhausted
from agent.quoting import Attempt, expected, held, pace_in, sized_act, testing_seconds, worst
from agent.state import State
from agent.task import ModelSettings
from agent.tiers.model import MOST_CANDIDATES
from agent.tiers.prompt import Prompt
from agent.tiers.prompts import Case
from policies.candidates import first_right, runs, worthwhile
from policies.estimates import TierEstimate
from policies.posterior import Posterior
from policies.priors import default_estimates
from policies.vocabulary import StepKind

ROOM = 2.0
"""A reply may be so many times as long as expected: one that is cut off is lost with all its candidates."""


class Request(NamedTuple):
    """What a request with its tests is expected to take, in dollars and seconds, and its worst case."""

    dollars: float
    seconds: float
    worst: float


def next_attempt(case: Case, model: ModelSettings, state: State, tiers: tuple[TierEstimate, ...]) -> Attempt:
    """The next attempt of this model, with as many candidates as `policies.candidates.worthwhile` says and as
    fit in the longest answer and in the limits. `case` is as large as what the model will be told; `tiers`
    are those that stand."""
    tier = next(tier for tier in tiers if tier.name == model.name)
    alone, pace = sized_act(case, model, state), pace_in(state, model.name)
    most = min(MOST_CANDIDATES, int(model.max_output / (ROOM * pace.decoded)))
    if most < 2 or state.belief.preparations or exhausted(state, tier.name, tier.attempts):
        return Attempt(alone, alone)
    latency, testing = state.prices.latency, testing_seconds(state)

    def request(prompt: Prompt, tested: float, cached: int) -> Request:
        dollars, seconds = expected(prompt, model, pace, cached)
        return Request(dollars, seconds + tested * testing, worst(prompt, model))

    cached = held(alone, StepKind.ACT, model, state)
    again = len("".join((alone.system, *alone.stable)).encode())
    one, two = request(alone, 1.0, cached), request(replace(alone, candidates=2), 1.0, cached)
    first = _first_right(tier, most, state, tiers)
    number = worthwhile(
        first,
        each=two.dollars - one.dollars + latency * (two.seconds - one.seconds),
        run=latency * testing,
        instead=_instead(tier, one, request(alone, 1.0, again), state, tiers),
    )
    for asked in range(number, 1, -1):
        prompt, tested = sized_act(case, model, state, asked), runs(first, asked)
        if _fits(request(prompt, tested, cached), state):
            return Attempt(prompt, alone, tested)
    return Attempt(alone, alone)


def _first_right(
    tier: TierEstimate, most: int, state: State, tiers: tuple[TierEstimate, ...]
) -> tuple[float, ...]:
    known = replace(default_estimates(tiers), difficulty=state.settings.difficulty)
    posterior = Posterior(known, state.belief.abandoned().spending)
    return first_right(posterior, state.belief, tier, most)


def _instead(
    tier: TierEstimate, this: Request, again: Request, state: State, tiers: tuple[TierEstimate, ...]
) -> float:
    """What a right candidate saves, in dollars: the cheapest request to the same tier, or to one as able,
    that could be bought after this one; V where there is none."""
    prices = state.prices
    dollars, seconds = state.left.dollars - this.dollars, state.left.seconds - this.seconds
    saved = [prices.value]
    for other in tiers:
        own = other.name == tier.name
        taken = again if own else Request(other.dollars, other.seconds, other.worst_dollars)
        if other.slices or other.ability < tier.ability or exhausted(state, other.name, other.attempts - own):
            continue
        if taken.worst <= dollars and taken.seconds <= seconds:
            saved.append(taken.dollars + prices.latency * taken.seconds)
    return min(saved)


def _fits(request: Request, state: State) -> bool:
    """Asking for more must not be what a limit refuses: half of the time left is kept for verification."""
    return request.worst <= state.left.dollars and request.seconds <= state.left.seconds / 2
