"""Whether a patch may be published: the confirmation it needs, and the one it has."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass

from agent.approvals import nonces
from agent.approvals.counting import signers_of
from agent.approvals.delivering import is_approved
from agent.approvals.stricter import Asked, strictest
from agent.confirming import people
from agent.errors import UsageError
from agent.publishing.finding import Verified
from agent.settings import Resolved
from policies.autonomy import Confirmation
from policies.vocabulary import ActionClass
from tools.diff_paths import changed_paths


def asked_for(found: Verified, own: Resolved) -> Asked:
    """What publishing it needs: by the schedule and prices of its run, and by those of whoever publishes it;
    the stricter counts."""
    try:
        paths = changed_paths(found.patch)
    except ValueError as error:
        raise UsageError(f"{found.file}: {error}") from None
    both = (found.prices, found.schedule), (own.prices, own.schedule)
    return strictest(both, ActionClass.PUBLISH, found.right, paths)


@dataclass(frozen=True)
class Granted:
    """How many people have confirmed it; nonce: of the approval that says so, "" without one."""

    people: int
    nonce: str = ""

    def spend(self) -> None:
        """It was published: the approval counts for nothing more."""
        if self.nonce:
            nonces.spend(self.nonce)


def granted(found: Verified, confirm: bool, asked: Asked) -> Granted:
    """How many people have confirmed it, as far as anybody is asked. confirm: the person at this terminal
    does.

    Raises NotApproved where people were asked to approve it and more must, UsageError where that cannot
    help."""
    own = 1 if confirm else 0
    if found.asked is None or asked.people <= own:
        return Granted(own)
    signers = signers_of(found.asked, None)
    approved = is_approved(found.asked, signers, ActionClass.PUBLISH, time.time())
    if approved.asked.patch != found.digest:
        raise UsageError(f"what was approved is another patch than {found.file}")
    return Granted(len(approved.count.approvers), approved.asked.nonce)


def waits_for(found: Verified, asked: Asked, given: Granted) -> str:
    """Why it may not be published yet, in words; "" where it may."""
    if asked.people <= given.people:
        return ""
    ways = ["--confirm at a terminal"] if asked.level is Confirmation.CONFIRM else []
    if found.name:
        ways.append(f"agent approvals request {shlex.quote(found.name)} --for publish")
    who = people(asked.people) + (f" ({', or '.join(ways)})" if ways else "")
    if asked.by_price:
        return f"at this price of risk {who} must confirm it (right with probability {found.right:.2f})"
    return f"the autonomy schedule asks {who} to confirm a {ActionClass.PUBLISH}"
