"""The policies a run may use, by the name a trace records."""

from __future__ import annotations

from agent.errors import UsageError
from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.baselines import RULES, Baseline
from policies.decide import MarginalPolicy, Policy

MARGINAL = "marginal"
POLICIES = (MARGINAL, *RULES)
"""The default, and the baselines to compare it with."""

ALSO = {"always-cheapest": "cheapest", "always-dearest": "dearest"}
"""Other names of baselines, as they are called elsewhere."""


def check_policy(name: str) -> str:
    """The policy that `name` means, by the name a trace records. Raises UsageError for an unknown one."""
    found = ALSO.get(name, name)
    if found not in POLICIES:
        also = ", ".join(f"{other} for {known}" for other, known in ALSO.items())
        raise UsageError(f"unknown policy '{name[:80]}'; known: {', '.join(POLICIES)} ({also})")
    return found


def policy_named(name: str, schedule: Schedule = DEFAULT_SCHEDULE, *, shadow_prices: bool = True) -> Policy:
    """The policy called `name`, under `schedule`; shadow_prices: see `MarginalPolicy`. Raises UsageError for
    an unknown one."""
    found = check_policy(name)
    if found == MARGINAL:
        return MarginalPolicy(schedule, shadow_prices=shadow_prices)
    return Baseline(found, schedule)


def policy_under(policy: Policy, schedule: Schedule, tighter: Schedule) -> Policy:
    """The policy, under the tighter schedule if the patch in hand asks for more than `schedule` does."""
    if tighter == schedule or not isinstance(policy, MarginalPolicy | Baseline):
        return policy
    return policy.under(tighter)
