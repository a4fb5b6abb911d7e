"""What a request to a model is quoted at, phase by phase, before it is sent: a pure function of the state.

Expected: prefill of what no cache holds, cached reads of what one should, and decoding, at the tier's prices.
Worst case: every byte of the prompt a token, at the dearest price input can have, and the longest answer.
"""

from __future__ import annotations

from dataclasses import replace

from agent.pieces import MOST_READINGS, case_of, chosen_pieces, model_named
from agent.state import State
from agent.task import ModelSettings
from agent.tiers.model import form_of
from agent.tiers.pace import Pace, pace_of
from agent.tiers.prompt import Prompt, Signals, Usage
from agent.tiers.prompts import Case, Shown, act_prompt, plan_prompt, review_prompt
from policies.estimates import CheckEstimate, TierEstimate, cap

OUT_OF_REACH = 1e9
"""Dollars of what cannot be bought."""

USUAL_DIFF = 2_000
"""Bytes of a candidate's diff that a review is quoted with."""

CACHED_FOR = 300.0
"""Seconds for which a prompt cache is taken to hold a prefix."""


def quoted(tier: TierEstimate, model: ModelSettings, state: State) -> TierEstimate:
    """`tier` with the dollars and seconds of its next attempt and its next plan."""
    pace = pace_in(state, tier.name)
    case = sized_case(model, state)
    acting, planning = sized_act(case, model, state), plan_prompt(case, form_of(model))
    testing, warm = testing_seconds(state), _warm(tier.name, state)
    dollars, seconds = _expected(acting, model, pace, warm)
    plan_dollars, plan_seconds = _expected(planning, model, pace, warm)
    return replace(
        tier,
        dollars=dollars,
        worst_dollars=_worst(acting, model),
        seconds=seconds + testing,
        worst_seconds=max(seconds, tier.worst_seconds) + cap(testing),
        plan_dollars=plan_dollars,
        plan_worst_dollars=_worst(planning, model),
        plan_seconds=plan_seconds,
        plan_worst_seconds=max(plan_seconds, tier.plan_worst_seconds),
    )


def testing_seconds(state: State) -> float:
    """What a run of the failing tests takes, which is part of every attempt."""
    return state.reproduction.seconds_each * len(state.targets) if state.reproduction else 0.0


def pace_in(state: State, tier: str) -> Pace:
    """What to expect of the tier's endpoint now: of the seconds until a rate limit is full again, those that
    have passed since it said so do not count."""
    seen = state.seen.get(tier, Signals())
    if seen.reset_seconds is not None:
        passed = max(0.0, state.spent.seconds - state.seen_at[tier])
        seen = replace(seen, reset_seconds=max(0.0, seen.reset_seconds - passed))
    return pace_of(state.calls.get(tier, ()), seen)


def queues(state: State) -> tuple[str, ...]:
    """Which endpoints would make a request wait, for how long and why, in words."""
    paces = {
        model.name: pace_in(state, model.name)
        for model in state.settings.models
        if model.name not in state.gone
    }
    return tuple(
        f"{name} is busy, {pace.wait:.0f} s are in its quote: {pace.why}"
        for name, pace in paces.items()
        if pace.wait >= 0.5
    )


def quoted_review(check: CheckEstimate, reviewer: ModelSettings | None, state: State) -> CheckEstimate:
    """`check` with the dollars and seconds of a review by this model; out of reach where there is none."""
    if reviewer is None:
        return replace(check, dollars=OUT_OF_REACH, worst_dollars=OUT_OF_REACH)
    pace = pace_in(state, reviewer.name)
    prompt = review_prompt(sized_case(reviewer, state), USUAL_DIFF * "x", form_of(reviewer))
    dollars, seconds = _expected(prompt, reviewer, pace, _warm(reviewer.name, state))
    return replace(
        check,
        dollars=dollars,
        worst_dollars=_worst(prompt, reviewer),
        seconds=seconds,
        worst_seconds=max(seconds, reviewer.seconds),
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


def sized_case(model: ModelSettings, state: State) -> Case:
    """What the model is told next, with as many bytes in place of what stands in the repository."""
    return case_of(state, tuple(Shown(piece, "x" * piece.size) for piece in chosen_pieces(state, model.name)))


def sized_act(case: Case, model: ModelSettings, state: State) -> Prompt:
    """The prompt of the next attempt, as large as it will be."""
    return act_prompt(case, form_of(model), may_ask=state.readings < MOST_READINGS)


def _expected(prompt: Prompt, model: ModelSettings, pace: Pace, warm: bool) -> tuple[float, float]:
    """Dollars and seconds expected of one request."""
    tokens = prompt.size / pace.bytes_per_token
    stable = len("".join((prompt.system, *prompt.stable)).encode()) / pace.bytes_per_token if warm else 0.0
    decode = min(pace.decoded, model.max_output)
    usage = Usage(prefill=round(tokens - stable), cached=round(stable), decode=round(decode))
    return model.price.dollars(usage), pace.seconds(tokens - stable, decode)


def _worst(prompt: Prompt, model: ModelSettings) -> float:
    return model.price.worst(prompt.most_tokens, model.max_output)


def _warm(tier: str, state: State) -> bool:
    """Whether the endpoint's cache should still hold the prefix: its last answer is recent enough."""
    last = state.asked_at.get(tier)
    return last is not None and state.spent.seconds - last < CACHED_FOR
