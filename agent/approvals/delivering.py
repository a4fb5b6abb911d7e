"""Delivery of what people approved: everything is checked anew, then handed out as the run was asked to.

Before anything is handed out, that it was approved is on record and the nonce is taken; a delivery that is
cut off goes on where it was, and a copy of the trace cannot make it.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.approvals import nonces
from agent.approvals.counting import (
    Count,
    asked_of,
    check_in_time,
    check_not_over,
    check_unused,
    counted,
)
from agent.approvals.signing import end_of, waiting
from agent.approvals.statement import Statement
from agent.approvals.stricter import strictest, who_asks
from agent.autonomy.versions import versions_of
from agent.confirming import people
from agent.deliver import deliver
from agent.errors import NotApproved, UsageError
from agent.events import DeliveryApproved, DeliveryDone, DeliveryIntended, RunResumed
from agent.forecast import estimates
from agent.handover_page import drop_page
from agent.report import Report, diff_of, report_of
from agent.repository import pyproject_of
from agent.run import Run, TakenUp, redactor_for, take_up
from agent.settings import resolve
from agent.settled import settled_patch
from agent.state import State
from agent.trace import Trace
from agent.versions import versions
from agent.world import World
from policies.belief import hand_right
from policies.vocabulary import ActionClass
from tools.diff_paths import changed_paths
from tools.plain import plain_line


@dataclass(frozen=True)
class Approved:
    """A delivery that people approved: what they signed, and who counts."""

    asked: Statement
    count: Count


def approved(run: Run, signers: Path, now: float, *, ours: bool) -> Approved:
    """Whether enough people approved what the run asked them for. ours: this user verified here what it says
    was verified (`agent.run.take_up`); what others do with a patch that people have signed for, as publishing
    it, rests on these signatures alone. now: seconds since the epoch.

    Raises NotApproved where more people must, UsageError where that would not help."""
    state = run.state
    asked = asked_of(state)
    if not ours and asked.action_class is state.settings.delivery:
        raise UsageError(
            "the trace says that its patch was verified, which was not done here by you: nothing is "
            "delivered on its word; start the run anew"
        )
    check_in_time(asked, now)
    count = counted(state, asked, signers)
    if count.missing:
        dropped = "; ".join(f"{who}: {why}" for who, why in count.dropped.items())
        why = f" ({dropped})" if dropped else ""
        raise NotApproved(
            f"{len(count.approvers)} of {count.needed} people have approved it{why}; "
            f"{count.missing} more must: agent approvals approve {shlex.quote(str(run.folder))}"
        )
    return Approved(asked, count)


def is_approved(folder: Path, signers: Path, action_class: ActionClass, now: float) -> Approved:
    """The approval of the run in `folder` for an action of this class. Who acts by it takes its nonce
    (`nonces.take`) before, so that it counts once, and compares the `count` with what their own schedule asks
    for: here it is enough by the run's.

    Raises NotApproved where more people must, UsageError where that would not help, TraceError for a trace
    that does not hold."""
    taken = take_up(folder)
    try:
        found = approved(taken.run, signers, now, ours=taken.ours)
        if found.asked.action_class is not action_class:
            raise UsageError(f"what was approved is a {found.asked.action_class}, not a {action_class}")
        check_not_over(found.asked)
        return found
    finally:
        taken.run.writer.close()


def deliver_approved(
    folder: Path, signers: Path, say: Callable[[str], None], base_ref: str | None = None
) -> Report:
    """Deliver what the run in `folder` was asked to, once enough people have approved it: by the schedule on
    record and by the one in force now, which may only ask for more. base_ref: whose rules are in force.

    Raises NotApproved where more people must and UsageError where it cannot be, with nothing touched;
    TraceError where the record does not hold together."""
    with waiting(folder) as taken:
        run = taken.run
        world = World(
            settings=run.state.settings,
            tiers={},
            say=say,
            store=run.writer.blob,
            load=Trace(folder).blob,
            trace_folder=run.folder,
            holds_secret=redactor_for(run.state.settings).holds_secret,
        )
        try:
            return _delivered(taken, world, signers, base_ref)
        finally:
            world.close()


def _delivered(taken: TakenUp, world: World, signers: Path, base_ref: str | None) -> Report:
    run, now = taken.run, time.time()
    found = approved(run, signers, now, ours=taken.ours)
    if found.asked.action_class is not run.state.settings.delivery:
        raise UsageError(
            f"what people approved is a {found.asked.action_class}, which is no delivery of its run "
            f"(agent {found.asked.action_class} makes it)"
        )
    check_unused(found.asked, run.state.approvals.delivering.token if run.state.approvals.delivering else "")
    intended = run.state.delivery
    assert intended is not None  # it is what is ours
    patch = world.load(intended.submission.diff)
    _check_schedule_now(run.state, found, patch, base_ref)
    if run.state.settings.delivery is not ActionClass.DRAFT:  # which goes nowhere near the tree
        patch = settled_patch(world, run.state, intended)
    _begin(run, found, now)
    given = _confirmed(intended)
    done = deliver(world, run.state, given, patch)
    if done.undelivered:  # nothing is confirmed beyond what was; it may be tried again
        done = done.model_copy(update={"confirmed": intended.submission.confirmed})
    run.append(DeliveryDone(submission=done))
    ended = end_of(run.state)
    run.append(ended)
    if not done.undelivered:
        nonces.spend(found.asked.nonce)
        drop_page(run.folder)
    return report_of(
        run.state,
        diff=diff_of(run.state, Trace(run.folder)),
        candidate="",
        trace=str(run.folder),
        head_hash=run.writer.head,
        exit_code=ended.exit_code,
    )


def _check_schedule_now(state: State, found: Approved, patch: bytes, base_ref: str | None) -> None:
    """Raises NotApproved where more people are asked now than have approved: by the user's schedule and the
    repository's, at the prices of the run."""
    repository, action_class = Path(state.settings.repository), state.settings.delivery
    own = resolve({}, pyproject_of(repository), versions_of(repository, base_ref))
    paths = changed_paths(patch)
    both = (state.prices, state.settings.schedule), (state.prices, own.schedule)
    right = hand_right(state.belief, estimates(state), verified=True)  # as when the patch was verified
    asked = strictest(both, action_class, right, paths)
    have = len(found.count.approvers)
    if asked.people <= have:
        return
    mend = "request" if state.approvals.delivering else "approve"  # one that was begun takes no more
    raise NotApproved(
        f"{plain_line(who_asks(own, action_class, paths))} asks {people(asked.people)} to confirm a "
        f"{action_class} now; {have} of them have approved it, {asked.people - have} more must: "
        f"agent approvals {mend}"
    )


def _begin(run: Run, found: Approved, now: float) -> None:
    """Put on record that it is approved, and take the nonce. Raises UsageError where a copy was quicker."""
    run.append(RunResumed(time=now, versions=versions()))
    begun = run.state.approvals.delivering
    if begun is None:
        begun = DeliveryApproved(
            time=now,
            nonce=found.asked.nonce,
            principals=tuple(each.principal for each in found.count.approvers),
            keys=tuple(each.key for each in found.count.approvers),
            token=secrets.token_hex(16),
        )
        run.append(begun)
    if not nonces.take(begun.nonce, begun.token):
        run.append(end_of(run.state))
        check_unused(found.asked, begun.token)


def _confirmed(intended: DeliveryIntended) -> DeliveryIntended:
    """The delivery that was intended, with the confirmation that it waited for."""
    submission = intended.submission
    granted = submission.model_copy(update={"undelivered": "", "confirmed": submission.required})
    return intended.model_copy(update={"submission": granted})
