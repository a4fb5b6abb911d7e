"""The end of a run as data (`--json`) and in words."""

from __future__ import annotations

import shlex

from agent.approvals.request import awaits, people_needed
from agent.delivered import expected_loss, reached
from agent.forecast import estimates
from agent.handover import Handover
from agent.handover_page import in_short
from agent.observations import Counts
from agent.settings import REPAIR
from agent.state import State
from agent.targets import reason
from agent.task import Record
from agent.tier_bills import TierBill, tier_bills
from agent.trace import Trace
from agent.units import show_seconds
from agent.words import beyond, counts
from policies.amounts import show_money
from policies.belief import hand_right
from policies.vocabulary import ActionClass, Outcome

SUSPECTS = 3


class Report(Record):
    """What came of a run. Money in dollars, time in seconds, loss in expected loss units (1: a wrong commit).

    posterior: P(the patch is right), null without one. delivery: how far it reached, or was to; severity:
    what a wrong one of it loses, in loss units; risk_price: dollars for each of them, with the share that
    cannot be undone. suspects: the most suspicious lines; tried: candidate patches of the embedded tier that
    were gone through, and attempts of other tiers; tiers: what each of those that were asked took. beyond:
    which billed more than the worst case of their requests. people: who have to approve the delivery that
    waits for them; 0 where none does. notify: who is to be told, by the schedule. handover: what a person is
    handed who takes over (null where nobody has to), and page: the file that says it.
    """

    outcome: Outcome
    exit_code: int
    explanation: str
    run_id: str
    repository: str
    targets: tuple[str, ...]
    targets_passed: int
    verified: Counts | None
    still_failing: int
    diff: str
    delivered: tuple[str, ...]
    candidate: str
    evidence: tuple[str, ...]
    suspects: tuple[str, ...] = ()
    tried: int = 0
    tiers: tuple[TierBill, ...] = ()
    value: float
    dollars: float
    seconds: float
    loss: float
    delivery: ActionClass
    severity: float
    risk_price: float
    posterior: float | None
    steps: int
    trace: str
    head_hash: str
    notes: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    people: int = 0
    notify: tuple[str, ...] = ()
    handover: Handover | None = None
    page: str = ""

    def lines(self) -> list[str]:
        """The summary a person reads."""
        shown = [self.explanation]
        if self.verified is not None:
            shown.append(
                f"verified    {self.targets_passed} of {len(self.targets)} targets pass; whole suite, cold, "
                f"in a fresh tree: {counts(self.verified)}"
                + (f" ({self.still_failing} failed before as well)" if self.still_failing else "")
            )
        elif self.targets:
            shown.append(f"targets     {', '.join(self.targets[:3])}{' …' if len(self.targets) > 3 else ''}")
        shown += [f"delivered   {what}" for what in self.delivered]
        if self.notify:
            shown.append(f"notify      {', '.join(self.notify)} (by the autonomy schedule; nothing was sent)")
        if self.candidate:
            shown.append(f"candidate   {self.candidate} (best patch so far, not verified)")
        shown += [f"evidence    {what}" for what in self.evidence[-6:]]
        if self.suspects and self.outcome not in (Outcome.FIXED, Outcome.NOTHING_TO_FIX):
            what = "candidate patches and answers" if self.tiers else "candidate patches"
            tried = f"; {self.tried} {what} were gone through" if self.tried else ""
            shown.append(f"suspected   {', '.join(self.suspects)}{tried}")
        if self.outcome is Outcome.NOT_FIXED and len(self.targets) > 1:
            shown.append(
                f"reached     no patch found makes all {len(self.targets)} pass; --test NODEID asks about one"
            )
        if self.outcome is Outcome.NOT_FIXED and any(target.endswith(".py") for target in self.targets):
            shown.append(
                "files       one that does not collect is fixed only when all of its tests pass and none is "
                "skipped; --test NODEID asks about one test"
            )
        if self.handover is not None:
            shown += in_short(self.handover)
            shown += [f"one page    {self.page}"] if self.page else []
        if self.posterior is not None:
            shown.append(
                f"right       with probability {self.posterior:.2f}, as far as what it has passed can tell"
            )
        shown.append(f"bill        {self.bill()}")
        shown += [tier.line() for tier in self.tiers]
        shown += [f"beyond      {what}" for what in self.beyond]
        shown.append(f"trace       {self.trace}")
        if self.people and self.outcome is Outcome.DEFERRED:
            who = "a person" if self.people == 1 else f"{self.people} people"
            shown.append(f"to approve  agent approvals show {shlex.quote(self.trace)} ({who}, with SSH keys)")
        if self.outcome in (Outcome.INTERRUPTED, Outcome.INFRASTRUCTURE):
            shown.append(f"to go on    agent fix --resume {shlex.quote(self.trace)}")
        shown.append(f"head hash   {self.head_hash}")
        return shown

    def bill(self) -> str:
        """What the run took: money, time, risk."""
        taken = f"{show_money(self.dollars)} · {show_seconds(self.seconds)}"
        return f"{taken} · risk {show_money(self.risk_price * self.loss)}{self._of_what()}"

    def _of_what(self) -> str:
        """What the risk is made of: it may be small because a wrong patch file does little."""
        if not self.loss:
            return ""
        expected = f"expected when submitted: {self.loss:.3g} wrong commits at {show_money(self.risk_price)}"
        if self.delivery is ActionClass.DRAFT:
            expected += f"; a wrong patch file counts {self.severity:g}"
        return f" ({expected})"


def diff_of(state: State, trace: Trace) -> str:
    """The diff that goes with the outcome: the verified patch, or the best candidate's. Raises TraceError."""
    name = ""
    if state.submission is not None and state.submission.verified:
        name = state.submission.diff
    elif state.deferral is not None:
        name = state.deferral.diff
    return trace.blob(name).decode("utf-8", "replace") if name else ""


def report_of(
    state: State,
    *,
    diff: str,
    candidate: str,
    trace: str,
    head_hash: str,
    exit_code: int,
    handover: Handover | None = None,
    page: str = "",
) -> Report:
    """The report of an ended run. handover, page: see `Report`."""
    outcome = state.ended or Outcome.INFRASTRUCTURE
    submission = state.submission
    delivered = submission.delivered if submission and submission.verified else ()
    if state.deferral is not None:
        delivered = state.deferral.delivered
    fixed = submission is not None and submission.verified
    evidence = () if outcome in (Outcome.FIXED, Outcome.NOTHING_TO_FIX) else _evidence(state)
    delivery = reached(state)
    stakes = state.settings.schedule.risks.of(delivery)
    return Report(
        outcome=outcome,
        exit_code=exit_code,
        explanation=state.explanation,
        run_id=state.run_id,
        repository=state.settings.repository,
        targets=state.targets,
        targets_passed=submission.targets_passed if submission else 0,
        verified=submission.counts if fixed and submission else None,
        still_failing=submission.still_failing if fixed and submission else 0,
        diff=diff,
        delivered=delivered,
        candidate=candidate,
        evidence=evidence,
        suspects=state.localised.top[:SUSPECTS] if state.localised else (),
        tried=sum(
            search.next_index if name == REPAIR else len(search.used)
            for name, search in state.searches.items()
        ),
        tiers=tier_bills(state),
        value=state.prices.value if outcome is Outcome.FIXED else 0.0,
        dollars=state.booked,
        seconds=state.spent.seconds,
        loss=expected_loss(state),
        delivery=delivery,
        severity=stakes.severity,
        risk_price=stakes.price(state.prices),
        posterior=hand_right(state.belief, estimates(state)) if state.belief.hand else None,
        steps=state.steps,
        trace=trace,
        head_hash=head_hash,
        notes=state.notes,
        beyond=beyond(state),
        people=_people(state),
        notify=state.schedule.told(delivery) if fixed else (),
        handover=handover,
        page=page,
    )


def _people(state: State) -> int:
    waits = awaits(state) and state.approvals.rejected is None
    return people_needed(state, state.settings.delivery) if waits else 0


def _evidence(state: State) -> tuple[str, ...]:
    """What failed, what a model made of it, and what was tried."""
    diagnosis = (f"diagnosis: {' '.join(state.plan.split())}",) if state.plan else ()
    return (*_messages(state), *diagnosis, *state.notes)


def _messages(state: State) -> tuple[str, ...]:
    seen = state.reproduction
    return tuple(reason(message) for message in seen.messages if message.strip()) if seen else ()
