"""When a run waits for people, for how many, and the statement that it asks them to sign."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from pydantic import TypeAdapter

from agent.approvals.statement import Statement, canonical, utc
from agent.errors import UsageError
from agent.events import ApprovalRequested
from agent.forecast import estimates
from agent.state import State
from agent.task import Settings
from policies.autonomy import Confirmation, Schedule, required
from policies.belief import hand_right
from policies.vocabulary import ActionClass

LASTS = 7 * 86_400.0
"""Seconds until a request expires, unless it is asked for with another term: a week has its weekend in it."""

LEAST_LASTS, MOST_LASTS = 60.0, 365 * 86_400.0

_SCHEDULE = TypeAdapter(Schedule)


def approvable(state: State) -> bool:
    """Whether a patch was verified by itself (one that was only together with others is nothing alone), or
    this trace stands for that of a job."""
    found = state.submission
    return found is not None and found.verified and (not found.beside or state.merged is not None)


def approvable_diff(state: State) -> str:
    """The blob of the patch that people approve by this trace."""
    assert state.submission is not None
    return state.merged.diff if state.merged else state.submission.diff


def probability_right(state: State) -> float:
    """P(that patch is right)."""
    return state.merged.right if state.merged else hand_right(state.belief, estimates(state))


def awaits(state: State) -> bool:
    """Whether the delivery of a verified patch required more confirmation than there is."""
    found = state.submission
    if found is None or not approvable(state) or found.required is None or found.confirmed is None:
        return False
    return found.required > found.confirmed


def level_needed(state: State, action_class: ActionClass) -> Confirmation:
    """The confirmation that an action of this class with the verified patch requires: the run's own delivery
    as was recorded when it was verified, another by its schedule, for what the patch changes, and prices."""
    found = state.delivery.submission if state.delivery else state.submission
    if action_class is state.settings.delivery and found is not None and found.required is not None:
        return found.required
    return required(action_class, probability_right(state), state.prices, state.schedule)


def people_needed(state: State, action_class: ActionClass) -> int:
    """How many different people have to sign before that."""
    return state.schedule.readers(level_needed(state, action_class), action_class)


def publishing(repository: str, into: str) -> tuple[str, ...]:
    """Where a patch is published, in words that people sign; "" for wherever its publisher may."""
    return (
        f"publish this patch{f' in {repository}' if repository else ', wherever its publisher may'}",
        *([f"to be merged into {into}"] if into else []),
    )


def destinations(settings: Settings) -> tuple[str, ...]:
    """Where the run's own delivery goes, in words that people sign."""
    return (
        *([f"apply to {settings.repository}"] if settings.apply else []),
        *([f"commit on the new branch {settings.branch}"] if settings.branch else []),
        *([f"patch file {settings.patch_out}"] if settings.patch_out else []),
    ) or ("patch file of the trace",)


def schedule_digest(schedule: Schedule) -> str:
    """SHA-256 of a schedule in its canonical form."""
    return hashlib.sha256(canonical(_SCHEDULE.dump_python(schedule, mode="json"))).hexdigest()


@dataclass(frozen=True)
class Wanted:
    """What people are asked to sign for. to: where it goes in words, for what is not the run's own delivery;
    people: at least so many, if more than the run's schedule asks."""

    action_class: ActionClass
    to: tuple[str, ...] = ()
    people: int = 0


def statement_of(state: State, wanted: Wanted, nonce: str, expires: str) -> Statement:
    """What is to be signed for this by the run in this state, by all that its events say.

    Raises UsageError where nobody has to sign for it."""
    assert state.submission is not None and state.intake is not None
    settings, action_class = state.settings, wanted.action_class
    own = action_class is settings.delivery
    people = max(people_needed(state, action_class), 0 if own else wanted.people)
    if not people:
        raise UsageError(f"nobody has to approve a {action_class} of this patch, by the run's own schedule")
    return Statement(
        run=state.run_id,
        step=state.steps,
        action_class=action_class,
        people=people,
        patch=approvable_diff(state),
        base=state.intake.tree_hash,
        repository=settings.repository,
        delivery=destinations(settings) if own else wanted.to,
        schedule=schedule_digest(settings.schedule),
        expires=expires,
        nonce=nonce,
    )


def requested(state: State, wanted: Wanted, now: float, lasts: float = LASTS) -> ApprovalRequested:
    """A request with a nonce of its own. now: seconds since the epoch; lasts: seconds. Raises UsageError."""
    statement = statement_of(state, wanted, secrets.token_hex(16), utc(now + lasts))
    return ApprovalRequested(time=now, statement=statement)
