"""Which steps are offered: what was paid for once and gave nothing is not offered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.events import RunStarted
from agent.fold import start
from agent.forecast import estimates
from agent.observations import BaselineDone, Counts, TierFailed
from agent.options import options
from agent.sources import ModelTierSettings
from agent.state import Search, State
from agent.task import Settings
from agent.tiers.models import model_settings, prior_of
from agent.tiers.pricing import StatedPrice
from policies.belief import Belief
from policies.priors import repair_tier
from policies.vocabulary import Limits, StepKind

PRICE = StatedPrice(prefill=1.0, decode=5.0)


def began() -> State:
    planner = replace(repair_tier(name="planner"), can_plan=True)
    settings = Settings(repository="r", tiers=(planner,))
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    return replace(state, belief=Belief())


def with_models(*names: str) -> State:
    models = [
        ModelTierSettings(
            name=name, provider="compatible", model="m", base_url="http://localhost/v1", price=PRICE
        )
        for name in names
    ]
    known = tuple(model_settings(model) for model in models)
    tiers = tuple(prior_of(*pair) for pair in zip(models, known, strict=True))
    settings = Settings(repository="r", tiers=(repair_tier(), *tiers), models=known)
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    return replace(state, belief=Belief())


def plans(state: State) -> list[str]:
    return [step.name for step in options(state) if step.kind is StepKind.PLAN]


def test_a_plan_is_offered_until_one_is_bought() -> None:
    assert plans(began()) == ["plan planner"]


@pytest.mark.parametrize("useful", [True, False])
def test_a_plan_that_was_made_is_not_offered_again(useful: bool) -> None:
    state = began()
    assert plans(replace(state, belief=state.belief.after_plan("planner", useful))) == []


def test_a_model_plans_for_another_but_not_for_itself() -> None:
    alone, two = with_models("cheap"), with_models("cheap", "strong")
    assert plans(alone) == []
    assert plans(two) == ["plan cheap", "plan strong"]
    tried = Search(used=(0.0, 0.0, 0.0))
    assert plans(replace(two, searches={"cheap": tried})) == ["plan cheap"]
    assert plans(replace(two, gone={"cheap": TierFailed(tier="cheap", failure="key", message="")})) == []


def test_what_is_not_offered_is_not_expected() -> None:
    assert [tier.can_plan for tier in estimates(with_models("cheap")).tiers] == [False, False]


@pytest.mark.parametrize(("deadline", "worst"), [(float("inf"), 60.0), (900.0, 60.0), (60.0, 17.5)])
def test_localising_quick_tests_has_time_on_a_busy_machine_too(deadline: float, worst: float) -> None:
    """It also prepares the search: cut off in that, it would leave the search looking far too dear."""
    state = began()
    quick = BaselineDone(
        counts=Counts(collected=2),
        failing=("t.py::t",),
        complete=True,
        suite_seconds=0.6,
        verdicts="",
        key="",
    )
    settings = state.settings.model_copy(update={"limits": Limits(seconds=deadline)})
    (read,) = estimates(replace(state, baseline=quick, settings=settings)).reads
    assert (read.seconds, read.worst_seconds) == (2.5, worst)
