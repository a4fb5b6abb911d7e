"""What a run came to: (V, ΣC, λΣL, ρΣR), and the net, by what is known of it now (economics.md §7).

What later became of the patch overrides what was expected of it: merged, V is kept and nothing was lost;
reverted, V is taken back and the loss that delivering risked was borne, severity × (ρ + ρ_irr·share) of the
action class; reworked, V is kept and people's minutes are paid for. A minute is priced as the schedule
prices attention (H of reading and confirming a small diff, which is taken to be MINUTES_OF_CONFIRMING), and
not at λ: λ is what it costs that a task waits, and may be 0 where nobody does, while rework costs whoever
does it all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.audit.results import Realised, Total
from agent.audit.runs import Run, Step, Submission
from agent.autonomy.patterns import schedule_for
from policies.autonomy import Confirmation
from policies.vocabulary import ActionClass, Outcome, StepKind

MINUTES_OF_CONFIRMING = 2.0
"""What `policies.autonomy.Attention` takes `confirm` to be: two minutes."""

WORTH_NOTHING = frozenset(Outcome) - {Outcome.FIXED, Outcome.DEFERRED}
"""Ends of our own runs at which nothing was solved and delivered."""

HANDING = (StepKind.SUBMIT, StepKind.DEFER)
"""Steps that hand something out."""


def realised(run: Run) -> tuple[Realised, str]:
    """What the run came to, and how its value is known, in words."""
    value, how = value_of(run)
    dollars = dollars_of(run.steps, run)
    seconds = total(step.seconds for step in run.steps)
    loss = loss_of(run)
    risk = _priced(loss.exact, run)
    time = Total(
        total=run.prices.latency * seconds.total,
        known=int(not seconds.unknown),
        unknown=int(seconds.unknown > 0),
    )
    attention, rework = attention_of(run), rework_of(run)
    worth = (value, dollars.exact, time.exact, risk, attention, rework)
    return (
        Realised(
            value=total([value]),
            dollars=dollars,
            guessed=sum(
                request.dollars or 0.0
                for step in run.steps
                for request in step.requests
                if request.known == "worst case"
            ),
            seconds=seconds,
            time=time,
            loss=loss,
            risk=total([risk]),
            attention=total([attention]),
            rework=total([rework]),
            net=total([net_of(*worth)]),
        ),
        how,
    )


def dollars_of(steps: Sequence[Step], run: Run) -> Total:
    """What these steps of the run cost. One that asked no model and bills nothing has no dollars to know; and
    of all steps together everything is known where they add up to the run's own total."""
    found = total(step.dollars for step in steps if step.dollars is not None or step.requests)
    everything = run.whole and len(steps) == len(run.steps)
    return Total(total=found.total, known=found.known) if everything else found


def net_of(
    value: float | None,
    dollars: float | None,
    time: float | None,
    risk: float | None,
    attention: float | None,
    rework: float | None,
) -> float | None:
    """Value less everything that was paid, dollars; None where any of it is not known."""
    costs = (dollars, time, risk, attention, rework)
    known = [cost for cost in costs if cost is not None]
    return None if value is None or len(known) < len(costs) else value - sum(known)


def summed(parts: Iterable[Realised]) -> Realised:
    """Of several runs: each sum holds all that is known, and says of how many runs that is everything."""
    each = list(parts)
    return Realised(
        value=together(run.value for run in each),
        dollars=together(run.dollars for run in each),
        guessed=sum(run.guessed for run in each),
        seconds=together(run.seconds for run in each),
        time=together(run.time for run in each),
        loss=together(run.loss for run in each),
        risk=together(run.risk for run in each),
        attention=together(run.attention for run in each),
        rework=together(run.rework for run in each),
        net=together(run.net for run in each),
    )


def together(parts: Iterable[Total]) -> Total:
    """Sums of several runs as one over runs."""
    each = list(parts)
    whole = sum(not part.unknown for part in each)
    return Total(total=sum(part.total for part in each), known=whole, unknown=len(each) - whole)


def total(parts: Iterable[float | None]) -> Total:
    """The sum of what is known, and of how much it is."""
    each = list(parts)
    known = [part for part in each if part is not None]
    return Total(total=sum(known), known=len(known), unknown=len(each) - len(known))


def value_of(run: Run) -> tuple[float | None, str]:
    """V of what was solved and delivered, as far as it is known, and how, in words."""
    if run.later:
        said = run.later[-1]
        if said.word == "reverted":
            return 0.0, "reverted later"
        return run.prices.value, f"{said.word} later"
    if run.verified is True and (run.source != "marginal-agent" or run.outcome is Outcome.FIXED):
        return run.prices.value, "verified"
    if run.source != "marginal-agent":
        return (0.0, "found not fixed") if run.verified is False else (None, "nobody checked the result")
    if run.outcome is Outcome.DEFERRED:
        return None, "handed to a person; what became of it was not said (agent outcome)"
    if run.outcome in WORTH_NOTHING:
        return 0.0, "nothing was delivered"
    return None, "its end is not recorded"


def loss_of(run: Run) -> Total:
    """Loss units: as booked, expected; or what was lost, once it is known what became of the patch."""
    losses = [step_loss(step, run) for step in run.steps]
    if _reverted(run) and _handed_by(run) is None:  # no step is known to have lost it
        losses.append(_severity(run))
    return total(losses)


def step_loss(step: Step, run: Run) -> float | None:
    """Loss units of a step. Later truth replaces what delivering was expected to lose: a patch that was
    reverted lost its severity in the step that handed it out, any other nothing."""
    booked = 0.0 if run.later and step.kind is StepKind.SUBMIT else step.loss
    if step.kind not in HANDING or not _reverted(run) or step.number != _handed_by(run):
        return booked
    lost = _severity(run)
    return None if booked is None or lost is None else booked + lost


def _reverted(run: Run) -> bool:
    return bool(run.later) and run.later[-1].word == "reverted"


def _handed_by(run: Run) -> int | None:
    """The number of the step that handed out what was handed out last."""
    return next((step.number for step in reversed(run.steps) if step.kind in HANDING), None)


def _severity(run: Run) -> float | None:
    delivered = delivered_of(run)
    return run.schedule.risks.of(delivered).severity if delivered else None


def delivered_of(run: Run) -> ActionClass | None:
    """How far what was handed out last reached; None where nothing says so."""
    return run.submissions[-1].delivery if run.submissions else run.delivery


def attention_of(run: Run) -> float | None:
    """H of the confirmations that people were asked for, and of looking at what was handed over, as priced,
    dollars."""
    if run.source != "marginal-agent":
        return None  # how long people looked at it is nowhere
    given = sum(confirming(run, submission) for submission in run.submissions)
    glances = sum(step.kind is StepKind.DEFER for step in run.steps)
    return given + glances * run.schedule.attention.glance


def confirming(run: Run, submission: Submission) -> float:
    """H of one confirmation, dollars: none for one by a flag, given before there was anything to read."""
    if submission.by_flag:
        return 0.0
    schedule = schedule_for(run.schedule, submission.paths)
    return schedule.attention_of(Confirmation(submission.level), submission.delivery)


def rework_of(run: Run) -> float:
    """Minutes that people spent on it later, in dollars."""
    minutes = run.later[-1].minutes if run.later else 0.0
    return minutes * run.schedule.attention.confirm / MINUTES_OF_CONFIRMING


def step_price(step: Step, run: Run) -> float | None:
    """The full price that a step took, without attention: dollars + λ·seconds + (ρ + ρ_irr·share)·loss."""
    risk = _priced(step_loss(step, run), run)
    if step.dollars is None or step.seconds is None or risk is None:
        return None
    return step.dollars + run.prices.latency * step.seconds + risk


def _priced(loss: float | None, run: Run) -> float | None:
    """Dollars of a loss: of what was delivered, a share cannot be undone."""
    delivered = delivered_of(run)
    if not loss or delivered is None:
        return 0.0 if loss == 0 else None
    return run.schedule.risks.of(delivered).price(run.prices) * loss
