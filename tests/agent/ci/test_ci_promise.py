"""Which task goes on next: what it promises within a time, for its share of what is left."""

from __future__ import annotations

from dataclasses import replace

from agent.ci.promise import Horizon, best, horizons
from agent.events import LimitsLowered, RunStarted
from agent.fold import apply, start
from agent.observations import (
    BaselineDone,
    Counts,
    EnvironmentDone,
    IntakeDone,
    LocaliseDone,
    ReproductionDone,
)
from agent.policies import MARGINAL, policy_named
from agent.state import Search, State
from agent.task import Settings
from policies.belief import Belief
from policies.priors import repair_tier
from policies.vocabulary import Limits

LEFT = Limits(2.0, 100.0, 1.0)


def searching(*planned: float, seconds: float = 10.0) -> State:
    """A task that is located, with slices of these masses ahead."""
    settings = Settings(repository="r", tests=("t.py::one",), tiers=(repair_tier(),), limits=LEFT)
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy=MARGINAL, settings=settings))
    return replace(
        state,
        belief=replace(Belief().after_read("localise", "localised"), flakiness=state.belief.flakiness),
        intake=IntakeDone(tree_hash="t", files=1, head="h", dirty=0, runner="pytest"),
        environment=EnvironmentDone(image="i", image_digest="d", python="p", backend="docker", cached=True),
        reproduction=ReproductionDone(targets=("t.py::one",), runs=2, passes=(0,), seconds_each=0.3),
        baseline=BaselineDone(
            counts=Counts(collected=9, passed=8, failed=1), failing=("t.py::one",), complete=True,
            suite_seconds=1.0, verdicts="v", key="k",
        ),
        localised=LocaliseDone(method="m", lines=9, top=(), ranking="b"),
        searches={"repair": Search(total=900, planned=planned, planned_seconds=seconds)},
    )  # fmt: skip


def promised(state: State) -> tuple[Horizon, ...]:
    return horizons(state, policy_named(MARGINAL, state.settings.schedule), LEFT.seconds)


def test_horizons_double_up_to_all_that_is_left() -> None:
    assert [each.seconds for each in promised(searching(0.3, 0.1))] == [8.0, 16.0, 32.0, 64.0, 100.0]


def test_more_time_promises_no_less_and_nothing_fits_into_too_little() -> None:
    state = searching(0.3, 0.2, 0.1)
    nets = [each.net for each in promised(state)]
    assert 0 < nets[0] < nets[-1]
    assert nets == sorted(nets)
    (little,) = horizons(state, policy_named(MARGINAL, state.settings.schedule), 4.0)
    assert little.net == 0, "a slice of it, and what verifies that, do not fit"


def test_the_likelier_task_comes_first_and_the_quicker_one() -> None:
    likely, unlikely = promised(searching(0.5)), promised(searching(0.05))
    assert best(likely, LEFT) > best(unlikely, LEFT)
    quick = promised(searching(0.3, seconds=2.0))
    assert best(quick, LEFT) > best(promised(searching(0.3, seconds=20.0)), LEFT)


def test_within_one_horizon_what_is_expected_to_take_less_comes_first() -> None:
    slow, quick = promised(searching(0.3, 0.2, seconds=3.0)), promised(searching(0.45, 0.05, seconds=3.0))
    assert slow[-1].expected_seconds > quick[-1].expected_seconds > 0
    assert best(quick, LEFT) > best(slow, LEFT)


def test_what_is_left_of_the_budget_counts_like_time() -> None:
    free, dear = Horizon(20.0, 5.0, 10.0, 0.0), Horizon(20.0, 5.0, 10.0, 1.0)
    assert best((free,), LEFT) == 50.0
    assert best((dear,), LEFT) == 5.0 / (0.1 + 0.5)
    assert best((free,), Limits(0.0, 5.0, 0.0)) == 2.5, "out of reach, and still the only one"


def test_limits_are_only_ever_lowered() -> None:
    state = searching(0.3)
    assert apply(state, LimitsLowered(left=Limits(0.5, 40.0, 0.2))).left == Limits(0.5, 40.0, 0.2)
    assert apply(state, LimitsLowered(left=Limits(9.0, 900.0, 9.0))).left == LEFT
