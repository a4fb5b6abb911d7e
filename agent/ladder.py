"""The ladder of tiers of a run, built from configuration. The embedded tier needs none."""

from __future__ import annotations

from agent.errors import UsageError
from agent.settings import REPAIR, Resolved
from agent.sources import user_settings
from agent.task import Settings
from agent.tiers.interface import Tier
from agent.tiers.scripted import ScriptedTier


def build(resolved: Resolved) -> dict[str, Tier]:
    """The configured tiers that this run uses, by name. Raises UsageError."""
    return {
        tier.name: ScriptedTier.load(tier.name, tier.script)
        for tier in resolved.tiers
        if tier.name in resolved.tier_names
    }


def reopened(settings: Settings) -> dict[str, Tier]:
    """The tiers a trace names, from today's configuration. Raises UsageError if one is gone."""
    configured = {tier.name: tier for tier in user_settings({}).tiers}
    wanted = [tier.name for tier in settings.tiers if tier.name != REPAIR]
    for name in wanted:
        if name not in configured:
            raise UsageError(f"the trace uses tier '{name}', which is no longer configured")
    return {name: ScriptedTier.load(name, configured[name].script) for name in wanted}
