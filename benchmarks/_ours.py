"""Our policy on recorded outcomes, driven as the agent drives it. Money in US dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks._outcomes import Outcomes
from benchmarks._play import LOOK, STOP, History, Kind, Move, Terms
from policies.autonomy import Attention, Schedule
from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import (
    CheckEstimate,
    DifficultyPrior,
    Estimates,
    FinalEstimate,
    TierEstimate,
)
from policies.fitting import STRANGERS
from policies.learning import Attempted, learn
from policies.looks import Looks
from policies.moves import Model
from policies.posterior import Posterior
from policies.power import Flakiness
from policies.rehearsal import offered
from policies.risk import DEFAULT_RISKS, Risks
from policies.tables import Table
from policies.vocabulary import ActionClass, Check, Limits, Step, StepKind

OURS = "marginal (ours)"

MENU = 10
"""Tiers a plan holds at most: with more, a decision takes more than 50 ms."""

WORTH_A_TIER = 1e-4
"""A tier joins the menu when it raises W by at least this share of V."""

NO_ATTENTION = Attention(glance=1e9, confirm=1e9, two_people=1e9)
"""Nobody is there to ask."""


def learnt(train: Outcomes) -> Estimates:
    """What the training outcomes teach about every model, from a prior that knows only their mean price."""
    price = np.nanmean(train.dollars, axis=0)
    tiers = tuple(
        TierEstimate(
            name=model,
            ability=0.0,
            discrimination=1.8,
            dollars=float(dollars),
            seconds=0.0,
            worst_dollars=1e6,
            worst_seconds=0.0,
            attempts=1,
            overfit=1.0,
        )
        for model, dollars in zip(train.models, price, strict=True)
    )
    prior = Estimates(
        tiers,
        checks=(),
        reads=(),
        preparations=(),
        final=FinalEstimate(power=0.0, seconds=0.0, worst_seconds=0.0, target_runs=0),
        defer_share=0.0,
        difficulty=DifficultyPrior(points=15, reach=3.2),
    )
    attempts = [
        Attempted(task, model, bool(train.resolved[row, column]), float(train.dollars[row, column]))
        for row, task in enumerate(train.tasks)
        for column, model in enumerate(train.models)
        if not np.isnan(train.resolved[row, column])
    ]
    return learn(prior, attempts, doubt=STRANGERS)


def schedule() -> Schedule:
    """A wrong submission is one loss unit, and nobody confirms."""
    risks = tuple(
        replace(risk, severity=1.0) if risk.action_class is ActionClass.DRAFT else risk
        for risk in DEFAULT_RISKS.classes
    )
    return Schedule(attention=NO_ATTENTION, risks=Risks(risks))


class Ours:
    """`policies.decide.MarginalPolicy` on the best menu of at most MENU models for these terms, and on the
    best of the others once that is used up."""

    def __init__(self, estimates: Estimates, models: Sequence[str], terms: Terms) -> None:
        self._models = {model: number for number, model in enumerate(models)}
        self._terms = terms
        self._schedule = schedule()
        self._policy = MarginalPolicy(self._schedule)
        review = CheckEstimate(
            Check.REVIEW,
            power=terms.specificity,
            dollars=0.0,
            seconds=0.0,
            worst_seconds=0.0,
            target_runs=0,
            sensitivity=terms.sensitivity,
        )
        self._all = replace(estimates, checks=(review,))
        self.menu = self._best_menu()
        self._names = {number: model for model, number in self._models.items()}
        self._start: Move | None = None

    def next(self, history: History) -> Move:
        """As the agent does it: the belief, the steps on offer, the decision. Where nothing on the menu is
        worth its price, what is best of the other models is looked at."""
        if not history and self._start is not None:
            return self._start
        belief = self._belief(history)
        on_menu = {tier.name for tier in self.menu.tiers} >= {self._names[tried.model] for tried in history}
        move = self._decided(belief, self.menu) if on_menu else STOP
        if move == STOP and len(self.menu.tiers) < len(self._models):
            move = self._decided(belief, self._widened(belief))
        if not history:
            self._start = move
        return move

    def _decided(self, belief: Belief, estimates: Estimates) -> Move:
        prices, delivery = self._terms.prices, ActionClass.DRAFT
        options = offered(belief, estimates, delivery)
        decision = self._policy.decide(belief, options, estimates, prices, Limits(), delivery)
        return self._move(decision.chosen, belief)

    def _belief(self, history: History) -> Belief:
        belief = Belief()
        for tried in history:
            belief = belief.after_candidate(self._names[tried.model], tried.dollars)
            if tried.passed is not None:
                proof = self._terms.sensitivity == 1
                belief = belief.after_check(Check.REVIEW, tried.passed, proof)
        return belief

    def _move(self, step: Step | None, belief: Belief) -> Move:
        if step is None:
            return STOP
        if step.kind is StepKind.VERIFY:
            return LOOK
        if step.kind is StepKind.SUBMIT and belief.hand is not None:
            return Move(Kind.SUBMIT, self._models[belief.hand.tier])
        return Move(Kind.TRY, self._models[step.tier or ""])

    def _best_menu(self) -> Estimates:
        """Greedily, by W at the start: the model that raises it most joins, until none does."""
        menu: tuple[TierEstimate, ...] = ()
        worth, left = 0.0, list(self._all.tiers)
        while left and len(menu) < MENU:
            offers = [self._worth(replace(self._all, tiers=(*menu, tier))) for tier in left]
            best = int(np.argmax(offers))
            if offers[best] <= worth + WORTH_A_TIER * self._terms.value:
                break
            worth = offers[best]
            menu = (*menu, left.pop(best))
        return replace(self._all, tiers=menu, attempts=max(1, len(menu)))

    def _widened(self, belief: Belief) -> Estimates:
        """What was tried, and the MENU other models whose next attempt is worth most by itself."""
        gone = belief.abandoned()
        posterior = Posterior(self._all, gone.spending)

        def worth(tier: TierEstimate) -> float:
            right = posterior.success(gone.failures, gone.knowledge, tier)
            return self._terms.value * right - posterior.dollars(gone.failures, gone.knowledge, tier)

        tried = tuple(tier for tier in self._all.tiers if gone.failed(tier.name))
        left = sorted((tier for tier in self._all.tiers if not gone.failed(tier.name)), key=worth)
        tiers = (*tried, *left[-MENU:])
        return replace(self._all, tiers=tiers, attempts=len(tiers))

    def _worth(self, estimates: Estimates) -> float:
        estimates = replace(estimates, attempts=len(estimates.tiers))
        model = Model(estimates, self._terms.prices, ActionClass.DRAFT, self._schedule, (Flakiness(),))
        return float(Table(model, Looks(model), (), frozenset()).worth[0, 0])
