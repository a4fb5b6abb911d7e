"""The end of a run as data (`--json`) and in words."""

from __future__ import annotations

from agent.events import Counts
from agent.forecast import estimates
from agent.state import State
from agent.task import Record
from agent.units import show_money, show_seconds
from agent.words import counts
from policies.belief import hand_right
from policies.vocabulary import Outcome


class Report(Record):
    """What came of a run. Money in dollars, time in seconds, loss in expected loss units."""

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
    value: float
    dollars: float
    seconds: float
    loss: float
    posterior: float | None
    steps: int
    trace: str
    head_hash: str
    notes: tuple[str, ...] = ()

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
        if self.candidate:
            shown.append(f"candidate   {self.candidate} (best patch so far, not verified)")
        shown += [f"evidence    {what}" for what in self.evidence[-6:]]
        if self.outcome is Outcome.NOT_FIXED and len(self.targets) > 1:
            shown.append(
                f"reached     no patch found makes all {len(self.targets)} pass; --test NODEID asks about one"
            )
        posterior = "" if self.posterior is None else f" · patch right with probability {self.posterior:.2f}"
        shown.append(
            f"bill        {show_money(self.dollars)} · {show_seconds(self.seconds)} · "
            f"risk {self.loss:.3f} (1 = a wrong patch on your branch){posterior}"
        )
        shown.append(f"trace       {self.trace}")
        shown.append(f"head hash   {self.head_hash}")
        return shown


def report_of(
    state: State, *, diff: str, candidate: str, trace: str, head_hash: str, exit_code: int
) -> Report:
    """The report of an ended run."""
    outcome = state.ended or Outcome.INFRASTRUCTURE
    submission = state.submission
    delivered = submission.delivered if submission and submission.verified else ()
    if state.deferral is not None:
        delivered = state.deferral.delivered
    fixed = submission is not None and submission.verified
    evidence = () if outcome in (Outcome.FIXED, Outcome.NOTHING_TO_FIX) else (*_messages(state), *state.notes)
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
        value=state.settings.prices.value if outcome is Outcome.FIXED else 0.0,
        dollars=state.spent.dollars,
        seconds=state.spent.seconds,
        loss=state.spent.loss,
        posterior=hand_right(state.belief, estimates(state)) if state.belief.hand else None,
        steps=state.steps,
        trace=trace,
        head_hash=head_hash,
        notes=state.notes,
    )


def _messages(state: State) -> tuple[str, ...]:
    seen = state.reproduction
    return (
        tuple(message.strip().splitlines()[-1] for message in seen.messages if message.strip())
        if seen
        else ()
    )
