"""Whether a patch may be published: the confirmation it needs, and the one it has."""

from __future__ import annotations

import hashlib
import shlex
import time
from dataclasses import dataclass

from agent.approvals import nonces
from agent.approvals.counting import check_not_over, signers_of
from agent.approvals.delivering import is_approved
from agent.approvals.request import publishing
from agent.approvals.statement import Statement
from agent.approvals.stricter import Asked, strictest
from agent.autonomy.patterns import schedule_into
from agent.confirming import people
from agent.errors import UsageError
from agent.publishing.finding import Verified
from agent.publishing.places import Place
from agent.settings import Resolved
from policies.autonomy import Confirmation
from policies.vocabulary import ActionClass
from tools.diff_paths import changed_paths
from tools.plain import plain_line


def asked_for(found: Verified, own: Resolved, into: str) -> Asked:
    """What publishing it needs: by the schedule and prices of its run, and by those of whoever publishes it;
    the stricter counts. into: the branch that it is to be merged into, "" for none."""
    try:
        paths = changed_paths(found.patch)
    except ValueError as error:
        raise UsageError(f"{found.file}: {error}") from None
    both = [
        (prices, schedule_into(schedule, into))
        for prices, schedule in ((found.prices, found.schedule), (own.prices, own.schedule))
    ]
    return strictest(both, ActionClass.PUBLISH, found.right, paths)


@dataclass(frozen=True)
class Granted:
    """How many people have confirmed it; asked: what they signed, None without a signature."""

    people: int
    asked: Statement | None = None

    def claim(self, place: Place, where: str) -> None:
        """Before it is published there: use the approval up for this place, where it may be tried again.
        where: the branch to merge into, or what is commented on. Raises UsageError where what was signed
        names another place, or was used for one."""
        if self.asked is None:
            return
        named = {publishing(a, b) for a in ("", place.repository) for b in ("", where)}
        if self.asked.delivery not in named:
            signed = "; ".join(self.asked.delivery)
            raise UsageError(f"what people approved is: {plain_line(signed, 300)}; this is another place")
        token = hashlib.sha256(f"{place.remote.url}\n{place.repository}\n{where}".encode()).hexdigest()[:32]
        if nonces.take(self.asked.nonce, token):
            return
        check_not_over(self.asked)
        raise UsageError(
            "the nonce of this request was used: the patch was published elsewhere by it; an "
            "approval counts for one place"
        )


def granted(found: Verified, confirm: bool, asked: Asked) -> Granted:
    """How many people have confirmed it, as far as anybody is asked. confirm: the person at this terminal
    does.

    Raises NotApproved where people were asked to approve it and more must, UsageError where that cannot
    help."""
    if nonces.is_rejected(found.run, found.digest):
        raise UsageError(f"a person rejected the patch {found.file}, which is final")
    own = 1 if confirm else 0
    if found.asked is None or asked.people <= own:
        return Granted(own)
    signers = signers_of(found.asked, None)
    approved = is_approved(found.asked, signers, ActionClass.PUBLISH, time.time())
    if approved.asked.patch != found.digest:
        raise UsageError(f"what was approved is another patch than {found.file}")
    return Granted(len(approved.count.approvers), approved.asked)


def waits_for(found: Verified, asked: Asked, given: Granted) -> str:
    """Why it may not be published yet, in words; "" where it may."""
    if asked.people <= given.people:
        return ""
    ways = ["--confirm at a terminal"] if asked.level is Confirmation.CONFIRM else []
    if found.name:
        many = f" --people {asked.people}" if asked.people > 1 else ""
        ways.append(f"agent approvals request {shlex.quote(found.name)} --for publish{many}")
    who = people(asked.people) + (f" ({', or '.join(ways)})" if ways else "")
    if asked.by_price:
        return f"at this price of risk {who} must confirm it (right with probability {found.right:.2f})"
    return f"the autonomy schedule asks {who} to confirm a {ActionClass.PUBLISH}"
