"""The same economics written a second time, plainly: no counts, no memo, no bounds, no rounding.

A history is the list of what happened, in order. Every value is found by enumerating what may be bought next
and what may come of it. Only for small tasks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.estimates import Estimates, TierEstimate
from policies.vocabulary import ActionClass, Check, Limits, Prices


def betaln(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


LEVEL_LETS_THROUGH = {0: 1.0, 1: 0.5, 2: 0.25}


@dataclass(frozen=True)
class History:
    """attempts: (tier, knowledge at the time) of every attempt that was not right, in order."""

    attempts: tuple[tuple[str, frozenset[str]], ...] = ()
    knowledge: frozenset[str] = frozenset()
    hand: tuple[str, frozenset[str]] | None = None
    passed: frozenset[Check] = frozenset()
    last: str | None = None
    preparations: tuple[str, ...] = ()
    dollars: float = math.inf
    seconds: float = math.inf

    def pay(self, dollars: float, seconds: float) -> History:
        return replace(self, dollars=self.dollars - dollars, seconds=self.seconds - seconds)

    def drop(self) -> History:
        if self.hand is None:
            return self
        return replace(self, attempts=(*self.attempts, self.hand), hand=None, passed=frozenset())


@dataclass(frozen=True)
class Oracle:
    estimates: Estimates
    prices: Prices
    delivery: ActionClass = ActionClass.DRAFT
    schedule: Schedule = DEFAULT_SCHEDULE
    passes: int = 0
    fails: int = 0
    loss_left: float = math.inf

    # Bayes, by walking through the history for every difficulty on the grid.

    def grid(self) -> list[tuple[float, float]]:
        prior = self.estimates.difficulty
        step = 2 * prior.reach * prior.sd / (prior.points - 1)
        points = [prior.mean - prior.reach * prior.sd + i * step for i in range(prior.points)]
        return [(d, math.exp(-0.5 * ((d - prior.mean) / prior.sd) ** 2)) for d in points]

    def curve(self, tier: TierEstimate, knowledge: frozenset[str], d: float) -> float:
        ability = tier.ability + sum(gain for name, gain in tier.knowledge_gain if name in knowledge)
        return 1 / (1 + math.exp(-tier.discrimination * (ability - d)))

    def right_given(self, d: float, past: tuple, tier: TierEstimate, knowledge: frozenset[str]) -> float:
        made = sum(1 for name, _ in past if name == tier.name)
        if made >= tier.most_attempts:
            return 0.0
        q = self.curve(tier, knowledge, d)
        if not tier.slices:
            return q
        return q * tier.slices[made] / (1 - q * sum(tier.slices[:made]))

    def success(self, past: tuple, tier: TierEstimate, knowledge: frozenset[str]) -> float:
        right = total = 0.0
        for d, weight in self.grid():
            for position, (name, then) in enumerate(past):
                weight *= 1 - self.right_given(d, past[:position], self.estimates.tier(name), then)
            right += weight * self.right_given(d, past, tier, knowledge)
            total += weight
        return right / total

    def wrong_passes(self, tier: TierEstimate, passed: frozenset[Check], final: bool) -> float:
        checks = {check.check: check for check in self.estimates.checks}
        runs = 1 + sum(checks[check].target_runs for check in passed)
        rungs = [checks[c].power for c in passed if c in (Check.TARGET, Check.AFFECTED, Check.SUITE)]
        if final:
            runs += self.estimates.final.target_runs
            rungs.append(self.estimates.final.power)
        share = self.estimates.flakiness.share
        if self.passes == 0:
            evidence = share * math.exp(betaln(1, self.fails + 1))
            flaky = evidence / (evidence + 1 - share)
        else:
            flaky = 1.0
        a, b = self.passes + 1, self.fails + 1
        by_chance = flaky * math.exp(betaln(a + runs, b) - betaln(a, b))
        undetected = 1 - max(rungs, default=0.0)
        if Check.REVIEW in passed:
            undetected *= 1 - checks[Check.REVIEW].power
        return undetected * (tier.overfit + (1 - tier.overfit) * by_chance)

    def odds(self, history: History, passed: frozenset[Check], final: bool = False) -> tuple[float, float]:
        """(right, wrong and passing so far), unnormalised, of the candidate in hand."""
        name, knowledge = history.hand
        tier = self.estimates.tier(name)
        q = self.success(history.attempts, tier, knowledge)
        return q, (1 - q) * self.wrong_passes(tier, passed, final)

    # What may be bought, and what may come of it.

    def fits(self, h: History, worst_dollars: float, seconds: float, kept: float) -> bool:
        return worst_dollars <= h.dollars and seconds <= h.seconds - kept

    def kept(self, h: History) -> float:
        final = self.estimates.final
        return max(final.seconds, min(final.worst_seconds, h.seconds / 2))

    def worth(self, h: History) -> float:
        return max(0.0, *self.choices(h), 0.0)

    def choices(self, h: History) -> list[float]:
        est, lam = self.estimates, self.prices.latency
        if h.preparations:
            p = est.preparation(h.preparations[0])
            after = replace(h, preparations=h.preparations[1:]).pay(0, p.seconds)
            return [self.worth(after) - lam * p.seconds] if self.fits(h, 0, p.seconds, 0) else []
        if h.hand is not None:
            return self.with_hand(h)
        values = []
        tiers = [t for t in est.tiers if self.may_try(h, t)]
        for tier in tiers:
            values += self.act(h, tier)
        for read in est.reads if tiers else ():
            if read.gives not in h.knowledge and self.fits(h, 0, read.seconds, self.kept(h)):
                after = replace(h, knowledge=h.knowledge | {read.gives}).pay(0, read.seconds)
                values.append(self.worth(after) - lam * read.seconds)
        for tier in est.tiers if tiers and "planned" not in h.knowledge else ():
            extra = tier.switch_dollars if h.last != tier.name else 0.0
            fits = self.fits(h, tier.plan_worst_dollars + extra, tier.plan_seconds, self.kept(h))
            if tier.can_plan and fits:
                after = replace(h, knowledge=h.knowledge | {"planned"}, last=tier.name)
                after = after.pay(tier.plan_dollars + extra, tier.plan_seconds)
                values.append(self.worth(after) - tier.plan_dollars - extra - lam * tier.plan_seconds)
        return values

    def may_try(self, h: History, tier: TierEstimate) -> bool:
        made = sum(1 for name, _ in h.attempts if name == tier.name)
        sampled = sum(1 for name, _ in h.attempts if not self.estimates.tier(name).slices)
        return made < tier.most_attempts and (bool(tier.slices) or sampled < self.estimates.attempts)

    def act(self, h: History, tier: TierEstimate) -> list[float]:
        if not self.fits(h, tier.worst_dollars, tier.seconds, self.kept(h)):
            return []
        dollars = tier.dollars + (tier.switch_dollars if h.last != tier.name else 0.0)
        q = self.success(h.attempts, tier, h.knowledge)
        wrong = (1 - q) * self.wrong_passes(tier, frozenset(), False)
        paid = replace(h, last=tier.name).pay(dollars, tier.seconds)
        candidate = replace(paid, hand=(tier.name, h.knowledge))
        nothing = replace(paid, attempts=(*h.attempts, (tier.name, h.knowledge)))
        value = -dollars - self.prices.latency * tier.seconds
        value += (q + wrong) * self.worth(candidate) + (1 - q - wrong) * self.worth(nothing)
        return [value]

    def with_hand(self, h: History) -> list[float]:
        est, prices = self.estimates, self.prices
        right, wrong = self.odds(h, h.passed)
        c = right / (right + wrong)
        values = [
            est.defer_share * prices.value * c - self.schedule.attention.glance,
            self.worth(h.drop()),
        ]
        values += self.submit(h, c)
        for check in est.checks:
            covered = check.check is Check.AFFECTED and Check.SUITE in h.passed
            if check.check in h.passed or covered:
                continue
            if not self.fits(h, check.worst_dollars, check.seconds, self.kept(h)):
                continue
            passed = h.passed | {check.check}
            passing = sum(self.odds(h, passed)) / sum(self.odds(h, h.passed))
            on, off = replace(h, passed=passed), h.drop()
            values.append(
                -check.dollars
                - prices.latency * check.seconds
                + passing * self.worth(on.pay(check.dollars, check.seconds))
                + (1 - passing) * self.worth(off.pay(check.dollars, check.seconds))
            )
        return values

    def submit(self, h: History, c: float) -> list[float]:
        final, prices = self.estimates.final, self.prices
        if not self.fits(h, 0.0, final.seconds, 0.0):
            return []
        right, wrong = self.odds(h, h.passed, final=True)
        passing = (right + wrong) / sum(self.odds(h, h.passed))
        level, loss = self.confirmation(wrong / (right + wrong))
        if loss > self.loss_left:
            return []
        share = self.schedule.risks.of(self.delivery).irreversible_share
        risk = (prices.risk + prices.irreversible * share) * loss + self.schedule.attention.of(level)
        value = prices.value * c - passing * risk - prices.latency * final.seconds
        return [value + (1 - passing) * self.worth(h.drop().pay(0.0, final.seconds))]

    def confirmation(self, wrong: float) -> tuple[int, float]:
        """The cheapest allowed level, and the loss at it."""
        risk = self.schedule.risks.of(self.delivery)
        base = self.schedule.scheduled(self.delivery)
        expected = risk.severity * wrong
        if risk.irreversible_share >= 0.5:
            expected = risk.severity * min(1.0, wrong / 0.1)
        best = None
        for level in range(base, 3):
            loss = expected * LEVEL_LETS_THROUGH[level] / LEVEL_LETS_THROUGH[base]
            price = (self.prices.risk + self.prices.irreversible * risk.irreversible_share) * loss
            price += self.schedule.attention.of(level)
            if best is None or price < best[0] - 1e-15:
                best = (price, level, loss)
        return best[1], best[2]


def start(limits: Limits, preparations: tuple[str, ...] = ()) -> History:
    return History(preparations=preparations, dollars=limits.dollars, seconds=limits.seconds)
