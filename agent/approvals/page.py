"""What a person reads before they approve: the patch, what was verified, what is at stake, who approved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from agent import fold
from agent.approvals import nonces
from agent.approvals.counting import asked_of, counted, named_signers, verdict_of
from agent.approvals.request import approvable_diff, awaits, level_needed, probability_right
from agent.approvals.statement import Statement
from agent.errors import AgentError, UsageError
from agent.observations import Counts
from agent.ssh import keys_in
from agent.state import State
from agent.task import Record
from agent.trace import EVENTS, Trace, start_of
from agent.traces.index import traces_in
from agent.units import show_seconds
from agent.words import counts
from policies.amounts import show_money
from policies.autonomy import terms_at
from policies.vocabulary import Outcome

READY, PENDING, EXPIRED, REJECTED, USED, NOT_ASKED, BROKEN, DELIVERED = (
    "ready", "pending", "expired", "rejected", "used", "not asked", "broken", "delivered",
)  # fmt: skip
"""How it stands with a request, by what is on record: enough people have approved; not enough; too late;
somebody said no; its nonce was used; nobody was asked; the request does not fit its run; it was delivered."""

MOST_NAMED = 5
"""Of those who could approve, and of targets."""

OPEN = frozenset({READY, PENDING, NOT_ASKED})


class Signature(Record):
    """An approval or a rejection on record. holds: by the allowed_signers file, None where none was asked;
    why: it does not, or the reason of a rejection."""

    principal: str
    key: str
    time: float
    holds: bool | None = None
    why: str = ""


class Waiting(Record):
    """A run whose verified patch waits for people. Money in dollars, time in seconds since the epoch.

    state: see READY; problem: why it is BROKEN. added, removed: lines of the patch. right: P(the patch is
    right). at_risk: the expected loss of delivering it, at its price. worth: what delivering it is worth, V·P
    less that and the attention that approving takes: what saying no forgoes. dollars, seconds: of the run,
    spent either way. may: who else could approve, by the allowed_signers file. statement: what is to be
    signed; digest: SHA-256 of those bytes. runs: those whose patches it is made of, for the patch of a job,
    of which all figures are then. still_failing: tests that failed before as well."""

    path: str
    run_id: str
    repository: str
    targets: tuple[str, ...]
    action_class: str
    state: str
    problem: str = ""
    people: int
    approvals: tuple[Signature, ...]
    rejection: Signature | None
    expires: str
    delivery: tuple[str, ...]
    patch_bytes: int
    added: int
    removed: int
    verified: Counts
    targets_passed: int
    right: float
    at_risk: float
    attention: float
    value: float
    worth: float
    dollars: float
    seconds: float
    may: tuple[str, ...]
    statement: Statement | None
    digest: str
    runs: tuple[str, ...] = ()
    still_failing: int = 0

    @property
    def missing(self) -> int:
        """How many more people have to approve, by what is on record."""
        return max(0, self.people - sum(each.holds is not False for each in self.approvals))


def waiting_in(folders: tuple[Path, ...], given: Path | None) -> tuple[list[Waiting], list[str]]:
    """The runs in these folders of traces (the user's own for none) that wait for people, newest first; and
    what could not be read, in words. given: an allowed_signers file. Raises UsageError."""
    found, problems = list[Waiting](), list[str]()
    for facts in traces_in(folders):
        if facts.outcome not in (Outcome.DEFERRED, Outcome.FIXED, ""):
            continue
        try:
            if facts.outcome == Outcome.FIXED and not _asks(Path(facts.path)):
                continue
            state = state_of(Path(facts.path))
            if awaits(state) or state.approvals.request is not None:
                signers = named_signers(given, Path(facts.path), state.settings.repository)
                found.append(waiting_of(Path(facts.path), state, signers))
        except (AgentError, OSError, ValueError, ArithmeticError, LookupError) as error:
            problems.append(f"{facts.path}: {error}")
    return found, problems


def _asks(folder: Path) -> bool:
    """Whether its events may hold a request: quickly, as most runs have none."""
    with (folder / EVENTS).open("rb") as stream:
        return any(b'"type":"approval-request"' in line for line in stream)


def state_of(folder: Path) -> State:
    """The state at the end of a trace. Raises UsageError, TraceError."""
    start, events = start_of(Trace(folder), allow_torn_end=True)
    state = fold.start(start)
    for event in events:
        state = fold.apply(state, event)
    return state


def waiting_of(folder: Path, state: State, signers: Path | None = None) -> Waiting:
    """What there is to know of a run that waits for people. signers: by which signatures are checked.

    Raises UsageError where nobody was asked or is to be, TraceError for a trace without the patch."""
    submission, settings, request = state.submission, state.settings, state.approvals.request
    if submission is None or not (request or awaits(state)):
        raise UsageError(f"nothing of {folder} waits for an approval")
    patch, merged = Trace(folder).blob(approvable_diff(state)), state.merged
    lines = patch.decode("utf-8", "replace").splitlines()
    right = probability_right(state)
    value = merged.value if merged else state.prices.value
    action_class = request.statement.action_class if request else settings.delivery
    terms = terms_at(level_needed(state, action_class), action_class, right, state.schedule)
    at_risk = state.prices.risk * terms.loss + state.prices.irreversible * terms.irreversible_loss
    approvals = tuple(_signatures(state, signers))
    asked = request.statement if request else None
    people = asked.people if asked else 0
    standing, problem = _standing(state, approvals)
    return Waiting(
        path=str(folder),
        run_id=state.run_id,
        repository=settings.repository,
        targets=merged.tests if merged else state.targets,
        action_class=str(action_class),
        state=standing,
        problem=problem,
        people=people,
        approvals=approvals,
        rejection=_rejection(state, signers),
        expires=asked.expires if asked else "",
        delivery=asked.delivery if asked else (),
        patch_bytes=len(patch),
        added=sum(line[:1] == "+" and line[:4] != "+++ " for line in lines),
        removed=sum(line[:1] == "-" and line[:4] != "--- " for line in lines),
        verified=merged.counts if merged else submission.counts,
        targets_passed=len(merged.tests) if merged else submission.targets_passed,
        right=right,
        at_risk=at_risk,
        attention=terms.attention,
        value=value,
        worth=value * right - at_risk - terms.attention,
        dollars=merged.dollars if merged else state.booked,
        seconds=merged.seconds if merged else state.spent.seconds,
        may=_others(approvals, signers),
        statement=asked,
        digest=asked.digest if asked else "",
        runs=merged.runs if merged else (),
        still_failing=merged.counts.failed if merged else submission.still_failing,
    )


def _standing(state: State, approvals: tuple[Signature, ...]) -> tuple[str, str]:
    request, delivering = state.approvals.request, state.approvals.delivering
    if state.approvals.rejected is not None:
        return REJECTED, ""
    if request is None:
        return NOT_ASKED, ""
    if request.statement.action_class is state.settings.delivery and not awaits(state):
        return DELIVERED, ""
    asked = request.statement
    try:
        asked_of(state)
        use = nonces.use_of(asked.nonce)
    except AgentError as error:
        return BROKEN, str(error)
    if use and (delivering is None or use != delivering.token):
        return USED, ""
    if time.time() >= asked.expires_at:
        return EXPIRED, ""
    enough = sum(each.holds is not False for each in approvals) >= asked.people
    return (READY if enough else PENDING), ""


def _signatures(state: State, signers: Path | None) -> Iterator[Signature]:
    request = state.approvals.request
    count = counted(state, request.statement, signers) if signers is not None and request else None
    keys = {each.principal: each.key for each in count.approvers} if count else {}
    for given in state.approvals.given:
        yield Signature(
            principal=given.principal,
            key=keys.get(given.principal, given.key),
            time=given.time,
            holds=None if count is None else given.principal in keys,
            why=count.dropped.get(given.principal, "") if count else "",
        )


def _others(approvals: tuple[Signature, ...], signers: Path | None) -> tuple[str, ...]:
    """Who has neither approved yet nor shares the only key of somebody who has."""
    if signers is None:
        return ()
    have, used = {each.principal for each in approvals}, {each.key for each in approvals}
    return tuple(name for name, keys in keys_in(signers).items() if name not in have and keys - used)


def _rejection(state: State, signers: Path | None) -> Signature | None:
    request, said = state.approvals.request, state.approvals.rejected
    if said is None or request is None:
        return None
    holds = None
    if signers is not None:
        asked = request.statement.rejecting(said.reason)
        holds = not verdict_of(said.signature, asked, said.principal, signers).refused
    return Signature(principal=said.principal, key=said.key, time=said.time, holds=holds, why=said.reason)


def lines_of(found: Waiting) -> Iterator[tuple[str, str]]:
    """The page but for the diff: labels, and what stands after them (untrusted, to be neutralised)."""
    yield "run", f"{found.run_id} in {found.path}"
    if found.runs:
        yield "of the job", f"this run stands for all whose patches are in it: {', '.join(found.runs)}"
    yield "repository", found.repository
    yield "patch", f"{found.added} lines in, {found.removed} out, {found.patch_bytes} bytes"
    passed = f"{found.targets_passed} of {len(found.targets)} targets pass"
    before = f" ({found.still_failing} failed before as well)" if found.still_failing else ""
    yield "verified", f"{passed}; whole suite, cold, in a fresh tree: {counts(found.verified)}{before}"
    for target in found.targets[:MOST_NAMED]:
        yield "target", target
    if len(found.targets) > MOST_NAMED:
        yield "target", f"and {len(found.targets) - MOST_NAMED} more"
    yield "right", f"with probability {found.right:.2f}, as far as what it has passed can tell"
    risk = f"expected loss of delivering this {found.action_class} once it is approved"
    yield "at risk", f"{show_money(found.at_risk)}: {risk}"
    less = f"less that risk and {show_money(found.attention)} of attention"
    yield "no forgoes", f"{show_money(found.worth)}: V {show_money(found.value)} × {found.right:.2f}, {less}"
    yield "bill", f"{show_money(found.dollars)} and {show_seconds(found.seconds)}, spent either way"
    for where in found.delivery:
        yield "delivery", where
    if found.statement is not None:
        yield "statement", found.statement.to_sign().decode().rstrip()
        yield "its SHA-256", found.digest
        yield "expires", found.expires
    yield from _people(found)


def _people(found: Waiting) -> Iterator[tuple[str, str]]:
    for each in found.approvals:
        checked = "holds" if each.holds else f"does not count: {each.why}"
        if each.holds is None:
            checked = "not checked: no allowed_signers file"
        yield "approved", f"by {each.principal}, {each.key} ({checked})"
    if found.rejection is not None:
        yield "rejected", f"by {found.rejection.principal}: {found.rejection.why}"
    yield "standing", standing(found)


def standing(found: Waiting) -> str:
    """How it stands, in words."""
    may = f"; {', '.join(found.may[:MOST_NAMED])} may" if found.may else ""
    missing = f"{found.missing} more of {found.people} must approve{may}"
    return {
        READY: "enough people have approved"
        if all(each.holds is not None for each in found.approvals)
        else "enough approvals are on record; whether they count is not checked: no allowed_signers file",
        PENDING: missing,
        EXPIRED: f"expired at {found.expires}; agent approvals request asks anew",
        REJECTED: "rejected: nothing of this run is delivered",
        USED: "its nonce was used: it was delivered, rejected or asked for anew, in this trace or a copy",
        NOT_ASKED: "nobody was asked yet: agent approvals request",
        BROKEN: found.problem,
        DELIVERED: "delivered, as was approved",
    }[found.state]
