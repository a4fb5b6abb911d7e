"""What a priced tier is: it answers a request with patches, a plan or an opinion, paid request by request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.purse import Purse
from agent.tiers.found import Ask
from agent.tiers.pace import Pace
from agent.tiers.prompt import FailureKind, Signals
from agent.tiers.prompts import Case
from policies.estimates import TierEstimate
from tools.files import FileEdit


@dataclass(frozen=True)
class Standing:
    """How things stand with an endpoint before a request. pace: with what it last said of its load; tries: of
    its requests before, how many have failed since it last answered; seconds: left of the run's deadline."""

    pace: Pace = field(default_factory=Pace)
    tries: int = 0
    seconds: float = 0.0


FRESH = Standing()
"""Nothing is known."""


@dataclass(frozen=True)
class TierRequest:
    """What a tier is given. case: what it is told, all untrusted; diff: the candidate, for a review; read: a
    file of the base; files: those shown that a fix may touch; seconds: it may take; attempts: how often it
    was asked for a patch in this run. may_ask: it may ask to read more before it answers. candidates: how
    many patches it is asked for. run: its id. store: keeps a body with the trace, and names it. standing: how
    things stand with its endpoint."""

    case: Case
    diff: str
    read: Callable[[str], bytes | None]
    files: Callable[[], tuple[str, ...]]
    seconds: float
    attempts: int
    may_ask: bool
    candidates: int
    run: str
    store: Callable[[bytes], str]
    standing: Standing = FRESH


@dataclass(frozen=True)
class TierReply:
    """candidates: patches to try in order (none: no usable answer). note: a diagnosis or plan in words, or
    why there is no usable answer (untrusted). asks: what it wants to read first. right: of a review, whether
    it holds the candidate for right; None if it does not say."""

    candidates: tuple[tuple[FileEdit, ...], ...] = ()
    note: str = ""
    asks: tuple[Ask, ...] = ()
    right: bool | None = None


class TierUnavailable(Exception):
    """A tier cannot be asked (any more). `message`: one plain line with the mend. wait: seconds after
    which it can be asked again, for which the step has no time; None: not in this run."""

    def __init__(self, tier: str, failure: FailureKind, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        self.tier = tier
        self.failure = failure
        self.message = message


class Tier(Protocol):
    """A tier of the ladder. Every method pays from the purse, and raises TierUnavailable, and LimitExceeded
    when a request does not fit what is left of the budget."""

    @property
    def name(self) -> str: ...

    @property
    def estimate(self) -> TierEstimate:
        """Prior success, prices and times (see policies.estimates)."""
        ...

    def act(self, request: TierRequest, purse: Purse) -> TierReply:
        """Ask for patches."""
        ...

    def plan(self, request: TierRequest, purse: Purse) -> TierReply:
        """Ask for a plan; only called when the estimate says the tier can plan."""
        ...

    def review(self, request: TierRequest, purse: Purse) -> TierReply:
        """Ask whether the candidate is right; only called of tiers that a review is quoted of."""
        ...

    def look(self) -> Signals | None:
        """How busy its endpoint says it is; None where there is nothing new to see."""
        ...

    def close(self) -> None:
        """Let go of connections. Safe to call more than once."""
        ...
