"""Gain per dollar of each kind of step (MTA eq. 8), and each step beside what else was on offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.audit.realised import confirming, dollars_of, step_loss, step_price, total
from agent.audit.results import Kind, KindGain, StepAudit, Total
from agent.audit.runs import Run, Step
from policies.vocabulary import Candidate, Decision, Prices, Quote, StepKind

PREPARATIONS = frozenset({"read intake", "read environment", "verify reproduce", "verify baseline"})

AT_THE_MARGIN: tuple[Kind, ...] = ("read", "plan", "act", "verify")
"""Between these the same dollar can go to the one or the other."""

ORDER: tuple[Kind, ...] = ("prepare", "read", "plan", "act", "verify", "submit", "defer", "unknown")

STOP = "stop"


def kind_of(step: Step) -> Kind:
    """What the step was for."""
    if step.name in PREPARATIONS:
        return "prepare"
    return "unknown" if step.kind is None else step.kind.value


def row_of(decision: Decision | None) -> Candidate | None:
    """The chosen row of the table."""
    if decision is None:
        return None
    return next((row for row in decision.candidates if row.step == decision.chosen), None)


def full_price(quote: Quote, prices: Prices) -> float:
    """ΔC + H + λ·ΔL + ρ·ΔR + ρ_irr·ΔR_irr as predicted, dollars."""
    return (
        quote.dollars
        + quote.attention
        + prices.latency * quote.seconds
        + prices.risk * quote.loss
        + prices.irreversible * quote.irreversible_loss
    )


def kinds_of(run: Run) -> tuple[KindGain, ...]:
    """Each kind of step that the run bought."""
    by_kind: dict[Kind, list[Step]] = {}
    for step in run.steps:
        by_kind.setdefault(kind_of(step), []).append(step)
    return tuple(_gain_of(kind, by_kind[kind], run) for kind in ORDER if kind in by_kind)


def _gain_of(kind: Kind, steps: Sequence[Step], run: Run) -> KindGain:
    rows = [(step, row.quote) for step in steps if (row := row_of(step.decision)) is not None]
    prices = [full_price(quote, run.prices) for _, quote in rows]
    last, last_price = None, 0.0
    if rows and prices[-1] > 0:
        last, last_price = rows[-1][1].gain.total / prices[-1], prices[-1]
    return KindGain(
        kind=kind,
        steps=len(rows),
        unpredicted=len(steps) - len(rows),
        gain=sum(quote.gain.total for _, quote in rows),
        price=sum(prices),
        paid=total(paid(step, run) for step in steps),
        dollars=dollars_of(steps, run),
        seconds=total(step.seconds for step in steps),
        last=last,
        last_price=last_price,
    )


def paid(step: Step, run: Run) -> float | None:
    """The full price that the step took, attention included, dollars."""
    price = step_price(step, run)
    return None if price is None else price + attention_in(step, run)


def attention_in(step: Step, run: Run) -> float:
    """H of what people gave their word to, or were handed, in a step, dollars."""
    if step.kind is StepKind.DEFER:
        return run.schedule.attention.glance
    return sum(confirming(run, each) for each in run.submissions if each.step == step.number)


def kinds_together(parts: Iterable[Sequence[KindGain]]) -> tuple[KindGain, ...]:
    """The kinds of several runs, summed."""
    by_kind: dict[Kind, list[KindGain]] = {}
    for kinds in parts:
        for each in kinds:
            by_kind.setdefault(each.kind, []).append(each)
    return tuple(_together(kind, by_kind[kind]) for kind in ORDER if kind in by_kind)


def _together(kind: Kind, parts: Sequence[KindGain]) -> KindGain:
    price = sum(part.last_price for part in parts)
    gains = sum(part.last * part.last_price for part in parts if part.last is not None)
    return KindGain(
        kind=kind,
        steps=sum(part.steps for part in parts),
        unpredicted=sum(part.unpredicted for part in parts),
        gain=sum(part.gain for part in parts),
        price=sum(part.price for part in parts),
        paid=_summed(part.paid for part in parts),
        dollars=_summed(part.dollars for part in parts),
        seconds=_summed(part.seconds for part in parts),
        last=gains / price if price > 0 else None,
        last_price=price,
    )


def _summed(parts: Iterable[Total]) -> Total:
    """Over steps, as each part is."""
    each = list(parts)
    return Total(
        total=sum(part.total for part in each),
        known=sum(part.known for part in each),
        unknown=sum(part.unknown for part in each),
    )


def margins(kinds: Iterable[KindGain]) -> float | None:
    """The largest over the smallest gain of a last dollar among kinds between which there is a choice: 1.0 at
    an interior optimum (eq. 2, 8). None with fewer than two, or where one gains nothing."""
    lasts = [each.last for each in kinds if each.kind in AT_THE_MARGIN and each.last is not None]
    if len(lasts) < 2 or min(lasts) <= 0:
        return None
    return max(lasts) / min(lasts)


def step_audit(step: Step, run: Run) -> StepAudit:
    """The step beside what else was on offer."""
    row = row_of(step.decision)
    rival = _rival(step.decision)
    return StepAudit(
        number=step.number,
        kind=kind_of(step),
        name=step.name,
        tier=step.tier,
        reason=step.decision.reason if step.decision else "",
        gain=row.quote.gain.total if row else None,
        price=full_price(row.quote, run.prices) if row else None,
        net=row.net if row else None,
        probability=row.quote.probability if row else None,
        rival=rival[0],
        rival_net=rival[1],
        dollars=step.dollars,
        seconds=step.seconds,
        loss=step_loss(step, run),
        full=paid(step, run),
        succeeded=step.succeeded,
        said=step.said,
    )


def _rival(decision: Decision | None) -> tuple[str, float | None]:
    """The best row that was not chosen and that no limit refused; stopping, which is worth 0, is one."""
    if decision is None or len(decision.candidates) < 2:
        return "", None
    others = [row for row in decision.candidates if row.step != decision.chosen and not row.refused]
    best = max(others, key=lambda row: row.net, default=None)
    if best is None or best.net < 0:
        return STOP, 0.0
    return best.step.name, best.net
