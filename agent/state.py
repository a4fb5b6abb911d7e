"""The state of a run: everything its events have said so far, put together by the fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from agent.autonomy.patterns import schedule_for, valued
from agent.events import (
    ApprovalGiven,
    ApprovalRejected,
    ApprovalRequested,
    DeliveryApproved,
    DeliveryIntended,
    PatchesMerged,
    PersonAnswered,
    RequestDone,
    RequestIntended,
    StepIntended,
)
from agent.observations import (
    AttemptDone,
    BaselineDone,
    DeferralDone,
    EnvironmentDone,
    HistoryDone,
    IntakeDone,
    LocaliseDone,
    ReproductionDone,
    SubmissionDone,
    TierFailed,
)
from agent.runners import COMMAND, PYTHON_RUNNERS
from agent.settings import REPAIR
from agent.task import Settings
from agent.tiers.prompt import Signals
from policies.autonomy import Schedule
from policies.belief import Belief
from policies.context import Piece
from policies.vocabulary import Bill, Decision, Limits, Outcome, Prices, StepKind
from tools.detection import PYTEST

SUSPECTS = 3
"""Of the lines that are suspected, so many count as where the fault is."""


@dataclass(frozen=True)
class Search:
    """How far an exhaustive tier is: next candidate, share of the prior mass of each past attempt, the shares
    and seconds further attempts would take, candidates from the next on that were proposed
    already, and single edits that moved the failure. passing: candidates that were compared with the one in
    hand when another attempt was made, as far as nothing has spoken against them since."""

    next_index: int = 0
    total: int = 0
    used: tuple[float, ...] = ()
    planned: tuple[float, ...] | None = None
    planned_seconds: float = 0.0
    proposed: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Asked:
    """The last request to a tier that was answered: at how many spent seconds, and with how much of what was
    read (pieces, in so many readings)."""

    at: float
    read: int
    readings: int


@dataclass(frozen=True)
class Approvals:
    """What people were asked to sign, who did, and who said no. delivering: the delivery that was begun for
    the request."""

    request: ApprovalRequested | None = None
    given: tuple[ApprovalGiven, ...] = ()
    rejected: ApprovalRejected | None = None
    delivering: DeliveryApproved | None = None

    def after(
        self, event: ApprovalRequested | ApprovalGiven | ApprovalRejected | DeliveryApproved
    ) -> Approvals:
        """With one more of them; a new request stands for itself."""
        match event:
            case ApprovalRequested():
                return Approvals(request=event)
            case ApprovalGiven():
                return replace(self, given=(*self.given, event))
            case ApprovalRejected():
                return replace(self, rejected=event)
            case DeliveryApproved():
                return replace(self, delivering=event)


@dataclass(frozen=True)
class State:
    """Everything known so far. `spent` sums the bills; `hand` names the blob of the candidate's edits;
    `refused` holds the tree hashes of patches that did not count, so that none is bought twice. Of `steps`,
    `lost` have no result, as the run was cut off in them. `cut_off`: it ended from outside (a signal, a lost
    sandbox, a changed tree), not by what it had come to. `came_to`: what it had come to by itself, and why,
    before that. `over`: its end is on record.

    calls: every request to a tier so far; request: the one under way; requested: dollars booked for requests
    of the step under way, and asking: seconds they took, waits included; asked: each tier's last request with
    an answer, by kind of step. seen: what endpoints said of their load last, and seen_at: at how many spent
    seconds. tries: requests to a tier that failed since it last answered. gone: tiers that could not be
    asked, and why. beyond: dollars that a tier billed beyond the worst cases of its requests. plan: the
    diagnosis that was bought. read: pieces that tiers asked for, in so many readings. unreviewed: trees of
    candidates on which a review gave no opinion. looked_again: at targets on the base, as a candidate that
    had passed them failed them on the same tree. delivery: of the patch that was verified; answer: what a
    person said of it; approvals: what people signed who were not there. history: since which commit the
    targets fail, once that was looked for. merged: the patch of its job, where this trace stands for it."""

    settings: Settings
    run_id: str
    belief: Belief
    spent: Bill = field(default_factory=Bill)
    steps: int = 0
    lost: int = 0
    decision: Decision | None = None
    intent: StepIntended | None = None
    request: RequestIntended | None = None
    requested: float = 0.0
    asking: float = 0.0
    calls: Mapping[str, tuple[RequestDone, ...]] = field(default_factory=dict)
    asked: Mapping[tuple[str, StepKind], Asked] = field(default_factory=dict)
    seen: Mapping[str, Signals] = field(default_factory=dict)
    seen_at: Mapping[str, float] = field(default_factory=dict)
    tries: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, TierFailed] = field(default_factory=dict)
    beyond: Mapping[str, float] = field(default_factory=dict)
    intake: IntakeDone | None = None
    environment: EnvironmentDone | None = None
    reproduction: ReproductionDone | None = None
    baseline: BaselineDone | None = None
    localised: LocaliseDone | None = None
    searches: Mapping[str, Search] = field(default_factory=dict)
    hand: AttemptDone | None = None
    refused: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    plan: str = ""
    read: tuple[Piece, ...] = ()
    readings: int = 0
    unreviewed: frozenset[str] = frozenset()
    looked_again: ReproductionDone | None = None
    delivery: DeliveryIntended | None = None
    submission: SubmissionDone | None = None
    answer: PersonAnswered | None = None
    approvals: Approvals = Approvals()
    merged: PatchesMerged | None = None
    history: HistoryDone | None = None
    deferral: DeferralDone | None = None
    ended: Outcome | None = None
    cut_off: bool = False
    came_to: tuple[Outcome, str] | None = None
    over: bool = False
    explanation: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Node ids of the tests to be fixed, as far as they are known."""
        return self.reproduction.targets if self.reproduction else self.wanted

    @property
    def prices(self) -> Prices:
        """The prices in force, with V by the paths of the targets and of the lines suspected most."""
        suspects = self.localised.top[:SUSPECTS] if self.localised else ()
        paths = (test.split("::")[0] for test in self.targets), (line.rpartition(":")[0] for line in suspects)
        named, settings = tuple(dict.fromkeys(chain(*paths))), self.settings
        return valued(settings.prices, settings.values, settings.value_caps, named)

    @property
    def schedule(self) -> Schedule:
        """The schedule in force, with what is asked for by the paths that the candidate in hand changes, or
        the patch of a job that it is part of."""
        changed = self.merged or self.hand
        return schedule_for(self.settings.schedule, changed.paths if changed else ())

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tests asked about: those named, or what the baseline found failing."""
        if self.settings.tests or self.settings.junit:
            return self.settings.tests
        return self.baseline.failing if self.baseline else ()

    @property
    def runner(self) -> str:
        """What runs the tests."""
        return self.intake.runner if self.intake else PYTEST

    def suits(self, tier: str) -> bool:
        """Whether the tier can do anything here: the embedded one repairs Python only."""
        if tier in self.gone:
            return False
        return tier != REPAIR or self.runner in (*PYTHON_RUNNERS, COMMAND)

    @property
    def named(self) -> bool:
        """True when the person (or a report) named tests."""
        return bool(self.settings.tests or self.settings.junit)

    @property
    def delivering(self) -> bool:
        """True when a verified patch is being handed out, in the step under way."""
        return self.intent is not None and self.delivery is not None

    @property
    def lost_request(self) -> RequestDone | None:
        """The request under way, as resuming the run would book it: without an answer, at its worst case."""
        if self.intent is None or self.request is None:
            return None
        return RequestDone(tier=self.request.tier, dollars=self.request.worst, failure="lost")

    @property
    def booked(self) -> float:
        """Dollars spent, with those of a step that has no result: its requests, and the worst case of one
        without an answer. That is what resuming the run would book."""
        if self.intent is None:
            return self.spent.dollars
        lost = self.lost_request
        return self.spent.dollars + self.requested + (lost.dollars if lost else 0.0)

    @property
    def left(self) -> Limits:
        """What is left of the limits."""
        limits = self.settings.limits
        return Limits(
            max(0.0, limits.dollars - self.spent.dollars),
            max(0.0, limits.seconds - self.spent.seconds),
            max(0.0, limits.loss - self.spent.loss),
        )

    def within(self, left: Limits) -> State:
        """The state with at most so much left of its limits."""
        own, spent = self.left, self.spent
        limits = Limits(
            spent.dollars + min(own.dollars, left.dollars),
            spent.seconds + min(own.seconds, left.seconds),
            spent.loss + min(own.loss, left.loss),
        )
        return replace(self, settings=self.settings.model_copy(update={"limits": limits}))
