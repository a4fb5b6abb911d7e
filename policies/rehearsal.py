"""A task rehearsed: what the policy would choose, step by step, when attempts fail and when they do not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.belief import Belief
from policies.decide import EPSILON, MarginalPolicy
from policies.estimates import PLANNED, Estimates
from policies.vocabulary import ActionClass, Candidate, Check, Decision, Limits, Prices, Step, StepKind

Opening: TypeAlias = tuple[str, ...]
"""The names of the steps that are a choice, up to and with the first attempt."""

Outline: TypeAlias = tuple[tuple[str, ...], ...]
"""The steps of a plan, each followed by what comes after it when it yields a candidate."""

Label = TypeVar("Label")

STOP = "stop"
MOST_STEPS = 40
"""Steps of a plan that are played."""

REPRODUCED = 2
"""The failing tests are taken to fail so often, as they do before a runtime makes its first choice."""


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
    worth: W of the whole task in dollars. right: P(a right patch is delivered), as a share of V."""

    preparing: tuple[Planned, ...]
    steps: tuple[Planned, ...]
    ending: str
    worth: float
    right: float

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
    """What is chosen (for a plan: its outline), and the worth and chance of delivering of `Plan`."""

    label: Label
    worth: float
    right: float


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
        belief, left = _begun(question)
        seconds = sum(preparation.seconds for preparation in question.estimates.preparations)
        belief, left = replace(belief, preparations=()), _less(left, 0.0, seconds)
        begun = row = _chosen(self._decide(question, belief, left))
        worth = begun.net - question.prices.latency * seconds if begun else 0.0
        if worth <= EPSILON:
            return Answer((STOP,), 0.0, 0.0)
        names: list[str] = []
        while row is not None:
            names.append(row.step.name)
            if row.step.kind is StepKind.ACT:
                return Answer(tuple(names), worth, _right(begun, question))
            belief, left = _failed(question.estimates, belief, row.step), _after(left, row)
            row = _chosen(self._decide(question, belief, left))
        return Answer((*names, STOP), worth, _right(begun, question))

    def plan(self, question: Question) -> Plan:
        """What is done when every attempt fails, and after each attempt when it does not."""
        belief, left = _begun(question)
        preparing: list[Planned] = []
        steps: list[Planned] = []
        worth = right = 0.0
        ending = f"and so on: only {MOST_STEPS} steps are shown"
        while len(steps) < MOST_STEPS:
            decision = self._decide(question, belief, left)
            row = _chosen(decision)
            if row is None:
                ending = decision.reason
                break
            if not preparing and not steps:
                worth = row.net
                right = _right(row, question)
            left = _after(left, row)
            then: tuple[str, ...] = ()
            if row.step.kind is StepKind.ACT and row.step.tier:
                then = tuple(self._passing(question, belief.after_candidate(row.step.tier), left))
            quote = row.quote
            planned = Planned(row.step.name, quote.dollars, quote.seconds, quote.probability, row.net, then)
            (preparing if belief.preparations else steps).append(planned)
            belief = _failed(question.estimates, belief, row.step)
        return Plan(tuple(preparing), tuple(steps), ending, worth, right)

    def _passing(self, question: Question, belief: Belief, left: Limits) -> Iterator[str]:
        """The steps with a candidate in hand, all of which pass."""
        while belief.hand is not None:
            row = _chosen(self._decide(question, belief, left))
            if row is None or row.step.check is None:
                yield row.step.name if row else STOP
                return
            yield row.step.name
            left = _after(left, row)
            belief = belief.after_check(row.step.check, True)

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
            if check.check not in belief.hand.passed | belief.hand.failed
            and (check.check is not Check.AFFECTED or belief.bought)
        ]
        steps += [Step(StepKind.SUBMIT, delivery), Step(StepKind.DEFER, ActionClass.DRAFT)]
    return tuple(steps)


# How the task goes on.


def _begun(question: Question) -> tuple[Belief, Limits]:
    subjects = tuple(preparation.subject for preparation in question.estimates.preparations)
    return Belief(preparations=subjects).reproduced(0, REPRODUCED), question.limits


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


def _chosen(decision: Decision) -> Candidate | None:
    return next((row for row in decision.candidates if row.step == decision.chosen), None)


def _after(left: Limits, row: Candidate) -> Limits:
    return _less(left, row.quote.dollars, row.quote.seconds)


def _less(left: Limits, dollars: float, seconds: float) -> Limits:
    return Limits(max(0.0, left.dollars - dollars), max(0.0, left.seconds - seconds), left.loss)
