"""What a step came to, as the world answered it: one kind of observation for each kind of result.

An observation holds what was seen, never a belief: beliefs are folded from observations anew. Large bodies
(verdicts, patches, logs) are blobs, named by the SHA-256 of their bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.task import Record
from agent.tiers.prompt import FailureKind
from policies.autonomy import Confirmation
from policies.context import Piece
from policies.vocabulary import Check, Outcome
from sandboxes.interface import BackendName
from tools.repair.reports import Tallies, TemplateName


class Counts(Record):
    """Tests by outcome, and files that do not collect."""

    collected: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    uncollected: int = 0


class IntakeDone(Record):
    """The base snapshot was taken. commits: of the history before it (first parents), as many as a search of
    it would look at; 0 outside git, and in older traces."""

    type: Literal["intake"] = "intake"
    tree_hash: str
    files: int
    head: str
    dirty: int
    commits: int = 0
    runner: str = "pytest"
    notes: tuple[str, ...] = ()


class EnvironmentDone(Record):
    """The environment of the tests is there. `warnings`: what a person should know of its backend."""

    type: Literal["environment"] = "environment"
    image: str
    image_digest: str
    python: str
    backend: BackendName
    cached: bool
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ReproductionDone(Record):
    """The targets were run alone, `runs` times; per target how often it passed. `messages` are untrusted.
    `hanging`: those that ran into their time limit."""

    type: Literal["reproduction"] = "reproduction"
    targets: tuple[str, ...]
    runs: int
    passes: tuple[int, ...]
    seconds_each: float
    messages: tuple[str, ...] = ()
    hanging: tuple[str, ...] = ()

    def of(self, targets: tuple[str, ...]) -> ReproductionDone:
        """What it says of these, which are among its own."""
        passes, messages = dict(zip(self.targets, self.passes, strict=True)), self.messages
        return self.model_copy(
            update={
                "targets": targets,
                "passes": tuple(passes[target] for target in targets),
                "messages": tuple(m for t, m in zip(self.targets, messages, strict=False) if t in targets),
            }
        )


class BaselineDone(Record):
    """The whole suite was run on the base. `failing`: tests, and test files that do not collect because of
    code that a fix may edit. `verdicts` is a blob; `key` the digest of their verdict key; `uncollected` says
    which files do not collect, and why (untrusted); `hanging`: tests that ran into their time limit."""

    type: Literal["baseline"] = "baseline"
    counts: Counts
    failing: tuple[str, ...]
    complete: bool
    problem: str = ""
    suite_seconds: float
    verdicts: str
    key: str
    uncollected: str = ""
    hanging: tuple[str, ...] = ()


class LocaliseDone(Record):
    """Suspicious lines were ranked. `affected` are passing tests that run the most suspicious lines;
    `witnesses` failing ones that are no targets and, as it seems, fail for the same cause.

    `candidates`, `planned`, `planned_seconds`: the embedded tier's search space as this ranking orders it.
    `pieces`: parts of the repository that a model may be given, the likeliest to matter first.
    """

    type: Literal["localise"] = "localise"
    method: str
    lines: int
    top: tuple[str, ...]
    affected: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    ranking: str
    candidates: int = 0
    planned: tuple[float, ...] | None = None
    planned_seconds: float = 0.0
    pieces: tuple[Piece, ...] = ()


class AttemptDone(Record):
    """A tier was asked for a patch. `patch` names the blob of its edits, "" when there is none.

    `tree` is the hash of base + edits; `refused`: those of patches that a model proposed, which were run and
    failed (older traces name the last one in `tree`). `next_index`, `total`, `mass`, `planned` belong to an
    exhaustive tier: how far its search is, which share of its prior mass this attempt used, and which shares
    further attempts would use (None: a sampling tier). `proposed`: candidates at or after `next_index` that
    were proposed out of turn, in this attempt and before; `moved`: single edits with which the tests got
    further, to make pairs of. `plausible`: how many candidates were found to pass beside each other, of how
    many behaviours (`clusters`); `share`: P(this one is right | one of them is); `ahead`: the part of `mass`
    that is theirs and lies at or after `next_index`; `heals`: whether it makes a witness pass (None: there is
    none). `index`: of the candidate in the search; `passing`: those of all that were compared; `again`: it
    was in hand before, and nothing found since is likelier. `template`: what made the patch; `templates`:
    what was tried of each. `read`: pieces of the base that the tier asked to read before it answers; they go
    with the next request. `missing`: what it asked for and is not given, and why (untrusted). `paths`: that
    the patch changes.
    """

    type: Literal["attempt"] = "attempt"
    tier: str
    patch: str = ""
    tree: str = ""
    refused: tuple[str, ...] = ()
    description: str = ""
    tried: int = 0
    next_index: int = 0
    total: int = 0
    mass: float = 0.0
    planned: tuple[float, ...] | None = None
    planned_seconds: float = 0.0
    dropped: tuple[str, ...] = ()
    note: str = ""
    proposed: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    plausible: int = 0
    clusters: int = 0
    share: float = Field(default=1.0, gt=0, le=1)
    heals: bool | None = None
    ahead: float = 0.0
    index: int | None = None
    passing: tuple[int, ...] = ()
    again: bool = False
    template: TemplateName | Literal[""] = ""
    templates: Tallies = Field(default_factory=dict)
    read: tuple[Piece, ...] = ()
    missing: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class PlanDone(Record):
    """A tier made a plan; the note is untrusted text."""

    type: Literal["plan"] = "plan"
    tier: str
    note: str


class CheckDone(Record):
    """The candidate in hand was checked; `key` is the digest of the verdict key (what it was run on). `void`:
    the check came to nothing, as a review that gives no opinion, and tells nothing. `looked`: further looks
    at targets on the base, which the candidate had passed and failed now. `flaky`: tests beside the targets
    that passed before and failed now, as on the base, too, sometimes: they tell nothing."""

    type: Literal["check"] = "check"
    check: Check
    key: str
    passed: bool
    reasons: tuple[str, ...] = ()
    counts: Counts = Counts()
    void: bool = False
    looked: ReproductionDone | None = None
    flaky: tuple[str, ...] = ()


class SubmissionDone(Record):
    """Final verification, cold and in a fresh tree, and delivery if it held. `key` is "" when the patch was
    refused before any test ran; `still_failing` counts other tests that failed before and still do.
    `flaky`: tests that passed before and failed now, as on the base, too, sometimes: they tell nothing.
    `confirmed`: how far a person had confirmed the delivery (`--apply` and `--commit` say so); `required`:
    how far they had to, by schedule and price of risk; None in older traces, and of what did not hold.
    `looked`: as of a check. `beside`: ids of the runs of its job whose patches were in place as well: alone
    the patch was not verified. `people`: how many `required` takes; `notify`: who is to be told of it."""

    type: Literal["submission"] = "submission"
    verified: bool
    key: str = ""
    reasons: tuple[str, ...] = ()
    counts: Counts = Counts()
    targets_passed: int = 0
    still_failing: int = 0
    looked: ReproductionDone | None = None
    flaky: tuple[str, ...] = ()
    patch: str = ""
    diff: str = ""
    delivered: tuple[str, ...] = ()
    undelivered: str = ""
    confirmed: Confirmation | None = None
    required: Confirmation | None = None
    beside: tuple[str, ...] = ()
    people: int | None = None
    notify: tuple[str, ...] = ()

    @property
    def shortfall(self) -> str:
        """That something was not delivered and why, "" if all was."""
        if not self.undelivered:
            return ""
        return f"not {'all ' if self.delivered else ''}delivered: {self.undelivered}"


class CommitSeen(Record):
    """A commit: when it was committed (YYYY-MM-DD, "" for unknown), and its subject (untrusted)."""

    id: str
    date: str
    subject: str


class HistoryDone(Record):
    """The history was searched for where the targets began to fail. since: the commits among which it is, the
    oldest first, at most MOST_SUSPECTS of `suspects`; uncommitted: what is not committed is, or may be, it.
    passes: the newest commit before those that is known to pass; None: none was seen to, and `oldest` is the
    oldest that was looked at. commits: how many there were to look at, cut off by a shallow clone or not;
    looks: how many were, of which `untold` could not be run. complete: False where time ran out. problem: why
    it could not be searched at all, or ""."""

    type: Literal["history"] = "history"
    commits: int
    shallow: bool = False
    looks: int = 0
    untold: int = 0
    since: tuple[CommitSeen, ...] = ()
    suspects: int = 0
    uncommitted: bool = False
    passes: CommitSeen | None = None
    oldest: CommitSeen | None = None
    complete: bool = True
    problem: str = ""


class DeferralDone(Record):
    """The evidence was handed to a person."""

    type: Literal["deferral"] = "deferral"
    diff: str = ""
    delivered: tuple[str, ...] = ()


class StepRefused(Record):
    """The step found that the run cannot go on as asked (unknown test, suite that does not collect, ...)."""

    type: Literal["refused"] = "refused"
    outcome: Outcome
    message: str


class TierFailed(Record):
    """A tier could not be asked: its endpoint refused, or went on failing; "budget": what was to be sent
    is dearer than it was quoted at, and that much is not left. It is not asked again before the run is
    resumed. `message` is untrusted."""

    type: Literal["tier-failed"] = "tier-failed"
    tier: str
    failure: FailureKind | Literal["budget"]
    message: str


class TierBusy(Record):
    """A tier was put off: it may be asked again in `seconds`, which the step had no time for and the deadline
    has. That wait is part of its next quote, and costs nothing before. `message` is untrusted."""

    type: Literal["tier-busy"] = "tier-busy"
    tier: str
    seconds: float
    message: str


class StepLost(Record):
    """An intent without a result: the run was cut off in it. It is booked at the seconds that passed or were
    reserved, whichever is less, and at its requests, one without an answer at its worst case."""

    type: Literal["lost"] = "lost"


Observation = Annotated[
    IntakeDone | EnvironmentDone | ReproductionDone | BaselineDone | LocaliseDone | AttemptDone | PlanDone
    | CheckDone | SubmissionDone | HistoryDone | DeferralDone | StepRefused | StepLost | TierFailed
    | TierBusy,
    Field(discriminator="type"),
]  # fmt: skip
