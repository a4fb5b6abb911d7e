"""Tiers that are models: from configuration to settings with every default in place, and what to expect."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from agent.errors import UsageError
from agent.sources import ModelTierSettings
from agent.task import ModelSettings
from agent.tiers.endpoint import is_key
from agent.tiers.pace import DECODED
from agent.tiers.pricing import PriceVector, price_of
from agent.tiers.prompt import Usage
from policies.estimates import LOCALISED, PLANNED, TierEstimate

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "compatible": ""}

WINDOW = 32_000
"""Tokens of context that a model is taken to have of which nothing is known."""

MAX_OUTPUT = 8_000
"""A fix of a few lines takes some hundred tokens; the rest is room for reasoning."""

USUAL_REQUEST, USUAL_SECONDS, MOST_PROMPT = Usage(prefill=3_000, decode=round(DECODED)), 30.0, 20_000
"""Tokens and seconds of a request of which nothing is known yet, and most tokens of its prompt."""

OWN_PLAN = 0.02
"""Logits that a plan adds to an attempt: models reason before they answer anyway."""

PRESETS = {
    "ANTHROPIC_API_KEY": (
        ModelTierSettings(name="haiku", provider="anthropic", model="claude-haiku-5-5"),
        ModelTierSettings(name="opus", provider="anthropic", model="claude-opus-5-5"),
    ),
    "OPENAI_API_KEY": (
        ModelTierSettings(name="luna", provider="openai", model="gpt-6-luna"),
        ModelTierSettings(name="sol", provider="openai", model="gpt-6.1-sol"),
    ),
}
"""With a vendor's key alone, and no tier configured: a cheap model, then a strong one."""


def preset_tiers(environment: Mapping[str, str] | None = None) -> tuple[ModelTierSettings, ...]:
    """The tiers that appear by themselves, cheap ones first, for the keys in the environment."""
    environment = os.environ if environment is None else environment
    ladders = [ladder for variable, ladder in PRESETS.items() if environment.get(variable, "").strip()]
    return tuple(tier for rung in zip(*ladders, strict=True) for tier in rung)


def model_settings(tier: ModelTierSettings) -> ModelSettings:
    """`tier` with its price, window and defaults. Raises UsageError for a model without a known price."""
    own = tier.provider == "compatible"
    if own and tier.base_url is None:
        raise UsageError(
            f"tier '{tier.name}': a compatible endpoint needs base_url = \"http://host:port/v1\""
        )
    try:
        price = price_of(tier.provider, tier.model, tier.price)
    except UsageError as error:
        raise UsageError(f"tier '{tier.name}': {error}") from None
    window = tier.context_window or price.context_window or WINDOW
    return ModelSettings(
        name=tier.name,
        provider=tier.provider,
        model=tier.model,
        base_url=tier.base_url or "",
        key_variable=KEYS[tier.provider] if tier.key_variable is None else tier.key_variable,
        price=price,
        window=window,
        max_output=min(tier.max_output or MAX_OUTPUT, window // 2),
        effort=tier.effort,
        structured=not own if tier.structured is None else tier.structured,
        seconds=tier.timeout,
        metrics=own if tier.metrics is None else tier.metrics,
    )


def lacks_key(model: ModelSettings) -> str:
    """That the variable of the tier's key is not set, "" if it is or none is needed."""
    lacking = model.key_variable and not os.environ.get(model.key_variable, "").strip()
    return f"{model.key_variable} is not set" if lacking else ""


def key_of(model: ModelSettings) -> str:
    """The tier's key, "" where it needs none. Raises UsageError when its variable is not set, or
    holds more than a key."""
    if problem := lacks_key(model):
        raise UsageError(
            f"tier '{model.name}': {problem}; set it, or leave the tier out by naming others: --tier repair"
        )
    key = os.environ.get(model.key_variable, "").strip()
    if key and not is_key(key):
        raise UsageError(
            f"tier '{model.name}': {model.key_variable} holds white space, a control character or letters "
            "that no key has; set it to the key alone"
        )
    return key


def clipped(tier: ModelTierSettings, model: ModelSettings) -> str:
    """That the model cannot give as much in one answer as `tier` asks for, "" if it can."""
    if tier.max_output is None or tier.max_output <= model.max_output:
        return ""
    return (
        f"tier '{tier.name}': max_output = {tier.max_output} is cut to {model.max_output}, half of its "
        f"context_window of {model.window} tokens"
    )


def prior_of(tier: ModelTierSettings, model: ModelSettings) -> TierEstimate:
    """What is expected of a model before anything was learnt of it; dollars and seconds are those of a usual
    request, and quoted anew for every prompt."""
    ability = ability_by_price(model.price) if tier.ability is None else tier.ability
    dollars, worst = model.price.dollars(USUAL_REQUEST), model.price.worst(MOST_PROMPT, model.max_output)
    return TierEstimate(
        name=model.name,
        ability=ability,
        discrimination=1.2,
        dollars=dollars,
        seconds=USUAL_SECONDS,
        worst_dollars=max(dollars, worst),
        worst_seconds=max(USUAL_SECONDS, model.seconds),
        attempts=tier.attempts,
        overfit=0.1,
        retry=0.6,
        knowledge_gain=((LOCALISED, 0.5), (PLANNED, OWN_PLAN)),
        can_plan=True,
        plan_dollars=dollars,
        plan_seconds=USUAL_SECONDS,
        plan_worst_dollars=max(dollars, worst),
        plan_worst_seconds=max(USUAL_SECONDS, model.seconds),
        reason="dearer models solve more: a prior by price, until finished runs have taught better",
    )


def ability_by_price(price: PriceVector) -> float:
    """Ability in logits (tasks are about standard normal) of a model nothing else is known of.

    Models at $0.5, $10 and $50 per million decoded tokens are taken to solve 56 %, 86 % and 93 % of average
    tasks; one that costs nothing is taken for a small one."""
    decode = max(price.rates.decode, 0.3)
    return 0.5 + 0.43 * math.log(decode)
