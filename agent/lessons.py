"""What one run teaches: a pure fold of its events, so any trace yields the same lesson.

It holds no code, no paths, no test names and nothing that tells the repository: of the task, a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from agent import state as fold
from agent.events import AttemptDone, CheckDone, Event, RunStarted, StepDone, SubmissionDone
from agent.forecast import estimates
from agent.task import Record
from policies.belief import hand_right
from policies.vocabulary import Check

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
    tests, "" if unknown: runs of one task are no independent evidence."""

    version: Literal[1] = 1
    run: Word
    task: Word = ""
    finished: float = Field(ge=0, le=1e12)
    attempts: tuple[Attempt, ...] = Field(default=(), max_length=MOST_OUTCOMES)
    checks: tuple[Judged, ...] = Field(default=(), max_length=MOST_OUTCOMES)


@dataclass
class _Candidate:
    """The candidate in hand and what the checks said of it; its truth is not out yet."""

    attempt: Attempt
    passed: list[Check] = field(default_factory=list)


def lesson(events: Iterable[Event], finished: float) -> Lesson:
    """What these events of one run teach.

    An attempt is right when its candidate was verified finally; it is not when it yielded none, or one that
    failed a check or the final verification. Of a candidate given up or handed over the truth is unknown, and
    it is left out. A verified one may be wrong all the same: `sure` is what was believed of it then, so that
    checks do not pass for stronger than the verification that judged them.
    """
    events = iter(events)
    first = next(events)
    assert isinstance(first, RunStarted)
    state, attempts, checks = fold.start(first), list[Attempt](), list[Judged]()
    hand: _Candidate | None = None

    def judge(right: bool, sure: float = 1.0, failed: Check | None = None) -> None:
        if hand is None:
            return
        attempts.append(hand.attempt.model_copy(update={"right": right}))
        checks.extend(Judged(check=each, passed=True, right=right, sure=sure) for each in hand.passed)
        if failed is not None and failed is not Check.REPEAT:
            checks.append(Judged(check=failed, passed=False, right=right))

    for event in events:
        before, state = state, fold.apply(state, event)
        if not isinstance(event, StepDone):
            continue
        match event.observation:
            case AttemptDone() as done:
                tried = min(1.0, sum(state.searches[done.tier].used))
                attempt = Attempt(
                    tier=done.tier,
                    right=False,
                    dollars=event.bill.dollars,
                    seconds=event.bill.seconds,
                    knowledge=tuple(sorted(before.belief.knowledge)),
                    searched=None if done.planned is None else round(tried, 2),
                )
                hand = _Candidate(attempt) if done.patch else None
                if hand is None:
                    attempts.append(attempt)
            case CheckDone(check=check, passed=True):
                if hand is not None and check is not Check.REPEAT:  # that one tells of the targets' flakiness
                    hand.passed.append(check)
            case CheckDone(check=check):
                judge(False, failed=check)
                hand = None
            case SubmissionDone(verified=verified):
                judge(
                    verified, hand_right(before.belief, estimates(before), verified=True) if verified else 1
                )
                hand = None
            case _:
                pass
    return Lesson(
        run=first.run_id,
        task=_task(state),
        finished=finished,
        attempts=tuple(attempts[-MOST_OUTCOMES:]),
        checks=tuple(checks[-MOST_OUTCOMES:]),
    )


def _task(state: fold.State) -> str:
    if state.intake is None:
        return ""
    words = json.dumps([state.intake.tree_hash, sorted(state.targets)])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
