"""A simulated world in which the true parameters are known: tasks are drawn, and a policy plays them.

The same task gives every policy the same luck: each attempt and each check has a draw of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from policies.autonomy import DEFAULT_SCHEDULE, delivery_terms
from policies.belief import Belief, hand_right
from policies.decide import Policy
from policies.estimates import (
    LOCALISED,
    CheckEstimate,
    DifficultyPrior,
    Estimates,
    FinalEstimate,
    FlakinessPrior,
    ReadEstimate,
    TierEstimate,
)
from policies.learning import Attempted, Checked
from policies.posterior import Posterior
from policies.power import Hand, Power
from policies.rehearsal import offered
from policies.vocabulary import ActionClass, Check, Limits, Prices, StepKind

DELIVERY = ActionClass.COMMIT
MOST_STEPS = 40


def ladder() -> Estimates:
    """The true world: an exhaustive $0 tier and three models, correlated through difficulty and length; a
    failed attempt costs more than a right one, and what it costs tells about the task."""

    def model(name: str, ability: float, dollars: float, seconds: float) -> TierEstimate:
        return TierEstimate(
            name,
            ability,
            1.6,
            dollars,
            seconds,
            8 * dollars,
            3 * seconds,
            2,
            overfit=0.15,
            retry=0.4,
            right_share=0.6,
            length_gain=-0.3,
            cost_difficulty=0.2,
            cost_length=0.4,
            cost_sd=0.5,
        )

    return Estimates(
        tiers=(
            TierEstimate("repair", -0.5, 1.5, 0.0, 10.0, 0.0, 30.0, 3, (0.4, 0.2, 0.1), overfit=0.08),
            model("small", -0.3, 0.05, 20.0),
            model("middle", 0.6, 0.4, 40.0),
            model("large", 1.4, 2.0, 60.0),
        ),
        checks=(
            CheckEstimate(Check.AFFECTED, 0.5, 0.0, 3.0, 15.0),
            CheckEstimate(Check.SUITE, 0.7, 0.0, 30.0, 90.0),
            CheckEstimate(Check.REVIEW, 0.6, 0.1, 10.0, 30.0, 0.2, target_runs=0, sensitivity=0.9),
        ),
        reads=(ReadEstimate("localise", 8.0, 60.0),),
        preparations=(),
        final=FinalEstimate(0.7, 32.0, 100.0),
        attempts=4,
        difficulty=DifficultyPrior(points=11, lengths=5),
        flakiness=FlakinessPrior(0.0),
    )


@dataclass(frozen=True)
class Task:
    """d, l: the point of the grid; seed: its luck."""

    name: str
    point: int
    seed: int


@dataclass(frozen=True)
class Played:
    """utility: dollars, V counted if right and every price paid.

    attempts, checks: what its own record teaches, as in `agent.lessons`: what was given up or handed over
    teaches nothing, as its truth did not come out."""

    utility: float
    dollars: float
    right: bool
    wrong: bool
    attempts: tuple[Attempted, ...]
    checks: tuple[Checked, ...] = ()


class Record:
    """The record of one task while it is played: what is known to be right or not."""

    def __init__(self) -> None:
        self.attempts: list[Attempted] = []
        self.checks: list[Checked] = []
        self._open: Attempted | None = None
        self._said: list[tuple[Check, bool]] = []

    def attempted(self, attempt: Attempted, candidate: bool) -> None:
        """One attempt; the truth of one that yielded a candidate may come out later."""
        self._open, self._said = (attempt, []) if candidate else (None, [])
        if not candidate:
            self.attempts.append(attempt)

    def said(self, check: Check, passed: bool) -> None:
        """What a check said of the candidate."""
        self._said.append((check, passed))

    def judged(self, right: bool, sure: float = 1.0) -> None:
        """The truth of the candidate, which is as said with probability `sure`."""
        if self._open is None:
            return
        self.attempts.append(replace(self._open, right=right))
        for check, passed in self._said:
            self.checks += [
                Checked(check, truth, passed, weight)
                for truth, weight in ((right, sure), (not right, 1 - sure))
                if weight > 0
            ]
        self._open = None


def draw(truth: Estimates, count: int, rng: np.random.Generator) -> list[Task]:
    """Tasks from the true prior."""
    points = rng.choice(len(Posterior(truth).prior), size=count, p=Posterior(truth).prior)
    return [Task(f"task {n}", int(point), int(rng.integers(2**32))) for n, point in enumerate(points)]


class World:
    """Plays tasks under true parameters."""

    def __init__(self, truth: Estimates, prices: Prices) -> None:
        self.truth, self.prices = truth, prices
        self._posterior = Posterior(truth)
        self._power = Power(truth, Belief().flakiness)

    def play(self, task: Task, policy: Policy, believed: Estimates) -> Played:
        """One task by `policy`, which believes the estimates `believed`."""
        belief, utility, spent = Belief(), 0.0, 0.0
        record = Record()
        right_in_hand, attempt = False, ""
        for _ in range(MOST_STEPS):
            decision = policy.decide(
                belief, offered(belief, believed, DELIVERY), believed, self.prices, Limits(), DELIVERY
            )
            step = decision.chosen
            if step is None:
                break
            if step.kind is StepKind.READ:
                utility -= self.prices.latency * self.truth.read(step.subject).seconds
                belief = belief.after_read(step.subject, LOCALISED)
            elif step.kind is StepKind.ACT and step.tier is not None:
                tier = self.truth.tier(step.tier)
                belief = belief.abandoned()
                done = belief.failed(tier.name)
                chance = self._posterior.chance(tier, belief.knowledge, done)[task.point]
                attempt = f"{tier.name} {done}"
                luck = self._luck(task, attempt)
                right_in_hand = bool(luck[0] < chance)
                dollars = self._cost(task, tier, right_in_hand, float(luck[2]))
                spent += dollars
                utility -= dollars + self.prices.latency * tier.seconds
                candidate = right_in_hand or luck[1] < self._power.wrong(Hand(tier.name))
                if candidate:
                    belief = belief.after_candidate(tier.name, dollars)
                else:
                    belief = belief.after_failed_attempt(tier.name, dollars=dollars)
                made = Attempted(task.name, tier.name, False, dollars, knowledge=tuple(belief.knowledge))
                record.attempted(made, candidate)
            elif belief.hand is not None and step.kind is StepKind.VERIFY and step.check is not None:
                check = self.truth.check(step.check)
                utility -= check.dollars + self.prices.latency * check.seconds
                spent += check.dollars
                passed = self._passes(task, belief.hand, check, right_in_hand, attempt)
                record.said(check.check, passed)
                proof = check.sensitivity == 1
                if proof and not passed:
                    record.judged(False)
                belief = belief.after_check(check.check, passed, proof)
            elif belief.hand is not None and step.kind is StepKind.SUBMIT:
                utility -= self.prices.latency * self.truth.final.seconds
                hand = self.truth.tier(belief.hand.tier).name
                shape = belief.hand.of(hand)
                missed = self._power.wrong(shape, final=True) / max(self._power.wrong(shape), 1e-12)
                if right_in_hand or self._luck(task, f"{attempt} final")[0] < missed:
                    record.judged(True, hand_right(belief, believed, verified=True))
                    return self._delivered(belief, believed, right_in_hand, utility, spent, record)
                record.judged(False)
                belief = belief.after_submit_failed()
            else:
                attention = DEFAULT_SCHEDULE.attention.glance
                saved = self.truth.defer_share * self.prices.value if right_in_hand else 0.0
                utility += saved - attention
                break
        return Played(utility, spent, False, False, tuple(record.attempts), tuple(record.checks))

    def _delivered(
        self,
        belief: Belief,
        believed: Estimates,
        right: bool,
        utility: float,
        spent: float,
        record: Record,
    ) -> Played:
        """A person may stop a wrong patch where confirmation is stricter than scheduled."""
        terms = delivery_terms(DELIVERY, hand_right(belief, believed, verified=True), self.prices)
        risk = DEFAULT_SCHEDULE.risks.of(DELIVERY)
        loss = 0.0 if right else risk.severity * DEFAULT_SCHEDULE.let_through(terms.level, DELIVERY)
        priced = loss * (self.prices.risk + self.prices.irreversible * risk.irreversible_share)
        worth = self.prices.value if right else 0.0
        utility += worth - priced - terms.attention
        return Played(utility, spent, right, not right, tuple(record.attempts), tuple(record.checks))

    def _passes(self, task: Task, hand: Hand, check: CheckEstimate, right: bool, attempt: str) -> bool:
        kept = hand.after(check.check, True)
        if right:
            chance = self._power.right(kept) / self._power.right(hand)
        else:
            chance = self._power.wrong(kept) / max(self._power.wrong(hand), 1e-12)
        return bool(self._luck(task, f"{attempt} {check.check} {hand.repeats}")[0] < chance)

    def _cost(self, task: Task, tier: TierEstimate, right: bool, normal: float) -> float:
        dollars = tier.dollars * float(self._posterior.cost_factor(tier)[task.point])
        dollars *= tier.right_share if right else 1.0
        return min(dollars * float(np.exp(tier.cost_sd * normal)), tier.worst_dollars)

    def _luck(self, task: Task, what: str) -> tuple[float, float, float]:
        """Two uniform draws and a normal one."""
        rng = np.random.default_rng([task.seed, *what.encode()])
        first, second = rng.random(2)
        return float(first), float(second), float(rng.standard_normal())
