"""Asking, approving and rejecting: each puts an event on record in a run that waits for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent import fold, ssh
from agent.approvals import nonces
from agent.approvals.counting import (
    Approver,
    Count,
    as_file,
    asked_of,
    check_in_time,
    check_unused,
    counted,
    verdict_of,
)
from agent.approvals.request import LEAST_LASTS, MOST_LASTS, Wanted, approvable, awaits, requested
from agent.approvals.statement import NAMESPACE, Statement
from agent.audit.later import LATER
from agent.errors import UsageError
from agent.events import ApprovalGiven, ApprovalRejected, Event, RunEnded, RunResumed
from agent.fix import ended_as
from agent.run import Run, TakenUp, redactor_for, signals_held, take_up
from agent.schema import EVENT
from agent.state import State
from agent.trace import Trace
from agent.traces.checking import opened
from agent.versions import versions
from policies.vocabulary import ActionClass, Outcome

MOST_REASON = 500

Making = Callable[[Statement], bytes]
"""Makes the signature of a statement."""


@dataclass(frozen=True)
class Signed:
    """What came of an approval: who approved, and how it stands now. own: for the run's own delivery."""

    approver: Approver
    count: Count
    head: str
    own: bool


@contextmanager
def waiting(folder: Path, *, asking: bool = False) -> Iterator[TakenUp]:
    """A run that has ended and waits for people, or is to (`asking`), while nobody else writes to it.

    Raises UsageError."""
    taken = take_up(folder)
    try:
        state = taken.run.state
        asked = asking or state.approvals.request is not None
        ended = state.ended in (Outcome.DEFERRED, Outcome.FIXED) or state.cut_off
        if not ended or not (awaits(state) or (asked and approvable(state))):
            raise UsageError(f"nothing of {folder} waits for an approval (agent approvals list: what does)")
        if (folder / LATER).exists():
            raise UsageError(
                f"{folder}: what became of its patch was said already (agent outcome), chained to its end; "
                "it takes no approval any more"
            )
        yield taken
    finally:
        taken.run.writer.close()


def go_on(run: Run, now: float, event: Event) -> None:
    """Put this on record, and the end of the run after it, as it had been."""
    with signals_held():
        run.append(RunResumed(time=now, versions=versions()))
        run.append(event)
        run.append(end_of(run.state))


def check_recordable(run: Run, event: Event) -> None:
    """Before anything is written: what a trace would hold of it must be what was signed, and follow.

    Raises UsageError, TraceError."""
    written = EVENT.dump_python(event, mode="json")
    if redactor_for(run.state.settings).tree(written) != written:
        raise UsageError("it holds what looks like a secret, which a trace does not keep: say it otherwise")
    fold.apply(fold.apply(run.state, RunResumed(time=0.0)), event)


def end_of(state: State) -> RunEnded:
    """The end of a run as what it has come to."""
    return ended_as(state.ended or Outcome.DEFERRED, state.explanation)


def ask(folder: Path, lasts: float, wanted: Wanted | None = None) -> Statement:
    """Ask anew, with another nonce: approvals of an earlier request count no more. wanted: what is to be done
    with the verified patch, None for the run's own delivery. Raises UsageError."""
    if not LEAST_LASTS <= lasts <= MOST_LASTS:
        raise UsageError("expires: name a time between one minute and a year from now, such as 7d")
    with waiting(folder, asking=True) as taken:
        state = taken.run.state
        wanted = wanted or Wanted(state.settings.delivery)
        _check_can_follow(folder, state, wanted.action_class)
        if state.approvals.rejected is not None:
            asked_of(state)  # raises, and says who and why
        now = time.time()
        request = requested(state, wanted, now, lasts)
        if nonces.is_rejected(state.run_id, request.statement.patch):
            raise UsageError("the patch was rejected, in another copy of this trace; that is final")
        if state.approvals.request is not None:
            nonces.spend(state.approvals.request.statement.nonce, nonces.REPLACED)
        go_on(taken.run, now, request)
        return request.statement


def _check_can_follow(folder: Path, state: State, action_class: ActionClass) -> None:
    """Raises UsageError for an action that no approval of this run could let anybody take."""
    own = state.settings.delivery
    if action_class not in (own, ActionClass.PUBLISH):
        raise UsageError(
            f"for: nothing makes a {action_class} of this run's patch; its own delivery is a {own}, and "
            "--for publish is for `agent publish`"
        )
    if action_class is not own or awaits(state):
        return
    if state.submission is not None and not state.submission.undelivered:
        raise UsageError(f"the {own} of {folder} was delivered; nothing of it waits for an approval")
    raise UsageError(f"nobody has to approve the {own} of {folder}; nothing of it waits for an approval")


def approve(folder: Path, signers: Path, make: Making, principal: str) -> Signed:
    """Put an approval on record. principal: who, "" for whom the file `signers` knows the key of.

    Raises UsageError where it would not count."""
    with waiting(folder) as taken:
        run, now = taken.run, time.time()
        asked = asked_of(run.state)
        Trace(folder).blob(asked.patch)
        check_in_time(asked, now)
        check_unused(asked)
        approver, signature = _made(make, asked, signers, principal)
        for given in run.state.approvals.given:
            if given.principal == approver.principal:
                raise UsageError(f"as: {approver.principal} has approved it already; ask another person")
            if given.key == approver.key:
                raise UsageError(
                    f"key: {given.principal} has approved it with this very key ({approver.key}); two people "
                    "have two keys"
                )
        event = ApprovalGiven(
            time=now, principal=approver.principal, key=approver.key, statement=asked.digest,
            nonce=asked.nonce, expires=asked.expires, signature=signature,
        )  # fmt: skip
        check_recordable(run, event)
        go_on(run, now, event)
        own = asked.action_class is run.state.settings.delivery
        return Signed(approver, counted(run.state, asked, signers), run.writer.head, own)


def reject(folder: Path, signers: Path, make: Making, principal: str, reason: str) -> Approver:
    """Put a no on record, and use the nonce up: no copy of the trace can be delivered either."""
    if not reason.strip() or len(reason) > MOST_REASON:
        raise UsageError(f"reason: say why in 1 to {MOST_REASON} characters")
    with waiting(folder) as taken:
        run, now = taken.run, time.time()
        asked = asked_of(run.state)
        if run.state.approvals.delivering is not None:
            raise UsageError("its delivery was approved and begun already")
        refused = asked.rejecting(reason)
        rejecter, signature = _made(make, refused, signers, principal)
        event = ApprovalRejected(
            time=now, principal=rejecter.principal, key=rejecter.key, reason=reason,
            statement=refused.digest, nonce=asked.nonce, signature=signature,
        )  # fmt: skip
        check_recordable(run, event)
        if not nonces.take(asked.nonce, nonces.REJECTED):
            check_unused(asked)
        nonces.reject(asked.run, asked.patch)
        go_on(run, now, event)
        return rejecter


def with_key(key: Path) -> Making:
    """Signs with an SSH key."""
    return lambda statement: ssh.signed(key, statement.to_sign(), NAMESPACE)


def from_file(path: Path) -> Making:
    """Takes a signature that was made elsewhere."""

    def read(_: Statement) -> bytes:
        try:
            with opened(path, ssh.MOST_BYTES) as stream:
                return stream.read()
        except OSError as error:
            raise UsageError(f"signature: cannot read {path}: {error.strerror or error}") from None

    return read


def _made(make: Making, asked: Statement, signers: Path, principal: str) -> tuple[Approver, str]:
    """Who signed, as `signers` knows them, and the signature. Raises UsageError where it does not count."""
    signature = make(asked).decode("utf-8", "replace")
    principal = principal or _known(signature, signers)
    verdict = verdict_of(signature, asked, principal, signers)
    if verdict.refused:
        raise UsageError(
            f"the signature does not count for {principal}: {verdict.refused} (by {signers}; it has to be of "
            f"the statement that `agent approvals show --statement` prints, in the namespace {NAMESPACE})"
        )
    return Approver(principal, verdict.key), signature


def _known(signature: str, signers: Path) -> str:
    """The one name by which the file knows the key. Raises UsageError."""
    with as_file(signature) as path:
        names = ssh.principals_of(path, signers)
    if not names:
        raise UsageError(f"the key that signed is not one that {signers} lists")
    if len(names) > 1 or set(names[0]) & set("*?!"):
        raise UsageError(f"as: {signers} knows this key as {', '.join(names)}; say who signs with --as NAME")
    return names[0]
