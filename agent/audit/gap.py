"""By how much the best allocation, in hindsight, would have been worth more (economics.md §7).

What the records prove: the same run without the steps that turned out to give nothing, or nothing at all.
Kept are the preparations, reads and plans before the attempt that succeeded, the attempts of the same tier
before it (an exhaustive search goes on where they ended, a model was told what had failed), and the final
verification that held, each at its recorded bill; other tiers' failures, the checks that passed, and steps
of which nothing came at all (the run was cut off in them, or the tier gave no answer) are dropped. Assumed is
that those did not help the attempt.

Under the model: besides, one more attempt of each tier might have been right at once. Assumed is the final
posterior of the run, that it knew what the run came to know (and paid for it), that an attempt takes what
it was expected to, that a right one is delivered at the best terms, that the hard limits of the run held, and
no more than one more attempt of each tier: with several the true gap is a little larger. Where several runs
are added up, they count as independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from agent.audit.gains import kind_of, paid
from agent.audit.realised import delivered_of, value_of
from agent.audit.results import Gap
from agent.audit.runs import Run, Step
from policies.hindsight import Best, alternatives, best_of, hindsight_weights
from policies.vocabulary import ActionClass, Limits, Outcome

LOW, HIGH = 0.05, 0.95
Z90 = 1.6448536269514722
"""The normal quantile of a two-sided 90 % interval, as LOW to HIGH is."""

NOTHING_TO_GAIN = frozenset({Outcome.NOTHING_TO_FIX, Outcome.NOT_REPRODUCED, Outcome.FLAKY})
CUT_SHORT = frozenset({Outcome.INFRASTRUCTURE, Outcome.INTERRUPTED, Outcome.USAGE})


def gap_of(run: Run, net: float | None) -> Gap:
    """The gap of a run that came to `net` dollars, None where that is not known."""
    if run.source != "marginal-agent":
        return Gap(unknown="one run does not tell what others would have done, and no beliefs are recorded")
    if net is None:
        return Gap(unknown=f"what it came to is not known: {value_of(run)[1]}")
    best, instead = _proved(run, net)
    proved = max(0.0, best - net)
    if run.outcome in NOTHING_TO_GAIN:
        return Gap(proved=proved, low=proved, mean=proved, high=proved, sd=0.0, instead=instead)
    if run.outcome in CUT_SHORT:
        return Gap(proved=proved, instead=instead, unknown="it was stopped from outside")
    if run.belief is None or run.estimates is None or run.belief.preparations:
        return Gap(proved=proved, instead=instead, unknown="it ended before anything was known of the task")
    found = _best(run, best)
    return Gap(
        proved=proved,
        low=max(0.0, found.quantile(LOW) - net),
        mean=max(0.0, found.mean - net),
        high=max(0.0, found.quantile(HIGH) - net),
        sd=found.sd,
        instead=instead,
    )


def _proved(run: Run, net: float) -> tuple[float, str]:
    """The best net that the records prove, and how, in words."""
    value = value_of(run)[0]
    made = _maker(run)
    if not value or made is None:
        return 0.0, "by doing nothing at all"
    dropped = [step for step in run.steps if not _kept(step, made)]
    best = net + sum(paid(step, run) or 0.0 for step in dropped)
    if best <= 0:
        return 0.0, "by doing nothing at all"
    many = f"{len(dropped)} step{'' if len(dropped) == 1 else 's'}"
    return best, f"by the same without {many} that gave nothing" if dropped else "nothing beats what was done"


def _maker(run: Run) -> Step | None:
    """The attempt that made what was handed out: the last one that did not turn out wrong."""
    acts = [step for step in run.steps if kind_of(step) == "act" and step.succeeded is not False]
    return max(acts, key=lambda step: (step.succeeded is True, step.number), default=None)


def _kept(step: Step, made: Step) -> bool:
    kind = kind_of(step)
    if _nothing_came_of(step):
        return False
    if kind in ("submit", "defer"):
        return step.number > made.number
    if step.number > made.number or kind == "verify":
        return False
    return kind != "act" or step.tier == made.tier


def _nothing_came_of(step: Step) -> bool:
    """Whether even the tier that was asked, if any, was told nothing by it: nothing later rests on it."""
    return step.lost or step.unanswered


def _best(run: Run, otherwise: float) -> Best:
    assert run.belief is not None and run.estimates is not None
    delivery = delivered_of(run) or run.delivery
    assert delivery is not None
    by_flag = run.delivery is not ActionClass.DRAFT  # so it was confirmed before there was a patch
    right = bool(value_of(run)[0])
    weights = hindsight_weights(run.belief, run.estimates, right)
    offers = []
    for other in alternatives(
        run.belief, run.estimates, run.prices, delivery, run.schedule, hand_is_right=right
    ):
        before = [step for step in run.steps if _needed(step, other.tier)]
        if other.fits(_left(run.limits or Limits(), before)):
            spent = sum(paid(step, run) or 0.0 for step in before)
            price = other.price - (other.attention if by_flag else 0.0)
            offers.append((run.prices.value - spent - price, other.chance))
    return best_of(weights, offers, otherwise)


def _needed(step: Step, tier: str) -> bool:
    """What would have come before one more attempt of the tier: what made things known, and its others."""
    kind = kind_of(step)
    if _nothing_came_of(step):
        return False
    return kind in ("prepare", "read", "plan") or (kind == "act" and step.tier == tier)


def _left(limits: Limits, before: Iterable[Step]) -> Limits:
    """What these steps leave of the hard limits."""
    steps = list(before)
    dollars = sum(step.dollars or 0.0 for step in steps)
    seconds = sum(step.seconds or 0.0 for step in steps)
    return Limits(limits.dollars - dollars, limits.seconds - seconds, limits.loss)


def gaps_together(parts: Iterable[Gap]) -> Gap:
    """The gaps of several runs, summed; low and high as of independent ones, about normal together, but never
    below what the records of the same runs prove."""
    each = list(parts)
    proved = [gap.proved for gap in each if gap.proved is not None]
    known = [gap for gap in each if gap.mean is not None]
    mean = sum(gap.mean or 0.0 for gap in known)
    sd = math.sqrt(sum((gap.sd or 0.0) ** 2 for gap in known))
    certain = min(mean, sum(gap.proved or 0.0 for gap in known))
    return Gap(
        proved=sum(proved) if proved else None,
        low=max(certain, mean - Z90 * sd) if known else None,
        mean=mean if known else None,
        high=mean + Z90 * sd if known else None,
        sd=sd if known else None,
        unknown="" if known else "of no run is it known",
        runs=len(known),
        proved_runs=len(proved),
        of=len(each),
    )
