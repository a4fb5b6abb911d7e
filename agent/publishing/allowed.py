"""Whether a patch may be published: the confirmation it needs, and the one it has."""

from __future__ import annotations

from agent.publishing.finding import Verified
from agent.settings import Resolved
from policies.autonomy import Confirmation, required
from policies.vocabulary import ActionClass


def asked_for(found: Verified, own: Resolved) -> Confirmation:
    """What publishing it needs: by the schedule and prices of its run, and by those of whoever publishes it;
    the stricter counts."""
    both = ((found.prices, found.schedule), (own.prices, own.schedule))
    return max(required(ActionClass.PUBLISH, found.right, prices, schedule) for prices, schedule in both)


def granted(found: Verified, confirm: bool) -> Confirmation:
    """How far people have confirmed it. confirm: the person at this terminal does."""
    del found
    return Confirmation.CONFIRM if confirm else Confirmation.FREE


def waits_for(found: Verified, own: Resolved, confirm: bool) -> str:
    """Why it may not be published yet, in words; "" where it may."""
    asked = asked_for(found, own)
    if asked <= granted(found, confirm):
        return ""
    who = "two people" if asked is Confirmation.MULTI_PARTY else "a person (--confirm at a terminal)"
    scheduled = max(each.scheduled(ActionClass.PUBLISH) for each in (found.schedule, own.schedule))
    if asked > scheduled:
        return f"at this price of risk {who} must confirm it (right with probability {found.right:.2f})"
    return f"the autonomy schedule asks {who} to confirm a {ActionClass.PUBLISH}"
