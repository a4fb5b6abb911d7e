"""Whether a patch may be published: the confirmation it needs, and the one it has."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agent.approvals import nonces
from agent.approvals.counting import signers_of
from agent.approvals.delivering import is_approved
from agent.autonomy.patterns import schedule_for
from agent.confirming import people
from agent.errors import UsageError
from agent.publishing.finding import Verified
from agent.settings import Resolved
from policies.autonomy import Confirmation, Schedule, required
from policies.vocabulary import ActionClass, Prices
from tools.diff_paths import changed_paths


def asked_for(found: Verified, own: Resolved) -> Confirmation:
    """What publishing it needs: by the schedule and prices of its run, and by those of whoever publishes it;
    the stricter counts."""
    both = _in_force(found, own)
    return max(required(ActionClass.PUBLISH, found.right, prices, schedule) for prices, schedule in both)


@dataclass(frozen=True)
class Granted:
    """How far people have confirmed it; nonce: of the approval that says so, "" without one."""

    level: Confirmation
    nonce: str = ""

    def spend(self) -> None:
        """It was published: the approval counts for nothing more."""
        if self.nonce:
            nonces.spend(self.nonce)


def granted(found: Verified, confirm: bool, asked: Confirmation) -> Granted:
    """How far people have confirmed it, as far as anybody is asked. confirm: the person at this terminal
    does.

    Raises NotApproved where people were asked to approve it and more must, UsageError where that cannot
    help."""
    own = Confirmation.CONFIRM if confirm else Confirmation.FREE
    if found.asked is None or asked <= own:
        return Granted(own)
    signers = signers_of(found.asked, None)
    approved = is_approved(found.asked, signers, ActionClass.PUBLISH, time.time())
    several = len(approved.count.approvers) > 1
    return Granted(Confirmation.MULTI_PARTY if several else Confirmation.CONFIRM, approved.asked.nonce)


def waits_for(found: Verified, own: Resolved, given: Granted) -> str:
    """Why it may not be published yet, in words; "" where it may."""
    asked = asked_for(found, own)
    if asked <= given.level:
        return ""
    ways = ["--confirm at a terminal"] if asked is Confirmation.CONFIRM else []
    if found.record is None:  # of one run: that of a job has no trace that could be signed for
        ways.append("agent approvals request --for publish")
    how = f" ({', or '.join(ways)})" if ways else ""
    schedules = [schedule for _, schedule in _in_force(found, own)]
    who = f"{people(max(each.readers(asked, ActionClass.PUBLISH) for each in schedules))}{how}"
    scheduled = max(each.scheduled(ActionClass.PUBLISH) for each in schedules)
    if asked > scheduled:
        return f"at this price of risk {who} must confirm it (right with probability {found.right:.2f})"
    return f"the autonomy schedule asks {who} to confirm a {ActionClass.PUBLISH}"


def _in_force(found: Verified, own: Resolved) -> tuple[tuple[Prices, Schedule], ...]:
    """Prices and schedule of the run, and of whoever publishes, with the rules for what the patch changes."""
    try:
        paths = changed_paths(found.patch)
    except ValueError as error:
        raise UsageError(f"{found.file}: {error}") from None
    both = ((found.prices, found.schedule), (own.prices, own.schedule))
    return tuple((prices, schedule_for(schedule, paths)) for prices, schedule in both)
