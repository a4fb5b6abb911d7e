"""The seven failure modes of economics.md §6 (MTA table 2): what a decision gave up, by its recorded table.

One function each. A finding names the steps concerned and the dollars they cost by the formula in FORMULAS;
"unknown" says what the source lacks, which is something else than "none found". Nothing is solved anew: the
rows are as the run recorded them. The three that are about how tokens are made and kept are in `supply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.audit.gains import STOP, row_of
from agent.audit.results import Concern, Finding, Mode
from agent.audit.runs import Run, Step, Submission
from agent.audit.supply import cache_misuse, congestion, found_or_none, stale
from agent.autonomy.patterns import schedule_for
from policies.amounts import show_apart, show_money
from policies.autonomy import Confirmation, required, terms_at
from policies.vocabulary import Candidate, Decision, StepKind

EPSILON = 1e-6
"""Dollars: rows whose nets differ by less are as good as each other."""

FORMULAS: dict[Mode, str] = {
    "over-routing": "max over cheaper tiers k of net_k - net_m, where it is > 0 (m: the tier chosen)",
    "under-routing": "max over dearer tiers k of net_k - net_m, where it is > 0; on giving up: max net - net "
    "of giving up, over rows that no limit refused",
    "over-delegation": "[ρΔR + ρ_irrΔR_irr + H](level used) - the same at the level required, V·Δp being 0",
    "under-verification": "max over checks v of net_v - net_submit, where it is > 0",
    "serving congestion": "λ·min(seconds waited and failed under load, seconds beyond the quote) + "
    "min(dollars booked for such failures, dollars beyond the quote)",
    "stale rollouts": "δ^(days since the newest run learnt from) < 0.5; over many runs, the right attempts "
    "of a tier against Σp, by a two-sided test",
    "cache misuse": "(write - prefill rate)·tokens written and never read + (prefill - cached rate)·tokens "
    "quoted as cached and not read",
}

NO_TABLE = "the source records no candidates and no predictions"


def findings(run: Run) -> tuple[Finding, ...]:
    """All seven, in the order of the table."""
    return tuple(look(run) for look in LOOKS)


def over_routing(run: Run) -> Finding:
    """A dearer tier was used where the table said that a cheaper one had the higher net."""
    return _of_decisions("over-routing", run, _over_routed)


def _over_routed(step: Step, decision: Decision, row: Candidate) -> Concern | None:
    if row.step.kind is not StepKind.ACT:
        return None
    cheaper = (each for each in _attempts(decision) if _price(each) < _price(row))
    return _given_up(step, row, cheaper, "cheaper")


def under_routing(run: Run) -> Finding:
    """A cheap tier was used although a dearer one had the higher net, or the run gave up with positive net
    left in a row that no limit refused."""
    found = _of_decisions("under-routing", run, _under_routed)
    if run.stopped is None:
        return found
    best = _best_of(row for row in run.stopped.candidates if not row.refused)
    if best is None or best.net <= EPSILON:
        return found
    seen = f"gave up, worth $0.00, where '{best.step.name}' had {show_money(best.net)}"
    concern = Concern(step=len(run.steps) + 1, name=STOP, dollars=best.net, seen=seen)
    return found_or_none("under-routing", (*found.concerns, concern))


def _under_routed(step: Step, decision: Decision, row: Candidate) -> Concern | None:
    if row.step.kind is StepKind.ACT:
        dearer = (each for each in _attempts(decision) if _price(each) > _price(row))
        return _given_up(step, row, dearer, "dearer")
    if row.step.kind is StepKind.DEFER:
        return _given_up(step, row, _refused_not(decision), "still open")
    return None


def over_delegation(run: Run) -> Finding:
    """A patch was handed out at a level of confirmation although a stricter one was worth more, or asked for
    by the schedule."""
    if run.source != "marginal-agent":
        missing = "the source does not say what was delivered, nor whether a person confirmed it"
        return Finding(mode="over-delegation", status="unknown", missing=missing)
    concerns = []
    for given in run.submissions:
        asked, cost = level_required(run, given)
        if given.level < asked:
            levels = f"{Confirmation(given.level).word}, {asked.word} was required"
            seen = f"a {given.delivery} that is right with probability {given.right:.2f}: {levels}"
            concerns.append(Concern(step=given.step, name="submit", dollars=cost, seen=seen))
    return found_or_none("over-delegation", tuple(concerns))


def level_required(run: Run, given: Submission) -> tuple[Confirmation, float]:
    """The confirmation that schedule and prices ask for, and by how many dollars the one given was worth
    less (0 where it was worth more)."""
    schedule = schedule_for(run.schedule, given.paths)
    asked = required(given.delivery, given.right, run.prices, schedule)
    levels = (Confirmation(given.level), asked)
    used, best = (terms_at(level, given.delivery, given.right, schedule) for level in levels)
    return asked, max(0.0, used.price(run.prices) - best.price(run.prices))


def under_verification(run: Run) -> Finding:
    """A candidate was submitted while another check had the higher net."""
    return _of_decisions(
        "under-verification", run, lambda step, decision, row: _unverified(step, decision, row, run)
    )


def _unverified(step: Step, decision: Decision, row: Candidate, run: Run) -> Concern | None:
    if row.step.kind is not StepKind.SUBMIT:
        return None
    checks = (each for each in _refused_not(decision) if each.step.kind is StepKind.VERIFY)
    best = _best_of(checks)
    if best is None or best.net <= row.net + EPSILON:
        return None
    losses = show_money(_losses(row, run) - _losses(best, run))
    one, other = show_apart(row.net, best.net)
    seen = f"submitted at net {one} where '{best.step.name}' had {other}, {losses} of it in lower later loss"
    return Concern(step=step.number, name=step.name, dollars=best.net - row.net, seen=seen)


def _losses(row: Candidate, run: Run) -> float:
    """Priced expected loss of a row, its own and what comes later, over that of stopping, dollars."""
    own = run.prices.risk * row.quote.loss + run.prices.irreversible * row.quote.irreversible_loss
    return own - row.quote.gain.later_losses


def _of_decisions(
    mode: Mode, run: Run, look: Callable[[Step, Decision, Candidate], Concern | None]
) -> Finding:
    """What `look` finds in the steps that were decided with a table."""
    decided = [(step, step.decision) for step in run.steps if step.decision is not None]
    if run.source != "marginal-agent":
        return Finding(mode=mode, status="unknown", missing=NO_TABLE)
    rows = ((step, decision, row_of(decision)) for step, decision in decided)
    seen = (look(step, decision, row) for step, decision, row in rows if row is not None)
    return found_or_none(mode, tuple(concern for concern in seen if concern is not None))


def _attempts(decision: Decision) -> Iterator[Candidate]:
    return (row for row in _refused_not(decision) if row.step.kind is StepKind.ACT)


def _price(row: Candidate) -> tuple[float, float]:
    """What makes a tier dear: money, and time between those of one price."""
    return row.quote.dollars, row.quote.seconds


def _refused_not(decision: Decision) -> Iterator[Candidate]:
    """The rows that no limit refused."""
    return (row for row in decision.candidates if not row.refused)


def _best_of(rows: Iterator[Candidate]) -> Candidate | None:
    return max(rows, key=lambda row: row.net, default=None)


def _given_up(step: Step, row: Candidate, others: Iterator[Candidate], what: str) -> Concern | None:
    """The best of the others, if it is better than what was chosen."""
    best = _best_of(each for each in others if each.step != row.step)
    if best is None or best.net <= row.net + EPSILON:
        return None
    one, other = show_apart(row.net, best.net)
    seen = f"net {one}, where '{best.step.name}', {what}, had {other}"
    return Concern(step=step.number, name=step.name, dollars=best.net - row.net, seen=seen)


LOOKS: tuple[Callable[[Run], Finding], ...] = (
    over_routing,
    under_routing,
    over_delegation,
    under_verification,
    congestion,
    stale,
    cache_misuse,
)
