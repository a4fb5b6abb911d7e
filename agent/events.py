"""The events of a trace: what was decided, intended, observed and billed. Typed and versioned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.approvals.statement import Digest, Statement
from agent.observations import (
    AttemptDone,
    BaselineDone,
    Counts,
    DeferralDone,
    LocaliseDone,
    Observation,
    SubmissionDone,
)
from agent.task import Record, Settings
from agent.tiers.prompt import FailureKind, Signals, Stop, Usage
from policies.vocabulary import Bill, Decision, Limits, Outcome, Step

SCHEMA_VERSION = 3
"""Of every event. A version reads traces of its own schema and of all before (`agent.schema`)."""


class RunStarted(Record):
    """First event of a trace. versions: of what decides, runs and prices (`agent.versions`)."""

    type: Literal["run-started"] = "run-started"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    time: float
    versions: dict[str, str]
    policy: str
    settings: Settings


class RunResumed(Record):
    """The run goes on in another process. versions: as in its start, {} in older traces."""

    type: Literal["run-resumed"] = "run-resumed"
    time: float
    versions: dict[str, str] = Field(default_factory=dict)


class StepDecided(Record):
    """What was decided, with every candidate and its quote."""

    type: Literal["decision"] = "decision"
    decision: Decision


class StepIntended(Record):
    """Written before any effect of the step leaves the process, with what was reserved for it."""

    type: Literal["intent"] = "intent"
    step: Step
    reserved: Bill


class StepDone(Record):
    """What came of the step, and its bill."""

    type: Literal["result"] = "result"
    step: Step
    observation: Observation
    bill: Bill


class RequestIntended(Record):
    """Written before a request leaves for a tier's endpoint, within a step. `worst`: dollars reserved for it;
    `prompt`: the blob of what is sent, "" where a tier sends none."""

    type: Literal["request-intent"] = "request-intent"
    tier: str
    worst: float
    prompt: str = ""


class RequestDone(Record):
    """What came of a request. `dollars`: what is booked for it, its usage at the tier's price, or the worst
    case where it may have been billed and nothing says how much. `answer` is a blob (untrusted). `waited`:
    seconds spent before it, because of the failure of the one before or of what the endpoint had said of its
    load; `seconds`: the request's own.
    `bytes`: UTF-8 bytes of its prompt; `candidates`: how many it asked for."""

    type: Literal["request"] = "request"
    tier: str
    dollars: float
    usage: Usage | None = None
    failure: FailureKind | Literal["", "lost"] = ""
    message: str = ""
    stop: Stop = "end"
    answer: str = ""
    model: str = ""
    request_id: str = ""
    bytes: int = 0
    candidates: int = 1
    first_token_seconds: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0
    signals: Signals = Signals()

    @property
    def guessed(self) -> bool:
        """Whether `dollars` is a worst case, as nothing says what the request cost."""
        answered = bool(self.answer) and self.usage is None  # a tier that sends nothing has no usage, either
        return self.dollars > 0 and (bool(self.failure) or answered)


class DeliveryIntended(Record):
    """A patch was verified; written before any of it is handed out, within the step that submits it.

    submission: what the step comes to if nothing can be handed out. before: SHA-256 of each file that the
    patch edits, as it was, in the order of its edits; "" where there was none. seconds: that the step had
    taken by then. voucher: by which the user's own installation knows that it wrote it (`agent.vouched`)."""

    type: Literal["delivery-intent"] = "delivery-intent"
    submission: SubmissionDone
    before: tuple[str, ...]
    seconds: float
    voucher: str = ""


class TierSeen(Record):
    """What a tier's endpoint said of its load when it was looked at, before a decision."""

    type: Literal["tier-seen"] = "tier-seen"
    tier: str
    signals: Signals


class LimitsLowered(Record):
    """The run goes on after others of its job, and this much is left of their common limits, if not less of
    its own."""

    type: Literal["limits-lowered"] = "limits-lowered"
    left: Limits


class PersonAnswered(Record):
    """A person was asked something, and answered; written before anything is done about it."""

    type: Literal["answer"] = "answer"
    question: str
    yes: bool


class ApprovalRequested(Record):
    """A verified patch waits for people: what each of them has to sign. A later request replaces it, with
    the approvals that it had."""

    type: Literal["approval-request"] = "approval-request"
    time: float
    statement: Statement


class ApprovalGiven(Record):
    """A person signed the statement that was last asked for. key: fingerprint of their key; statement:
    SHA-256 of what was signed; signature: detached, armoured. Whether it counts is checked anew when
    something is delivered by it."""

    type: Literal["approval"] = "approval"
    time: float
    principal: str = Field(max_length=100)
    key: str = Field(max_length=100)
    statement: Digest
    nonce: str
    expires: str
    signature: str = Field(max_length=2**16)


class ApprovalRejected(Record):
    """A person said no, signed: nothing of this run is delivered. Fields as of ApprovalGiven."""

    type: Literal["rejection"] = "rejection"
    time: float
    principal: str = Field(max_length=100)
    key: str = Field(max_length=100)
    reason: str = Field(max_length=500)
    statement: Digest
    nonce: str
    signature: str = Field(max_length=2**16)


class DeliveryApproved(Record):
    """Enough people had signed, as was checked then; written before anything is handed out. principals, keys:
    who, in the same order. token: of this delivery, by which it alone may go on if it is cut off."""

    type: Literal["delivery-approved"] = "delivery-approved"
    time: float
    nonce: str
    principals: tuple[str, ...]
    keys: tuple[str, ...]
    token: str


class DeliveryDone(Record):
    """What came of an approved delivery: the submission with what was handed out."""

    type: Literal["delivery"] = "delivery"
    submission: SubmissionDone


class PatchesMerged(Record):
    """What a job made of this run's patch and of those that hold beside it, which people may approve by this
    trace. diff: of all of them; paths: that it changes; tests: that it makes pass; runs: ids of those whose
    patches are in it; right: P(every part is right); value: V of all of them, dollars; counts: of the
    verification of all together; dollars, seconds: of the job."""

    type: Literal["patches-merged"] = "patches-merged"
    diff: Digest
    paths: tuple[str, ...]
    tests: tuple[str, ...]
    runs: tuple[str, ...]
    right: float = Field(ge=0, le=1)
    value: float
    counts: Counts
    dollars: float
    seconds: float


class RunEnded(Record):
    """How the run ended. A RunResumed may follow one that was cut off from outside, or that waits for people
    to approve its delivery."""

    type: Literal["run-ended"] = "run-ended"
    outcome: Outcome
    exit_code: int
    explanation: str


Event = Annotated[
    RunStarted | RunResumed | StepDecided | StepIntended | RequestIntended | RequestDone
    | DeliveryIntended | StepDone | TierSeen | LimitsLowered | PersonAnswered | ApprovalRequested
    | ApprovalGiven | ApprovalRejected | DeliveryApproved | DeliveryDone | PatchesMerged | RunEnded,
    Field(discriminator="type"),
]  # fmt: skip


def blobs_of(seen: Event | Observation) -> tuple[str, ...]:
    """Names of the blobs that an event, or an observation, refers to."""
    match seen:
        case (
            StepDone(observation=observation)
            | DeliveryIntended(submission=observation)
            | DeliveryDone(submission=observation)
        ):
            return blobs_of(observation)
        case RequestIntended(prompt=prompt):
            names: tuple[str, ...] = (prompt,)
        case RequestDone(answer=answer):
            names = (answer,)
        case BaselineDone(verdicts=verdicts):
            names = (verdicts,)
        case LocaliseDone(ranking=ranking):
            names = (ranking,)
        case AttemptDone(patch=patch):
            names = (patch,)
        case SubmissionDone(patch=patch, diff=diff):
            names = (patch, diff)
        case DeferralDone(diff=diff) | PatchesMerged(diff=diff):
            names = (diff,)
        case _:
            names = ()
    return tuple(name for name in names if name)
