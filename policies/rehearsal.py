"""A task rehearsed: what the policy would choose, step by step, when attempts fail and when they do not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.belief import Belief, hand_right
from policies.decide import EPSILON, MarginalPolicy, is_terminal
from policies.estimates import PLANNED, Estimates
from policies.limits import Ample
from policies.power import tells_more
from policies.progress import Progress
from policies.vocabulary import (
    UNLIMITED,
    ActionClass,
    Candidate,
    Check,
    Decision,
    Limits,
    Prices,
    Step,
    StepKind,
)

Opening: TypeAlias = tuple[str, ...]
"""The names of the steps that are a choice, up to and with the first attempt."""

Outline: TypeAlias = tuple[tuple[str, ...], ...]
"""The steps of a plan, each followed by what comes after it when it yields a candidate."""

Label = TypeVar("Label")

Span: TypeAlias = tuple[float, float]
"""Two values of V, dollars."""

ALWAYS: Span = (0.0, math.inf)

STOP = "stop"
MOST_STEPS = 40
"""Steps of a plan that are played."""

REPRODUCED = 3
"""The failing tests are taken to fail so often, as they do before a runtime makes its first choice: in the
whole suite and twice alone."""


@dataclass(frozen=True)
class Question:
    """A task before it has begun, as far as the policy sees it."""

    estimates: Estimates
    prices: Prices = field(default_factory=Prices)
    limits: Limits = field(default_factory=Limits)
    delivery: ActionClass = ActionClass.DRAFT


@dataclass(frozen=True)
class Planned:
    """A step of the plan, predicted: expected dollars and seconds, the chance that it succeeds, its net in
    dollars. `then`: what follows when an attempt yields a candidate and every check of it passes."""

    step: str
    dollars: float
    seconds: float
    probability: float
    net: float
    then: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The steps when every attempt fails, and why it ends there. preparing: those before the first choice.
    worth: W of the whole task in dollars. right: P(a right patch is delivered), as a share of V. verified:
    P(the first patch submitted is right, once verified), 0 if none is. span: the values of V, about, between
    which every choice in it stays the best of those priced."""

    preparing: tuple[Planned, ...]
    steps: tuple[Planned, ...]
    ending: str
    worth: float
    right: float
    verified: float = 0.0
    span: Span = ALWAYS

    @property
    def opening(self) -> Opening:
        """The steps up to the first attempt, or to STOP."""
        names: list[str] = []
        for planned in self.steps:
            names.append(planned.step)
            if planned.then:
                return tuple(names)
        return (*names, STOP)

    @property
    def outline(self) -> Outline:
        """Which steps, without their numbers."""
        return tuple((planned.step, *planned.then) for planned in self.steps)


class Answer(NamedTuple, Generic[Label]):
    """What is chosen (for a plan: its outline), and the span of `Plan`."""

    label: Label
    span: Span


class TooMany(Exception):
    """All decisions that may be asked have been."""


class Asked:
    """The policy that is asked, and how often it was. Raises TooMany beyond `most` decisions."""

    def __init__(self, schedule: Schedule = DEFAULT_SCHEDULE, most: float = math.inf) -> None:
        self.policy = MarginalPolicy(schedule, shadow_prices=False)
        self.most = most
        self.count = 0

    def opening(self, question: Question) -> Answer[Opening]:
        """The steps up to the first attempt, and what the task is worth.

        Preparing is not asked about: it costs its seconds, whatever comes of it.
        """
        belief, left = begun(question)
        seconds = sum(preparation.seconds for preparation in question.estimates.preparations)
        belief, left = replace(belief, preparations=()), _less(left, 0.0, seconds)
        decision, spared = self._decide(question, belief, left), question.prices.latency * seconds
        row, span = _chosen(decision), _span(decision, question, spared)
        if row is None or row.net <= spared + EPSILON:
            return Answer((STOP,), span)
        names: list[str] = []
        while row is not None:
            names.append(row.step.name)
            if row.step.kind is StepKind.ACT:
                return Answer(tuple(names), span)
            belief, left = _failed(question.estimates, belief, row.step), _after(left, row)
            decision = self._decide(question, belief, left)
            row, span = _chosen(decision), _both(span, _span(decision, question))
        return Answer((*names, STOP), span)

    def plan(self, question: Question) -> Plan:
        """What is done when every attempt fails, and after each attempt when it does not."""
        belief, left = begun(question)
        preparing: list[Planned] = []
        steps: list[Planned] = []
        worth = right = verified = 0.0
        span = ALWAYS
        ending = f"and so on: only {MOST_STEPS} steps are shown"
        while len(steps) < MOST_STEPS:
            decision = self._decide(question, belief, left)
            row, span = _chosen(decision), _both(span, _span(decision, question))
            if row is None:
                ending = decision.reason
                break
            if not preparing and not steps:
                worth = row.net
                right = _right(row, question)
            left = _after(left, row)
            then: tuple[str, ...] = ()
            if row.step.kind is StepKind.ACT and row.step.tier:
                (then, passing), held = self._passing(question, belief.after_candidate(row.step.tier), left)
                span = _both(span, passing)
                if then[-1] == StepKind.SUBMIT:
                    verified = verified or hand_right(held, question.estimates, verified=True)
            quote = row.quote
            planned = Planned(row.step.name, quote.dollars, quote.seconds, quote.probability, row.net, then)
            (preparing if belief.preparations else steps).append(planned)
            belief = _failed(question.estimates, belief, row.step)
        return Plan(tuple(preparing), tuple(steps), ending, worth, right, verified, span)

    def _passing(
        self, question: Question, belief: Belief, left: Limits
    ) -> tuple[Answer[tuple[str, ...]], Belief]:
        """The steps with a candidate in hand, all of which pass, and what is believed before the last one."""
        names: list[str] = []
        span = ALWAYS
        while belief.hand is not None:
            decision = self._decide(question, belief, left)
            row, span = _chosen(decision), _both(span, _span(decision, question))
            names.append(row.step.name if row else STOP)
            if row is None or row.step.check is None:
                break
            left = _after(left, row)
            belief = belief.after_check(row.step.check, True)
        return Answer(tuple(names), span), belief

    def _decide(self, question: Question, belief: Belief, left: Limits) -> Decision:
        if self.count >= self.most:
            raise TooMany
        self.count += 1
        return self.policy.decide(
            belief,
            offered(belief, question.estimates, question.delivery),
            question.estimates,
            question.prices,
            left,
            question.delivery,
        )


def offered(belief: Belief, estimates: Estimates, delivery: ActionClass) -> tuple[Step, ...]:
    """The steps a runtime would offer, as far as the belief alone says."""
    if belief.preparations:
        return (Step(StepKind.READ, ActionClass.EXECUTE, belief.preparations[0]),)
    useful = {name for tier in estimates.tiers for name, _ in tier.knowledge_gain}
    steps = [
        Step(StepKind.READ, ActionClass.EXECUTE, read.subject)
        for read in estimates.reads
        if read.subject not in belief.bought and read.gives in useful
    ]
    steps += [
        Step(StepKind.PLAN, ActionClass.READ, tier=tier.name)
        for tier in estimates.tiers
        if tier.can_plan and PLANNED not in belief.bought
    ]
    dropped = belief.abandoned()
    steps += [
        Step(StepKind.ACT, ActionClass.DRAFT, tier=tier.name)
        for tier in estimates.tiers
        if dropped.failed(tier.name) < tier.most_attempts
    ]
    if belief.hand is not None:
        steps += [
            Step(StepKind.VERIFY, ActionClass.EXECUTE, check=check.check)
            for check in estimates.checks
            if tells_more(check.check, belief.hand, check.most)
            and (check.check is not Check.AFFECTED or belief.bought)
        ]
        steps += [Step(StepKind.SUBMIT, delivery), Step(StepKind.DEFER, ActionClass.DRAFT)]
    return tuple(steps)


# How the task goes on.


def begun(question: Question) -> tuple[Belief, Limits]:
    """The belief before the first step, and the limits: none where they are ample from the start."""
    subjects = tuple(preparation.subject for preparation in question.estimates.preparations)
    _, attempts = Progress(question.estimates).left_to_try(())
    ample, given = Ample(question.estimates).limits(attempts, len(subjects)), question.limits
    left = Limits(
        UNLIMITED if given.dollars >= ample.dollars else given.dollars,
        UNLIMITED if given.seconds >= ample.seconds else given.seconds,
        given.loss,
    )
    return Belief(preparations=subjects).reproduced((0,), REPRODUCED), left


def _failed(estimates: Estimates, belief: Belief, step: Step) -> Belief:
    """After `step`: reads and plans give what they promise, attempts nothing."""
    if belief.preparations:
        return belief.prepared(step.subject)
    if step.kind is StepKind.READ:
        return belief.after_read(step.subject, estimates.read(step.subject).gives)
    if step.kind is StepKind.PLAN and step.tier:
        return belief.after_plan(step.tier)
    if step.kind is StepKind.ACT and step.tier:
        return belief.after_failed_attempt(step.tier)
    raise ValueError(f"{step.name} makes no sense without a candidate in hand")


def _right(row: Candidate | None, question: Question) -> float:
    value = question.prices.value
    return row.quote.gain.value / value if row is not None and value else 0.0


def _span(decision: Decision, question: Question, spared: float = 0.0) -> Span:
    """Between which V the choice stays the best, if the worth of every step goes on along its tangent at V.

    That is exact until something later in one of them changes. spared: dollars that giving up spares.
    """
    row, stopping = _chosen(decision), (spared, 0.0)
    lines = [_line(each, question) for each in decision.candidates if not each.refused]
    here = _line(row, question) if row is not None and row.net > spared else stopping
    if here == stopping or not any(is_terminal(each.step) for each in decision.candidates):
        lines.append(stopping)  # else nets are relative to the better of submitting and deferring
    low, high = ALWAYS
    for net, slope in lines:
        lead, closing = here[0] - net, slope - here[1]
        if closing > 0:
            high = min(high, question.prices.value + lead / closing)
        elif closing < 0:
            low = max(low, question.prices.value + lead / closing)
    return low, high


def _line(row: Candidate, question: Question) -> tuple[float, float]:
    """Net at V, and what a dollar of V more adds to it."""
    return row.net, _right(row, question)


def _both(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])


def _chosen(decision: Decision) -> Candidate | None:
    return next((row for row in decision.candidates if row.step == decision.chosen), None)


def _after(left: Limits, row: Candidate) -> Limits:
    return _less(left, row.quote.dollars, row.quote.seconds)


def _less(left: Limits, dollars: float, seconds: float) -> Limits:
    return Limits(max(0.0, left.dollars - dollars), max(0.0, left.seconds - seconds), left.loss)
