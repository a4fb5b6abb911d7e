"""What one run teaches: a pure fold of its events, so any trace yields the same lesson.

It holds no code, no paths, no test names and nothing that tells the repository: of the task, a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from agent import fold
from agent.events import Event, RunStarted, StepDone
from agent.forecast import estimates
from agent.observations import AttemptDone, CheckDone, SubmissionDone
from agent.state import State
from agent.task import Record
from policies.belief import hand_right
from policies.vocabulary import Bill, Check
from tools.repair.reports import Tallies, Tally, TemplateName, together

MOST_OUTCOMES = 50
"""Of attempts, and of checks, that one run may teach, whatever its repository makes of it."""

MOST_WORDS = 10

Word = Annotated[str, Field(max_length=100)]


class Attempt(Record):
    """One attempt whose truth came out; `searched`: of an exhaustive tier, the share of its candidates' prior
    mass tried by then, this attempt included."""

    tier: Word
    right: bool
    dollars: float = Field(ge=0, le=1e6)
    seconds: float = Field(ge=0, le=1e9)
    knowledge: tuple[Word, ...] = Field(default=(), max_length=MOST_WORDS)
    searched: float | None = Field(default=None, ge=0, le=1)


class Judged(Record):
    """A check of a candidate whose truth came out, which is as said with probability `sure`."""

    check: Check
    passed: bool
    right: bool
    sure: float = Field(default=1.0, ge=0, le=1)


class Lesson(Record):
    """What one run taught. finished: seconds since the epoch. task: a digest of the tree and its failing
    tests, "" if unknown: runs of one task are no independent evidence.

    templates: what was tried of each template of the embedded tier, as prior mass before anything was learnt;
    template: the one that made the verified patch, "" if none did."""

    version: Literal[1] = 1
    run: Word
    task: Word = ""
    finished: float = Field(ge=0, le=1e12)
    attempts: tuple[Attempt, ...] = Field(default=(), max_length=MOST_OUTCOMES)
    checks: tuple[Judged, ...] = Field(default=(), max_length=MOST_OUTCOMES)
    templates: Tallies = Field(default_factory=dict)
    template: TemplateName | Literal[""] = ""


@dataclass
class _Candidate:
    """The candidate in hand and what the checks said of it; its truth is not out yet."""

    attempt: Attempt
    done: AttemptDone
    passed: list[Check] = field(default_factory=list)


@dataclass
class _Told:
    """What the events so far teach. searched: by tier, the prior mass of what was tried and is not ahead."""

    attempts: list[Attempt] = field(default_factory=list)
    checks: list[Judged] = field(default_factory=list)
    searched: dict[str, float] = field(default_factory=dict)
    templates: dict[str, Tally] = field(default_factory=dict)
    template: str = ""
    hand: _Candidate | None = None

    def attempted(self, done: AttemptDone, bill: Bill, knowledge: Collection[str]) -> None:
        """An attempt was made; one that gave no candidate was not right."""
        searched = self.searched.get(done.tier, 0.0) + max(0.0, done.mass - done.ahead)
        self.searched[done.tier] = min(1.0, searched)
        if done.again and self.hand is not None:  # both attempts are one
            tried = together(self.hand.done.templates, done.templates)
            self.hand.done = done.model_copy(update={"templates": tried})
            return
        attempt = Attempt(
            tier=done.tier,
            right=False,
            dollars=bill.dollars,
            seconds=bill.seconds,
            knowledge=tuple(sorted(knowledge)),
            searched=None if done.planned is None else round(self.searched[done.tier], 2),
        )
        self.hand = _Candidate(attempt, done)
        if not done.patch:
            self.judged(False)

    def judged(self, right: bool, sure: float = 1.0, failed: Check | None = None) -> None:
        """The truth of the candidate in hand, if there is one, came out."""
        if self.hand is None:
            return
        attempt, done, passed = self.hand.attempt, self.hand.done, self.hand.passed
        self.attempts.append(attempt.model_copy(update={"right": right}))
        self.checks.extend(Judged(check=each, passed=True, right=right, sure=sure) for each in passed)
        if failed is not None and failed is not Check.REPEAT:
            self.checks.append(Judged(check=failed, passed=False, right=right))
        self.templates = together(self.templates, done.templates)
        if right:
            self.template = done.template
        self.hand = None


def lesson(events: Iterable[Event], finished: float, truth: bool | None = None) -> Lesson:
    """What these events of one run teach.

    An attempt is right when its candidate was verified finally; it is not when it yielded none, or one that
    failed a check or the final verification. Of a candidate given up or handed over the truth is unknown, and
    it is left out. A verified one may be wrong all the same: `sure` is what was believed of it then, so that
    checks do not pass for stronger than the verification that judged them.

    truth: what became of the candidate in hand at the end (merged: right; reverted: not), None: nothing is
    known. It counts for sure, also of one that was handed over or left in hand.
    """
    events = iter(events)
    first = next(events)
    assert isinstance(first, RunStarted)
    state, told = fold.start(first), _Told()
    for event in events:
        before, state = state, fold.apply(state, event)
        if not isinstance(event, StepDone):
            continue
        match event.observation:
            case AttemptDone() as done:
                told.attempted(done, event.bill, before.belief.knowledge)
            case CheckDone(check=check, passed=True):
                if told.hand is not None and check is not Check.REPEAT:  # it tells of the targets' flakiness
                    told.hand.passed.append(check)
            case CheckDone(check=check):
                told.judged(False, failed=check)
            case SubmissionDone(verified=True) if truth is not None:
                pass  # the last word on it is below
            case SubmissionDone(verified=verified):
                sure = hand_right(before.belief, estimates(before), verified=True) if verified else 1
                told.judged(verified, sure)
            case _:
                pass
    if truth is not None and state.hand is not None:
        told.judged(truth)
    return Lesson(
        run=first.run_id,
        task=_task(state),
        finished=finished,
        attempts=tuple(told.attempts[-MOST_OUTCOMES:]),
        checks=tuple(told.checks[-MOST_OUTCOMES:]),
        templates=_as_shipped(told.templates, first.settings.template_factors),
        template=told.template,
    )


def _as_shipped(templates: Mapping[str, Tally], factors: Mapping[str, float]) -> dict[str, Tally]:
    """The masses as they were without what had been learnt by then, of as much in all: what one run learns
    shall not count as what the next one sees."""
    plain = {name: tally.mass / factors.get(name, 1.0) for name, tally in templates.items()}
    scale = sum(tally.mass for tally in templates.values()) / (sum(plain.values()) or 1.0)
    return {
        name: tally._replace(mass=round(min(1.0, scale * plain[name]), 6))
        for name, tally in templates.items()
    }


def _task(state: State) -> str:
    if state.intake is None:
        return ""
    words = json.dumps([state.intake.tree_hash, sorted(state.targets)])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
