"""When a run waits for people, for how many, and the statement that it asks them to sign."""

from __future__ import annotations

import hashlib
import secrets

from pydantic import TypeAdapter

from agent.approvals.statement import Statement, canonical, utc
from agent.events import ApprovalRequested
from agent.state import State
from agent.task import Settings
from policies.autonomy import Confirmation, Schedule

LASTS = 7 * 86_400.0
"""Seconds until a request expires, unless it is asked for with another term: a week has its weekend in it."""

LEAST_LASTS, MOST_LASTS = 60.0, 365 * 86_400.0

PEOPLE = {Confirmation.FREE: 0, Confirmation.CONFIRM: 1, Confirmation.MULTI_PARTY: 2}

_SCHEDULE = TypeAdapter(Schedule)


def awaits(state: State) -> bool:
    """Whether a patch was verified, and more confirmation was required for its delivery than there is."""
    found = state.submission
    if found is None or not found.verified or found.required is None or found.confirmed is None:
        return False
    return found.required > found.confirmed


def people_needed(state: State) -> int:
    """How many different people have to sign before the verified patch is delivered."""
    found = state.delivery.submission if state.delivery else state.submission
    return PEOPLE[found.required] if found is not None and found.required is not None else 0


def deliveries(settings: Settings) -> tuple[str, ...]:
    """Where a patch goes by these settings, in words that people sign."""
    return (
        *([f"apply to {settings.repository}"] if settings.apply else []),
        *([f"commit on the new branch {settings.branch}"] if settings.branch else []),
        *([f"patch file {settings.patch_out}"] if settings.patch_out else []),
    ) or ("patch file of the trace",)


def schedule_digest(schedule: Schedule) -> str:
    """SHA-256 of a schedule in its canonical form."""
    return hashlib.sha256(canonical(_SCHEDULE.dump_python(schedule, mode="json"))).hexdigest()


def statement_of(state: State, nonce: str, expires: str) -> Statement:
    """What is to be signed for the run in this state, by all that its events say."""
    assert state.submission is not None and state.intake is not None
    settings = state.settings
    return Statement(
        run=state.run_id,
        step=state.steps,
        action_class=settings.delivery,
        people=people_needed(state),
        patch=state.submission.diff,
        base=state.intake.tree_hash,
        repository=settings.repository,
        delivery=deliveries(settings),
        schedule=schedule_digest(settings.schedule),
        expires=expires,
        nonce=nonce,
    )


def requested(state: State, now: float, lasts: float = LASTS) -> ApprovalRequested:
    """A request with a nonce of its own. now: seconds since the epoch; lasts: seconds."""
    statement = statement_of(state, secrets.token_hex(16), utc(now + lasts))
    return ApprovalRequested(time=now, statement=statement)
