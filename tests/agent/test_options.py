"""Which steps are offered: what was paid for once and gave nothing is not offered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.events import RunStarted
from agent.options import options
from agent.state import State, start
from agent.task import Settings
from policies.belief import Belief
from policies.priors import repair_tier
from policies.vocabulary import StepKind


def began() -> State:
    planner = replace(repair_tier(name="planner"), can_plan=True)
    settings = Settings(repository="r", tiers=(planner,))
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
