"""What a request to a model is quoted at, phase by phase, before it is sent: a pure function of the state.

Expected: prefill of what no cache holds, cached reads of what one should, and decoding, at the tier's prices.
Worst case: every byte of the prompt a token, at the dearest price input can have, and the longest answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.pieces import MOST_READINGS, case_of, chosen_pieces, model_named
from agent.state import State
from agent.task import ModelSettings
from agent.tiers.model import form_of
from agent.tiers.pace import Pace, Wait, pace_of
from agent.tiers.prompt import Prompt, Signals, Usage
from agent.tiers.prompts import Case, Shown, act_prompt, plan_prompt, review_prompt
from agent.units import show_seconds
from policies.context import Piece
from policies.estimates import CheckEstimate, TierEstimate, cap
from policies.vocabulary import StepKind

OUT_OF_REACH = 1e9
"""Dollars of what cannot be bought."""

USUAL_DIFF = 2_000
"""Bytes of a candidate's diff that a review is quoted with."""

EMPTY = Prompt("", (), "", 0)
"""In place of a prompt where nothing depends on it."""

CACHED_FOR = 300.0
"""Seconds for which a prompt cache is taken to hold a prefix."""


@dataclass(frozen=True)
class Attempt:
    """The next attempt of a model, as large as it will be sent. alone: the same for a single candidate; runs:
    of the failing tests, to be expected."""

    prompt: Prompt
    alone: Prompt
    runs: float = 1.0


def quoted(
    tier: TierEstimate, model: ModelSettings, state: State, case: Case, attempt: Attempt
) -> TierEstimate:
    """`tier` with the dollars and seconds of its next attempt, and of its next plan of this case."""
    pace, testing = pace_in(state, tier.name), testing_seconds(state)
    cached = held(attempt.alone, StepKind.ACT, model, state)
    dollars, seconds = expected(attempt.prompt, model, pace, cached)
    alone, _ = expected(attempt.alone, model, pace, cached)
    planning = plan_prompt(case, form_of(model, pace.beyond))
    plan_dollars, plan_seconds = expected(planning, model, pace, held(planning, StepKind.PLAN, model, state))
    return replace(
        tier,
        candidates=attempt.prompt.candidates,
        alone=alone / dollars if dollars else 1.0,
        dollars=dollars,
        worst_dollars=worst(attempt.prompt, model),
        seconds=seconds + attempt.runs * testing,
        worst_seconds=_most(seconds, pace.wait(attempt.prompt), tier.worst_seconds)
        + cap(attempt.prompt.candidates * testing),
        plan_dollars=plan_dollars,
        plan_worst_dollars=worst(planning, model),
        plan_seconds=plan_seconds,
        plan_worst_seconds=_most(plan_seconds, pace.wait(planning), tier.plan_worst_seconds),
    )


def _most(seconds: float, wait: Wait, timeout: float) -> float:
    """The time limit of a request that is expected to take `seconds`, its wait among them."""
    return max(seconds, wait.seconds + timeout)


def testing_seconds(state: State) -> float:
    """What a run of the failing tests takes, which is part of every attempt."""
    return state.reproduction.seconds_each * len(state.targets) if state.reproduction else 0.0


def pace_in(state: State, tier: str) -> Pace:
    """What to expect of the tier's endpoint now: of the seconds for which it asked not to be asked,
    those that have passed since do not count."""
    seen = state.seen.get(tier, Signals())
    seen = seen.later(max(0.0, state.spent.seconds - state.seen_at.get(tier, 0.0)))
    return pace_of(state.calls.get(tier, ()), seen)


def queues(state: State) -> tuple[str, ...]:
    """Which endpoints would make a request wait, for how long and why, in words."""
    waits = {
        model.name: _next_wait(model, state)
        for model in state.settings.models
        if model.name not in state.gone
    }
    return tuple(
        f"{name} is busy, {show_seconds(wait.seconds)} are in its quote: {wait.why}"
        for name, wait in waits.items()
        if wait.seconds >= 0.1
    )


def _next_wait(model: ModelSettings, state: State) -> Wait:
    """What the next attempt would wait; its prompt is made only where the wait depends on it."""
    pace = pace_in(state, model.name)
    if not pace.seen.limits:
        return pace.wait(EMPTY)
    return pace.wait(sized_act(sized_case(state, chosen_pieces(state, model.name)), model, state))


def quoted_review(check: CheckEstimate, reviewer: ModelSettings | None, state: State) -> CheckEstimate:
    """`check` with the dollars and seconds of a review by this model; out of reach where there is none."""
    if reviewer is None:
        return replace(check, dollars=OUT_OF_REACH, worst_dollars=OUT_OF_REACH)
    pace = pace_in(state, reviewer.name)
    case = sized_case(state, chosen_pieces(state, reviewer.name))
    prompt = review_prompt(case, USUAL_DIFF * "x", form_of(reviewer, pace.beyond))
    cached = held(prompt, StepKind.VERIFY, reviewer, state)
    dollars, seconds = expected(prompt, reviewer, pace, cached)
    return replace(
        check,
        dollars=dollars,
        worst_dollars=worst(prompt, reviewer),
        seconds=seconds,
        worst_seconds=_most(seconds, pace.wait(prompt), reviewer.seconds),
    )


def reviewer(state: State) -> ModelSettings | None:
    """Who would review the candidate in hand: the ablest model at hand besides its author; None if there is
    none, or none that has an opinion."""
    hand = state.hand
    if hand is not None and hand.tree in state.unreviewed:
        return None
    author = hand.tier if hand else ""
    able = [tier for tier in state.settings.tiers if tier.name != author and tier.name not in state.gone]
    for tier in sorted(able, key=lambda tier: tier.ability, reverse=True):
        if (model := model_named(state, tier.name)) is not None:
            return model
    return None


def sized_case(state: State, pieces: tuple[Piece, ...]) -> Case:
    """What a model is told next, with as many bytes in place of what stands in the repository."""
    return case_of(state, tuple(Shown(piece, "x" * piece.size) for piece in pieces))


def sized_act(case: Case, model: ModelSettings, state: State, candidates: int = 1) -> Prompt:
    """The prompt of the next attempt, as large as it will be."""
    may_ask = state.readings < MOST_READINGS
    form = form_of(model, pace_in(state, model.name).beyond)
    return act_prompt(case, form, candidates=candidates, may_ask=may_ask)


def expected(prompt: Prompt, model: ModelSettings, pace: Pace, cached: int) -> tuple[float, float]:
    """Dollars and seconds expected of one request, of whose bytes a cache holds so many."""
    tokens, decode = pace.tokens(prompt), pace.answer(prompt)
    stable = min(cached / pace.bytes_per_token, tokens)
    usage = Usage(prefill=round(tokens) - round(stable), cached=round(stable), decode=round(decode))
    seconds = pace.wait(prompt).seconds + pace.seconds(tokens - stable, decode)
    return model.price.dollars(usage), seconds


def worst(prompt: Prompt, model: ModelSettings) -> float:
    """The most that one request can cost, dollars."""
    return model.price.worst(prompt.most_tokens, prompt.most_output)


def held(prompt: Prompt, kind: StepKind, model: ModelSettings, state: State) -> int:
    """Bytes of the prompt that the endpoint's cache should still hold: what it begins with in common with the
    last one to this tier in a step of this kind, if that is recent enough."""
    last = state.asked.get((model.name, kind))
    if last is None or state.spent.seconds - last.at >= CACHED_FOR:
        return 0
    earlier = replace(state, read=state.read[: last.read], readings=min(state.readings, last.readings))
    blocks = len(chosen_pieces(earlier, model.name)) + 1  # and that of the tests
    return len("".join((prompt.system, *prompt.stable[:blocks])).encode())
