"""The words every package shares: steps, prices, limits, quotes, bills, decisions, outcomes.

Units: money in US dollars, time in seconds, loss in loss units (1 = "a wrong patch is committed to the
branch"). Source of the rule these words serve: MTA eq. 1-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

UNLIMITED = math.inf


class StepKind(StrEnum):
    """What the next tokens or seconds may be spent on."""

    READ = "read"
    PLAN = "plan"
    ACT = "act"
    VERIFY = "verify"
    SUBMIT = "submit"
    DEFER = "defer"


class ActionClass(StrEnum):
    """How far an action reaches; severity and confirmation depend on it. A transfer counts as deploy."""

    READ = "read"
    DRAFT = "draft"
    EXECUTE = "execute"
    COMMIT = "commit"
    PUBLISH = "publish"
    DEPLOY = "deploy"


class Check(StrEnum):
    """A rung of the verification ladder."""

    TARGET = "target"
    AFFECTED = "affected"
    SUITE = "suite"
    REPEAT = "repeat"
    REVIEW = "review"


class Outcome(StrEnum):
    """How a run ended."""

    FIXED = "fixed"
    NOTHING_TO_FIX = "nothing-to-fix"
    NOT_FIXED = "not-fixed"
    DEFERRED = "deferred"
    LIMIT = "limit"
    NOT_REPRODUCED = "not-reproduced"
    FLAKY = "flaky"
    INFRASTRUCTURE = "infrastructure error"
    INTERRUPTED = "interrupted"
    USAGE = "usage error"


EXIT_CODES: dict[Outcome, int] = {
    Outcome.FIXED: 0,
    Outcome.NOTHING_TO_FIX: 0,
    Outcome.NOT_FIXED: 10,
    Outcome.DEFERRED: 11,
    Outcome.LIMIT: 12,
    Outcome.NOT_REPRODUCED: 13,
    Outcome.FLAKY: 14,
    Outcome.INFRASTRUCTURE: 20,
    Outcome.INTERRUPTED: 130,
    Outcome.USAGE: 2,
}
"""The contract for CI. SIGTERM ends with 143 instead of 130."""

SIGTERM_CODE = 143


@dataclass(frozen=True)
class Step:
    """One purchasable use of tokens or seconds.

    `subject` says what is read or prepared ("intake", "environment", "baseline", "localise", ...);
    `tier` is named by act, plan and a review, `check` by verify.
    """

    kind: StepKind
    action_class: ActionClass
    subject: str = ""
    tier: str | None = None
    check: Check | None = None

    @property
    def name(self) -> str:
        """Short name for tables, for example `act repair`, `verify suite`, `read localise`."""
        words = (self.kind, self.check, self.tier, self.subject)
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Prices:
    """The one price vector: V in dollars, λ in dollars per second, ρ and ρ_irr in dollars per loss unit.

    Raises ValueError for a negative or non-finite price.
    """

    value: float = 20.0
    latency: float = 0.01
    risk: float = 20.0
    irreversible: float = 20.0

    def __post_init__(self) -> None:
        for name in ("value", "latency", "risk", "irreversible"):
            amount = getattr(self, name)
            if not (math.isfinite(amount) and amount >= 0):
                raise ValueError(f"price {name} must be a finite number of at least 0, not {amount}")


@dataclass(frozen=True)
class Limits:
    """Hard limits, or what is left of them: dollars, seconds, loss units. A step that could break one
    is not started."""

    dollars: float = UNLIMITED
    seconds: float = UNLIMITED
    loss: float = UNLIMITED


@dataclass(frozen=True)
class Gain:
    """G_i = E[W(b')|i] - W_stop(b) in dollars, and its parts (economics.md §1); the parts sum to `total`.

    `value` is V times the change in P(right patch delivered); `later_costs` the fall in later money,
    priced seconds and attention; `later_losses` the fall in later priced expected loss.
    """

    total: float
    value: float
    later_costs: float
    later_losses: float


@dataclass(frozen=True)
class Quote:
    """What a step is predicted to gain and take, before it is started.

    dollars, seconds: expected. loss, irreversible_loss: ΔR and ΔR_irr in loss units. attention: H in
    dollars. worst_dollars, worst_seconds: never exceeded; the ledger reserves them.
    probability: the chance that the step succeeds (act: a right patch; verify, submit: it passes).
    """

    gain: Gain
    dollars: float
    seconds: float
    loss: float
    irreversible_loss: float
    attention: float
    worst_dollars: float
    worst_seconds: float
    probability: float

    def net(self, prices: Prices) -> float:
        """MTA eq. 1: net_i = G_i - ΔC_i - λ·ΔL_i - ρ·ΔR_i - ρ_irr·ΔR_irr_i (attention is money)."""
        return (
            self.gain.total
            - self.dollars
            - self.attention
            - prices.latency * self.seconds
            - prices.risk * self.loss
            - prices.irreversible * self.irreversible_loss
        )


@dataclass(frozen=True)
class Candidate:
    """A row of the candidate table: a step, its quote, its net in dollars, and why it was refused, if so."""

    step: Step
    quote: Quote
    net: float
    refused: str = ""


@dataclass(frozen=True)
class Decision:
    """The chosen step (None: stop, nothing is worth its price), every candidate, and the reason.

    `limit_alone` is True when stopping although a refused step had net > 0: a hard limit alone refused it.
    `shadow_dollars`, `shadow_seconds`: dW/dBudget and dW/dDeadline in dollars per unit, reported only.
    """

    chosen: Step | None
    candidates: tuple[Candidate, ...]
    reason: str
    limit_alone: bool = False
    shadow_dollars: float = 0.0
    shadow_seconds: float = 0.0


@dataclass(frozen=True)
class Bill:
    """What a step really took: dollars, seconds of wall time, expected loss units caused."""

    dollars: float = 0.0
    seconds: float = 0.0
    loss: float = 0.0
