"""The policies a run may use, by the name a trace records."""

from __future__ import annotations

from agent.errors import UsageError
from policies.decide import MarginalPolicy, Policy

MARGINAL = "marginal"


def policy_named(name: str) -> Policy:
    """The policy called `name`. Raises UsageError for an unknown one."""
    if name != MARGINAL:
        raise UsageError(f"unknown policy '{name}'; known: {MARGINAL}")
    return MarginalPolicy()
