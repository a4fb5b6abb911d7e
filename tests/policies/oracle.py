"""The same economics written a second time, plainly: no counts, no bounds, no rounding.

A history is the list of what happened, in order. Every value is found by enumerating what may be bought next
and what may come of it. Only for small tasks. What is remembered is only the prediction after one and the
same list of attempts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from policies.autonomy import DEFAULT_SCHEDULE, Schedule
from policies.estimates import Estimates, TierEstimate
from policies.vocabulary import ActionClass, Check, Limits, Prices


def betaln(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


LEVEL_LETS_THROUGH = {0: 1.0, 1: 0.5, 2: 0.25}


@dataclass(frozen=True)
class History:
    """attempts: (tier, knowledge at the time) of every attempt that was not right, in order. share: P(the
    candidate in hand is right | one of those its attempt found is)."""

    attempts: tuple[tuple[str, frozenset[str]], ...] = ()
    knowledge: frozenset[str] = frozenset()
    hand: tuple[str, frozenset[str]] | None = None
    share: float = 1.0
    passed: tuple[Check, ...] = ()
    failed: frozenset[Check] = frozenset()
    last: str | None = None
    preparations: tuple[str, ...] = ()
    dollars: float = math.inf
    seconds: float = math.inf

    def pay(self, dollars: float, seconds: float) -> History:
        return replace(self, dollars=self.dollars - dollars, seconds=self.seconds - seconds)

    def drop(self) -> History:
        if self.hand is None:
            return self
        attempts = (*self.attempts, self.hand)
        return replace(self, attempts=attempts, hand=None, share=1.0, passed=(), failed=frozenset())


@dataclass(frozen=True)
class Oracle:
    estimates: Estimates
    prices: Prices
    delivery: ActionClass = ActionClass.DRAFT
    schedule: Schedule = DEFAULT_SCHEDULE
    passes: int = 0
    fails: int = 0
    loss_left: float = math.inf
    spending: tuple[tuple[str, float], ...] = ()
    predictions: dict[tuple, tuple[float, float]] = field(default_factory=dict, init=False)

    # Bayes, by walking through the history for every difficulty on the grid.

    def grid(self) -> list[tuple[tuple[float, float], float]]:
        prior = self.estimates.difficulty
        step = 2 * prior.reach * prior.sd / (prior.points - 1)
        ds = [prior.mean - prior.reach * prior.sd + i * step for i in range(prior.points)]
        ls = [0.0]
        if prior.lengths > 1:
            ls = [prior.length_reach * (2 * i / (prior.lengths - 1) - 1) for i in range(prior.lengths)]
        points = []
        for number, (d, length) in enumerate((d, length) for d in ds for length in ls):
            weight = math.exp(-0.5 * ((d - prior.mean) / prior.sd) ** 2) * math.exp(-0.5 * length**2)
            if prior.weights:
                weight = prior.weights[number]
            for name, paid in self.spending:
                tier = self.estimates.tier(name)
                if tier.cost_sd:
                    off = math.log(paid) - math.log(tier.alone * self.cost(tier, (d, length)))
                    weight *= math.exp(-0.5 * (off / tier.cost_sd) ** 2)
            points.append(((d, length), weight))
        return points

    def cost(self, tier: TierEstimate, task: tuple[float, float]) -> float:
        """Dollars of an attempt that is not right."""
        prior = self.estimates.difficulty
        d = (task[0] - prior.mean) / prior.sd
        return tier.dollars * math.exp(tier.cost_difficulty * d + tier.cost_length * task[1])

    def curve(self, tier: TierEstimate, knowledge: frozenset[str], task: tuple[float, float]) -> float:
        ability = tier.ability + sum(gain for name, gain in tier.knowledge_gain if name in knowledge)
        return 1 / (1 + math.exp(-tier.discrimination * (ability - task[0]) - tier.length_gain * task[1]))

    def right_given(
        self, task: tuple[float, float], past: tuple, tier: TierEstimate, knowledge: frozenset[str]
    ) -> float:
        made = sum(1 for name, _ in past if name == tier.name)
        if made >= tier.most_attempts:
            return 0.0
        q = self.curve(tier, knowledge, task)
        if not tier.slices:
            return q * tier.retry**made
        return q * tier.slices[made] / (1 - q * sum(tier.slices[:made]))

    def predict(self, past: tuple, tier: TierEstimate, knowledge: frozenset[str]) -> tuple[float, float]:
        """P(the next attempt is right), and what it is expected to cost."""
        asked = (past, tier.name, knowledge)
        if asked not in self.predictions:
            self.predictions[asked] = self.predicted(past, tier, knowledge)
        return self.predictions[asked]

    def predicted(self, past: tuple, tier: TierEstimate, knowledge: frozenset[str]) -> tuple[float, float]:
        right = total = dollars = 0.0
        for task, weight in self.grid():
            for position, (name, then) in enumerate(past):
                weight *= 1 - self.right_given(task, past[:position], self.estimates.tier(name), then)
            q = self.right_given(task, past, tier, knowledge)
            right += weight * q
            dollars += weight * self.cost(tier, task) * (q * tier.right_share + 1 - q)
            total += weight
        return right / total, min(dollars / total, tier.worst_dollars - tier.switch_dollars)

    def wrong_passes(
        self, tier: TierEstimate, passed: tuple[Check, ...], failed: frozenset[Check], final: bool
    ) -> float:
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
        if Check.REVIEW in failed:
            undetected *= checks[Check.REVIEW].power
        return undetected * (tier.overfit + (1 - tier.overfit) * by_chance)

    def odds(self, h: History, final: bool = False) -> tuple[float, float]:
        """(right, wrong), unnormalised, of the candidate in hand, with what its checks said."""
        name, knowledge = h.hand
        tier = self.estimates.tier(name)
        q, _ = self.predict(h.attempts, tier, knowledge)
        plausible = self.wrong_passes(tier, (), frozenset(), False)
        right, wrong = q, 1 - q
        if plausible > 0:  # of the passing candidates, the share of right ones is what rivals scale
            passing = q + wrong * plausible
            right = h.share * q
            wrong = (passing - right) / plausible
        for check in h.passed:
            right *= self.estimates.check(check).sensitivity
        for check in h.failed:
            right *= 1 - self.estimates.check(check).sensitivity
        return right, wrong * self.wrong_passes(tier, h.passed, h.failed, final)

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
        q, dollars = self.predict(h.attempts, tier, h.knowledge)
        dollars += tier.switch_dollars if h.last != tier.name else 0.0
        wrong = (1 - q) * self.wrong_passes(tier, (), frozenset(), False)
        paid = replace(h, last=tier.name).pay(dollars, tier.seconds)
        candidate = replace(paid, hand=(tier.name, h.knowledge))
        nothing = replace(paid, attempts=(*h.attempts, (tier.name, h.knowledge)))
        value = -dollars - self.prices.latency * tier.seconds
        value += (q + wrong) * self.worth(candidate) + (1 - q - wrong) * self.worth(nothing)
        return [value]

    def with_hand(self, h: History) -> list[float]:
        est, prices = self.estimates, self.prices
        right, wrong = self.odds(h)
        c = right / (right + wrong)
        values = [
            est.defer_share * prices.value * c - self.schedule.attention.glance,
            self.worth(h.drop()),
        ]
        values += self.submit(h, c)
        for check in est.checks:
            covered = check.check is Check.AFFECTED and Check.SUITE in h.passed
            bought = h.passed.count(check.check)
            if bought >= check.most or check.check in h.failed or covered:
                continue
            if not self.fits(h, check.worst_dollars, check.seconds, self.kept(h)):
                continue
            on = replace(h, passed=(*h.passed, check.check))
            passing = sum(self.odds(on)) / sum(self.odds(h))
            off = h.drop() if check.sensitivity == 1 else replace(h, failed=h.failed | {check.check})
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
        right, wrong = self.odds(h, final=True)
        passing = (right + wrong) / sum(self.odds(h))
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
