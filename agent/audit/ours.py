"""A trace of this runtime as a run to audit: one pass over its events, none of which is kept.

What is believed is folded from the observations anew, as a replay does; that the recorded decisions follow
from it is for `agent replay` to say. Blobs are not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent import fold
from agent.audit.later import read_later
from agent.audit.runs import BeliefAt, Later, Request, Run, Step, Submission
from agent.bounds import bounded, check_pieces, check_time
from agent.candidates import next_attempt
from agent.delivered import APPLIED, CONFIRMED, applied, taken_on
from agent.errors import TraceError
from agent.events import (
    DeliveryDone,
    Event,
    PersonAnswered,
    RequestDone,
    RunEnded,
    RunResumed,
    RunStarted,
    StepDecided,
    StepDone,
    StepIntended,
)
from agent.forecast import estimates
from agent.observations import AttemptDone, CheckDone, StepLost, SubmissionDone, TierBusy, TierFailed
from agent.pieces import chosen_pieces, model_named
from agent.quoting import held, pace_in, sized_case
from agent.standing import standing_tiers
from agent.state import State
from agent.task import Settings
from agent.trace import EVENTS, Trace, start_of
from agent.words import said
from policies.autonomy import Confirmation
from policies.belief import difficulty, hand_right, success
from policies.estimates import Estimates
from policies.vocabulary import ActionClass, Check, Decision, StepKind
from policies.vocabulary import Step as Purchase
from tools.plain import plain_line

LONGEST_LINE = 300
"""Characters of what a step came to: what it said in full is in the trace."""

SAYS_LEARNT = 3
"""The schema from which on a trace says where its estimates were learnt."""

TORN = "its last line is cut off, as a crash leaves it; what came before is audited"
OPEN = "its end is not recorded: the run goes on, it was cut off, or the end of the trace is missing"

CUT_OFF = "the run was interrupted in it: it has no result, and what it may have taken is booked"
UNDER_WAY = "it has no result: it goes on, or was cut off; what it may take is booked"

INCONSISTENT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    MemoryError,
)
"""What the fold runs into where events contradict each other, though each is well-formed and in the chain: a
trace written by hand."""


def our_run(folder: Path, *, beliefs: bool = True) -> Run:
    """The run whose trace is in `folder`. beliefs: say after each step what was believed, which takes most
    of the time.

    Raises UsageError where there is no trace, TraceError for one that does not hold.
    """
    trace = Trace(folder)
    first, events = start_of(trace, allow_torn_end=True)
    reading = Reading(trace, first, beliefs)
    with reading.holding():
        for event in events:
            reading.take(event)
        return reading.run()


@dataclass
class Reading:
    """A run of ours as far as it was read, from its start on. since: when the clock of spent seconds was 0,
    as of the process under way. attempt: the index of the step that made the candidate in hand. waiting: what
    was verified and waits for people.

    Raises TraceError for a start that no run has."""

    trace: Trace
    first: RunStarted
    beliefs: bool
    settings: Settings = field(init=False)
    state: State = field(init=False)
    since: float = field(init=False)
    steps: list[Step] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    decision: Decision | None = None
    attempt: int | None = None
    waiting: Submission | None = None
    cached: float | None = None
    closed: bool = False
    line: int = 1

    def __post_init__(self) -> None:
        check_time(self.first.time)
        self.settings = bounded(self.first.settings)
        self.state, self.since = fold.start(self.first), self.first.time

    @contextmanager
    def holding(self) -> Iterator[None]:
        """What cannot be read on within is one TraceError that names the line."""
        try:
            yield
        except TraceError as error:
            if error.line:
                raise
            raise TraceError(f"line {self.line} of {self.trace.path}: {error}", self.line) from error
        except INCONSISTENT as error:
            why = f"{type(error).__name__}: {error}"[:LONGEST_LINE]
            text = f"line {self.line} of {self.trace.path} does not follow from the lines before it ({why})"
            raise TraceError(text, self.line) from error

    def take(self, event: Event, after: State | None = None) -> None:
        """One more event, and the state after it where that is folded already."""
        self.line += 1
        before, self.state = self.state, after or fold.apply(self.state, event)
        if isinstance(event, StepDone):
            check_pieces(self.state)
        self.closed = isinstance(event, RunEnded)
        match event:
            case RunResumed(time=time):
                self.since = time - before.spent.seconds
            case StepDecided(decision=decision):
                self.decision = decision
            case StepIntended(step=step):
                self.requests, self.cached = [], _quoted_as_cached(before, step)
            case RequestDone():
                self.requests.append(self._request(event))
            case StepDone():
                self._done(before, event)
            case DeliveryDone(submission=done) if self.waiting is not None and not done.undelivered:
                self._approved(self.waiting, done)
            case PersonAnswered() if self.submissions and applied(self.state):
                self._applied()
            case _:
                pass

    def _request(self, done: RequestDone) -> Request:
        price = next((each.price for each in self.settings.models if each.name == done.tier), None)
        input_tokens = done.usage.input if done.usage else 0
        return Request(
            model=done.model or done.tier,
            usage=done.usage,
            dollars=done.dollars,
            known="worst case" if done.guessed else "billed",
            seconds=done.seconds,
            waited=done.waited,
            failure=done.failure,
            rates=price.rates_of(input_tokens) if price else None,
        )

    def _done(self, before: State, done: StepDone) -> None:
        """A step has a result. The truth of a candidate comes out steps after the attempt that made it."""
        step, observation = done.step, done.observation
        succeeded: bool | None = None
        truth: bool | None = None
        match observation:
            case AttemptDone(patch="", read=()) | AttemptDone(again=True):
                succeeded = False
            case CheckDone(passed=passed, void=False, check=check):
                succeeded = passed
                truth = False if not passed and check is not Check.REVIEW else None
            case SubmissionDone(verified=verified):
                succeeded = truth = verified
                if verified and not observation.undelivered:
                    self.submissions.append(self._submitted(before, observation))
                elif verified:
                    self.waiting = self._submitted(before, observation)
            case _:
                pass
        if truth is not None and self.attempt is not None:
            self.steps[self.attempt] = replace(self.steps[self.attempt], succeeded=truth)
        again = isinstance(observation, AttemptDone) and observation.again
        if before.hand is not None and self.state.hand is not before.hand and not again:
            self.attempt = None
        if isinstance(observation, AttemptDone) and observation.patch and not again:
            self.attempt = len(self.steps)
        lost = isinstance(observation, StepLost)
        lines = [CUT_OFF] if lost else said(observation)
        self.steps.append(
            replace(
                self._step(step, before.spent.seconds),
                dollars=done.bill.dollars,
                seconds=done.bill.seconds,
                loss=done.bill.loss,
                succeeded=succeeded,
                said=plain_line(lines[0], LONGEST_LINE) if lines else "",
                belief=_belief(self.state) if self.beliefs else None,
                lost=lost,
                unanswered=isinstance(observation, TierBusy | TierFailed),
            )
        )
        self.requests = []

    def _step(self, step: Purchase, spent: float) -> Step:
        """The step that is under way, as far as it is known before it ends."""
        decided = self.decision if self.decision and self.decision.chosen == step else None
        return Step(
            number=len(self.steps) + 1,
            kind=step.kind,
            name=step.name,
            tier=step.tier or "",
            time=self.since + spent,
            requests=tuple(self.requests),
            decision=decided,
            cached=self.cached,
        )

    def _submitted(self, before: State, done: SubmissionDone) -> Submission:
        """A verified patch was handed out, confirmed by flags only so far: a person is asked later. Traces
        before schema 3 do not say how far it was: then to ask for a commit was to confirm it."""
        delivery, level = self.settings.delivery, done.confirmed
        if level is None:
            level = Confirmation.CONFIRM if delivery is ActionClass.COMMIT else Confirmation.FREE
        right = hand_right(before.belief, estimates(before), verified=True)
        number = len(self.steps) + 1
        return Submission(
            step=number,
            right=right,
            delivery=delivery,
            level=int(level),
            by_flag=level > Confirmation.FREE,
            paths=before.hand.paths if before.hand else (),
        )

    def _approved(self, waiting: Submission, done: SubmissionDone) -> None:
        """What had waited for people was handed out, as they signed."""
        level, by = done.confirmed, self.state.approvals.delivering
        given = replace(
            waiting,
            level=waiting.level if level is None else int(level),
            by_flag=False,
            approved=by.principals if by else (),
        )
        self.submissions.append(given)

    def _applied(self) -> None:
        """What was handed out as a file was applied to the person's tree, as they said."""
        last = self.submissions[-1]
        self.submissions[-1] = replace(last, delivery=APPLIED, level=int(CONFIRMED), by_flag=False)
        handed = self.steps[last.step - 1]
        loss = (handed.loss or 0.0) + taken_on(self.state)
        self.steps[last.step - 1] = replace(handed, loss=loss)

    def run(self, *, hindsight: bool = True) -> Run:
        """What was read, once everything is, with what was said of it later. hindsight: with the estimates
        that the gap is worked out from, which take a while. Raises TraceError."""
        later = read_later(self.trace.folder, self.trace.head)
        self._judged(later)
        return _finished(self, later, estimates(self.state) if hindsight else None)

    def _judged(self, words: tuple[Later, ...]) -> None:
        """What became of the patch says whether the attempt that made it was right."""
        word = words[-1].word if words else ""
        if self.attempt is not None and word in ("merged", "reverted"):
            made = self.steps[self.attempt]
            self.steps[self.attempt] = replace(made, succeeded=word == "merged")

    def cut_off(self) -> tuple[Step, ...]:
        """The step that has no result, with what resuming the run would book for it; none if all have one."""
        if self.state.intent is None:
            return ()
        step = self._step(self.state.intent.step, self.state.spent.seconds)
        dollars = self.state.booked - self.state.spent.dollars
        unanswered = self.state.lost_request
        requests = (*step.requests, *([self._request(unanswered)] if unanswered else []))
        return (replace(step, dollars=dollars, requests=requests, lost=True, said=UNDER_WAY),)


def _signed_for(state: State) -> tuple[str, ...]:
    """Who approved the publishing of the patch, or rejected it, as the record has it: what came of it is not
    in the trace."""
    request, given, rejected = state.approvals.request, state.approvals.given, state.approvals.rejected
    if request is None or request.statement.action_class is state.settings.delivery:
        return ()
    what = f"a {request.statement.action_class} of its patch"
    if rejected is not None:
        return (f"{what} was rejected by {plain_line(rejected.principal)}",)
    who = ", ".join(plain_line(each.principal) for each in given) or "nobody yet"
    return (f"{what} was approved by {who} ({request.statement.people} asked)",)


def _finished(reading: Reading, later: tuple[Later, ...], known: Estimates | None) -> Run:
    first, trace, settings = reading.first, reading.trace, reading.settings
    state, decision = reading.state, reading.decision
    verified = state.submission.verified if state.submission else None
    models = {model.name: model.model for model in settings.models}
    asked = {models[name] for name in state.calls if name in models}
    notes = (() if reading.closed else (OPEN,)) + ((TORN,) if _torn(trace.path) else ())
    notes += _signed_for(state)
    return Run(
        source="marginal-agent",
        path=str(trace.folder),
        run_id=first.run_id,
        agent=f"marginal-agent {first.versions.get('marginal-agent', '')}".strip(),
        steps=(*reading.steps, *reading.cut_off()),
        prices=state.prices,
        model=next(iter(asked)) if len(asked) == 1 else "",
        task=", ".join(state.targets),
        started=first.time,
        limits=settings.limits,
        schedule=settings.schedule,
        delivery=settings.delivery,
        policy=first.policy,
        outcome=state.ended if reading.closed else None,
        explanation=state.explanation,
        closed=reading.closed,
        resumable=not reading.closed or state.cut_off,
        verified=verified,
        submissions=tuple(reading.submissions),
        learnt=settings.learnt or ("shipped" if first.schema_version >= SAYS_LEARNT else None),
        stopped=decision if decision is not None and decision.chosen is None else None,
        belief=state.belief,
        estimates=known,
        later=later,
        head_hash=trace.head,
        versions=tuple(first.versions.items()),
        notes=notes,
    )


def _belief(state: State) -> BeliefAt:
    known = estimates(state)
    chances = (success(state.belief, tier.name, known) for tier in known.tiers)
    grid, weights = difficulty(state.belief, known)
    return BeliefAt(
        right=hand_right(state.belief, known),
        solvable=max(chances, default=0.0),
        difficulty=float(grid @ weights),
    )


def _quoted_as_cached(state: State, step: Purchase) -> float | None:
    """Tokens that the quote of an attempt took to be in the model's cache; None where it took none to be."""
    model = model_named(state, step.tier) if step.tier and step.kind is StepKind.ACT else None
    if model is None or (model.name, StepKind.ACT) not in state.asked:
        return None
    case = sized_case(state, chosen_pieces(state, model.name))
    prompt = next_attempt(case, model, state, standing_tiers(state)).alone
    return held(prompt, StepKind.ACT, model, state) / pace_in(state, model.name).bytes_per_token


def _torn(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"


def is_trace(folder: Path) -> bool:
    """Whether the folder holds a trace of this runtime."""
    return (folder / EVENTS).is_file()
