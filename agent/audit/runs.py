"""A run as an audit sees it, whichever agent it was. What a source does not say is None, never 0.

Text in it is untrusted: whoever shows it neutralises it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.task import Learnt
from agent.tiers.pricing import Rates
from agent.tiers.prompt import Usage
from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.belief import Belief
from policies.estimates import Estimates
from policies.vocabulary import ActionClass, Decision, Limits, Outcome, Prices, StepKind

Source = Literal["marginal-agent", "atif", "claude-code", "codex", "mini-swe-agent"]

Known = Literal["billed", "worst case", "recorded", "list price", "unknown"]
"""How a cost is known. billed: settled by our ledger from the reported usage. worst case: booked by it, as
nothing said what the request cost. recorded: another agent's own figure. list price: its tokens at
genai-prices' price. unknown: no dollars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call of a model. dollars None exactly where `known` is "unknown". seconds: of the request itself;
    waited: before it, because of load or of an earlier failure. failure: the kind of it, "" for none. rates:
    what it paid for a million tokens of each phase, None where that is not known."""

    model: str
    usage: Usage | None
    dollars: float | None
    known: Known
    seconds: float | None = None
    waited: float | None = None
    failure: str = ""
    rates: Rates | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BeliefAt:
    """What was believed after a step. right: P(the candidate in hand is right), 0 without one. solvable:
    P(some further attempt of the tier that is likeliest to succeed is right). difficulty: posterior mean of
    d."""

    right: float
    solvable: float
    difficulty: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step. number: from 1. kind: None where the source does not say what it was for. name: as in tables.
    time: seconds since the epoch when it began. dollars, seconds, loss: what it took (loss in loss units).

    decision: what was predicted, with every candidate (ours only). succeeded: what the quote's probability
    was about (act: a right patch; verify and submit: it passed), None where the truth did not come out.
    said: what it came to, in one line. belief: after the step (ours only). lost: it has no result, and its
    bill is the worst case; unanswered: the tier it asked gave no answer, so nothing came of it. cached:
    tokens that its quote took to be in a prompt cache, None where unknown."""

    number: int
    kind: StepKind | None
    name: str
    tier: str = ""
    time: float | None = None
    dollars: float | None = None
    seconds: float | None = None
    loss: float | None = None
    requests: tuple[Request, ...] = ()
    decision: Decision | None = None
    succeeded: bool | None = None
    said: str = ""
    belief: BeliefAt | None = None
    lost: bool = False
    unanswered: bool = False
    cached: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What was handed out, at which stakes. right: P(it is right) when it was submitted. delivery: how far it
    reached. level: the confirmation it was given at (0 free, 1 confirm, 2 multi-party). by_flag: that was a
    flag, given before there was a patch: nobody was asked, and nobody's attention was taken. approved: by
    whom, where people signed for it. paths: that the patch changes."""

    step: int
    right: float
    delivery: ActionClass
    level: int
    by_flag: bool = False
    approved: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """What became of a run's patch, as a person or a hook said later. minutes: of rework. time: when said.
    commit: that says so, "" where a person does."""

    word: Literal["merged", "reverted", "reworked"]
    time: float
    minutes: float = 0.0
    commit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run. agent: name and version. model: of the whole run, "" for several or none. prices: what it was
    decided by (ours), or what the audit prices it by; so is schedule. delivery: how far what it makes
    reaches, None where the source does not say. outcome: None where the source knows no end. closed:
    the end is recorded. resumable: it has not ended, or was ended from outside, and can go on (ours only).
    whole: its steps' dollars add up to what it recorded for the whole run, so that what some of them do not
    tell is in the others. verified: whether the fix was verified; None where nobody checked. stopped: the
    last decision, where it was to do nothing more (ours only). versions: of what decided, ran and priced it,
    by name (ours only).

    learnt: from which runs its estimates were learnt, None where the source does not say. belief, estimates:
    at the end (ours only), for what might have been. later: newest last. notes: what this source does not
    hold, or what of it could not be read."""

    source: Source
    path: str
    run_id: str
    agent: str
    steps: tuple[Step, ...]
    prices: Prices
    model: str = ""
    task: str = ""
    started: float | None = None
    limits: Limits | None = None
    schedule: Schedule = DEFAULT_SCHEDULE
    delivery: ActionClass | None = None
    policy: str = ""
    outcome: Outcome | None = None
    explanation: str = ""
    closed: bool = True
    resumable: bool = False
    whole: bool = False
    verified: bool | None = None
    submissions: tuple[Submission, ...] = ()
    stopped: Decision | None = None
    learnt: Learnt | Literal["shipped"] | None = None
    belief: Belief | None = None
    estimates: Estimates | None = None
    later: tuple[Later, ...] = ()
    head_hash: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
