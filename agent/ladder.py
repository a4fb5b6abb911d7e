"""The ladder of tiers of a run, built from configuration. The embedded tier needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from agent.errors import UsageError
from agent.redact import Redactor
from agent.settings import REPAIR, Resolved, user_tiers
from agent.sources import ModelTierSettings, TierSettings, user_settings
from agent.task import ModelSettings, Settings
from agent.tiers.calling import Caller
from agent.tiers.endpoint import BASE_URLS
from agent.tiers.interface import Tier
from agent.tiers.model import ModelTier
from agent.tiers.models import clipped, key_of, lacks_key, model_settings, prior_of
from agent.tiers.prompt import Client, Completion, Prompt
from agent.tiers.scripted import ScriptedTier

MENDABLE = ("model", "base_url", "metrics", "seconds")
"""Settings of a model that no quote depends on; nor does the trace know its key by them."""


def build(resolved: Resolved, *, keys: bool = True) -> dict[str, Tier]:
    """The configured tiers that this run uses, by name. keys: each must have its key; else those without one
    can be looked at, and not asked. Raises UsageError."""
    used = [tier for tier in resolved.tiers if tier.name in resolved.tier_names]
    return {tier.name: _opened(tier, keys=keys) for tier in used}


def notes_on(resolved: Resolved, tiers: Mapping[str, Tier]) -> tuple[str, ...]:
    """What of their settings could not be had as it was stated."""
    notes = (
        clipped(stated, tier.settings)
        for stated in resolved.tiers
        if isinstance(stated, ModelTierSettings) and isinstance(tier := tiers.get(stated.name), ModelTier)
    )
    return tuple(filter(None, notes))


def reopened(settings: Settings) -> dict[str, Tier]:
    """The tiers a trace names, from today's configuration: a trace says nothing of where keys may be sent.

    What makes a tier that could not be asked work again may have changed (`MENDABLE`). Raises UsageError if
    one is gone, or is quoted otherwise now."""
    configured = {tier.name: tier for tier in user_tiers(user_settings({}))}
    models = {model.name: model for model in settings.models}
    tiers = dict[str, Tier]()
    for name in (tier.name for tier in settings.tiers if tier.name != REPAIR):
        if name not in configured:
            raise UsageError(f"the trace uses tier '{name}', which is no longer configured")
        tier = tiers[name] = _opened(configured[name])
        now, then = (tier.settings if isinstance(tier, ModelTier) else None), models.get(name)
        if now is not None and then is not None:
            then = then.model_copy(update={field: getattr(now, field) for field in MENDABLE})
        if now != then:
            raise UsageError(
                f"tier '{name}' has another price or window now than when the trace was begun, so its quotes "
                "would not hold; set it back, or begin a new run"
            )
    return tiers


def models_of(tiers: dict[str, Tier]) -> tuple[ModelSettings, ...]:
    """The settings of those tiers that are models, for the trace."""
    return tuple(tier.settings for tier in tiers.values() if isinstance(tier, ModelTier))


def _opened(tier: TierSettings, *, keys: bool = True) -> Tier:
    if not isinstance(tier, ModelTierSettings):
        return ScriptedTier.load(tier.name, tier.script)
    model = model_settings(tier)
    client = _Lazily(partial(_client, model, key_of(model) if keys or not lacks_key(model) else ""))
    caller = Caller(tier.name, client, model.price, model.seconds, Redactor(also=[model.key_variable]))
    return ModelTier(model, prior_of(tier, model), caller)


def _client(model: ModelSettings, key: str) -> Client:
    """The SDKs take half a second to import, so only the one that is used is, and only when it is."""
    url = model.base_url or BASE_URLS[model.provider]
    match model.provider:
        case "openai":
            from agent.tiers.openai_responses import OpenAIResponses

            writes = model.price.rates.written > model.price.rates.prefill
            return OpenAIResponses(model.model, key, url, breakpoints=writes)
        case "anthropic":
            from agent.tiers.anthropic_messages import AnthropicMessages

            return AnthropicMessages(model.model, key, url)
        case "compatible":
            from agent.tiers.openai_chat import OpenAIChat

            return OpenAIChat(model.model, key, url, structured=model.structured)


class _Lazily:
    """A `Client` that is made when it is first asked."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._client: Client | None = None

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        """See `agent.tiers.prompt.Client`."""
        return self._made().complete(prompt, timeout)

    def check(self, timeout: float) -> None:
        """See `agent.tiers.prompt.Client`."""
        self._made().check(timeout)

    def close(self) -> None:
        """See `agent.tiers.prompt.Client`."""
        if self._client is not None:
            self._client.close()

    def _made(self) -> Client:
        self._client = self._client or self._make()
        return self._client
