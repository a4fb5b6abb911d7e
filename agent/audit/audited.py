"""The audit of one run, and of many: everything that `results` holds, put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from agent.audit.choices import given_up
from agent.audit.gains import kinds_of, kinds_together, margins, step_audit
from agent.audit.gap import gap_of, gaps_together
from agent.audit.modes import FORMULAS, findings, level_required
from agent.audit.realised import realised, summed, total
from agent.audit.results import AutonomyUse, CacheUse, Mode, RunAudit
from agent.audit.results_sums import Audit, AutonomySum, Broken, CacheBand, ModeSum
from agent.audit.runs import Run, Submission
from agent.audit.supply import cache_use
from agent.audit.tallies import Tallies
from agent.autonomy.patterns import schedule_for
from policies.autonomy import Confirmation
from policies.stakes import optimum
from policies.vocabulary import ActionClass

BANDS = (0.0, 5.0, 20.0, 100.0)
"""Dollars of V at which bands begin: small chores, the default's neighbourhood, a day's work, more."""

MOST_NAMED = 5
"""Runs that are named where a failure mode cost most."""

LONGEST_TEXT = 2000
"""Characters of a text from a trace that an audit repeats."""


def audit_run(run: Run, *, steps: bool) -> RunAudit:
    """Everything about one run; with each of its steps, or without."""
    came_to, how = realised(run)
    return RunAudit(
        source=run.source,
        path=run.path,
        run_id=run.run_id[:LONGEST_TEXT],
        agent=run.agent[:LONGEST_TEXT],
        model=run.model[:LONGEST_TEXT],
        policy=run.policy[:LONGEST_TEXT],
        task=run.task[:LONGEST_TEXT],
        started=run.started,
        outcome=run.outcome,
        explanation=run.explanation[:LONGEST_TEXT],
        closed=run.closed,
        verified=run.verified,
        later=run.later,
        prices=run.prices,
        head_hash=run.head_hash,
        value_known=how,
        realised=came_to,
        gap=gap_of(run, came_to.net.exact),
        kinds=kinds_of(run),
        findings=findings(run),
        given_up=given_up(run),
        cache=cache_use(run),
        autonomy=tuple(_autonomy(run, each) for each in run.submissions),
        steps_taken=len(run.steps),
        steps=tuple(step_audit(step, run) for step in run.steps) if steps else (),
        notes=tuple(note[:LONGEST_TEXT] for note in run.notes),
    )


def _autonomy(run: Run, given: Submission) -> AutonomyUse:
    asked, cost = level_required(run, given)
    schedule = schedule_for(run.schedule, given.paths)
    return AutonomyUse(
        step=given.step,
        delivery=given.delivery,
        right=given.right,
        scheduled=int(schedule.scheduled(given.delivery)),
        required=int(asked),
        optimum=int(optimum(given.delivery, given.right, run.prices, schedule)),
        used=given.level,
        by_flag=given.by_flag,
        approved=given.approved,
        cost=cost,
    )


def audit_of(
    runs: Sequence[RunAudit], broken: Sequence[Broken], tallies: Tallies, notes: Sequence[str] = ()
) -> Audit:
    """The audit of all these runs. notes: on which of them were counted."""
    kinds = kinds_together(run.kinds for run in runs)
    return Audit(
        runs=tuple(runs),
        broken=tuple(broken),
        outcomes=dict(Counter(run.ending for run in runs).most_common()),
        realised=summed(run.realised for run in runs),
        gap=gaps_together(run.gap for run in runs),
        kinds=kinds,
        margins=margins(kinds),
        modes=tuple(_mode(mode, runs) for mode in FORMULAS),
        given_up=total(run.given_up.dollars for run in runs),
        calibration=tallies.reliability(),
        accuracy=tallies.accuracy(),
        drift=tallies.drift(),
        cache=_bands(runs),
        autonomy=_autonomies(runs),
        notes=tuple(note[:LONGEST_TEXT] for note in notes),
    )


def _mode(mode: Mode, runs: Sequence[RunAudit]) -> ModeSum:
    """One failure mode over all runs."""
    place = list(FORMULAS).index(mode)
    each = [(run.path, run.findings[place]) for run in runs]
    status = Counter(finding.status for _, finding in each)
    told = [finding.dollars for _, finding in each if finding.status != "unknown"]
    known = [dollars for dollars in told if dollars is not None]
    dear = sorted(
        ((path, finding.dollars) for path, finding in each if finding.status == "found" and finding.dollars),
        key=lambda found: -found[1],
    )
    missing = Counter(finding.missing for _, finding in each if finding.status == "unknown")
    return ModeSum(
        mode=mode,
        formula=FORMULAS[mode],
        found=status["found"],
        none=status["none"],
        unknown=status["unknown"],
        steps=sum(len(finding.concerns) for _, finding in each),
        dollars=sum(known) if known and len(known) == len(told) else None,
        worst=tuple(dear[:MOST_NAMED]),
        missing=tuple(text for text, _ in missing.most_common(MOST_NAMED)),
    )


def _bands(runs: Sequence[RunAudit]) -> tuple[CacheBand, ...]:
    """Cache value by V; only the bands in which there are runs."""
    bands = []
    for low, high in zip(BANDS, (*BANDS[1:], math.inf), strict=True):
        inside = [run for run in runs if low <= run.prices.value < high]
        if inside:
            bands.append(
                CacheBand(
                    low=low,
                    high=high if math.isfinite(high) else None,
                    runs=len(inside),
                    value=total(run.realised.value.exact for run in inside),
                    use=_caches([run.cache for run in inside]),
                )
            )
    return tuple(bands)


def _caches(parts: Sequence[CacheUse]) -> CacheUse:
    return CacheUse(
        read=sum(part.read for part in parts),
        written=sum(part.written for part in parts),
        saved=sum(part.saved for part in parts),
        premium=sum(part.premium for part in parts),
        priced=sum(part.priced for part in parts),
        unpriced=sum(part.unpriced for part in parts),
        silent=sum(part.silent for part in parts),
    )


def _autonomies(runs: Sequence[RunAudit]) -> tuple[AutonomySum, ...]:
    """Deliveries by action class."""
    found = []
    for delivery in ActionClass:
        given = [use for run in runs for use in run.autonomy if use.delivery is delivery]
        if given:
            levels = Counter(use.used for use in given)
            found.append(
                AutonomySum(
                    delivery=delivery,
                    free=levels[Confirmation.FREE],
                    confirm=levels[Confirmation.CONFIRM],
                    multi_party=levels[Confirmation.MULTI_PARTY],
                    laxer=sum(use.used < use.required for use in given),
                    stricter=sum(use.used > use.required for use in given),
                    by_flag=sum(use.by_flag for use in given),
                    cost=sum(use.cost for use in given),
                )
            )
    return tuple(found)
