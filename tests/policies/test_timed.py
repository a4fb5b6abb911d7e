"""W under a deadline for all seconds at once: against brute force, the exact programme, and its size."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle, start
from small_tasks import tasks

from policies.autonomy import DEFAULT_SCHEDULE
from policies.belief import Belief
from policies.lookahead import Programme
from policies.moves import Model
from policies.power import Flakiness
from policies.priors import default_estimates, measured, repair_tier
from policies.timed import TimedProgramme
from policies.vocabulary import ActionClass, Limits, Prices

PREPARATIONS = ("intake", "baseline")
SLOW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


def model_of(task, digits=3):
    estimates, prices, delivery, limits, flaky = task
    flakiness = (Flakiness(*flaky),)
    return Model(
        estimates, prices, delivery, DEFAULT_SCHEDULE, flakiness, limits.loss, (), digits, round_seconds=False
    )


def worth(programme, limits):
    return programme.worth(programme.model.state(Belief(preparations=PREPARATIONS), limits))


def exact_worth(task, limits):
    estimates, prices, delivery, _, flaky = task
    oracle = Oracle(estimates, prices, delivery, DEFAULT_SCHEDULE, *flaky, limits.loss)
    return oracle.worth(start(limits, PREPARATIONS))


@SLOW
@given(tasks(limited=True))
def test_never_more_than_brute_force(task):
    limits = task[3]
    hair = Limits(limits.dollars + 1e-6, limits.seconds + 1e-6, limits.loss)  # a step that fits to the cent
    assert worth(TimedProgramme(model_of(task)), limits) <= exact_worth(task, hair) + 1e-9


@SLOW
@given(tasks(limited=True))
def test_no_less_than_brute_force_with_a_little_less_time(task):
    """An attempt ends at a point of the axis: a little more time makes up for all that is rounded down."""
    limits = task[3]
    more = replace(limits, seconds=1.05 * limits.seconds + 3)
    assert worth(TimedProgramme(model_of(task, None)), more) >= exact_worth(task, limits) - 1e-9


@SLOW
@given(tasks(limited=False))
def test_equals_brute_force_without_limits(task):
    assert worth(TimedProgramme(model_of(task)), Limits()) == pytest.approx(
        exact_worth(task, Limits()), abs=1e-9
    )


@SLOW
@given(tasks(limited=True), st.lists(st.floats(0, 200), min_size=2, max_size=4))
def test_what_was_asked_before_changes_nothing_and_more_time_is_never_worse(task, seconds):
    asked = TimedProgramme(model_of(task))
    limits = [replace(task[3], seconds=each) for each in seconds]
    found = {each: worth(asked, each) for each in limits}
    assert found == {each: worth(TimedProgramme(model_of(task)), each) for each in reversed(limits)}
    ranked = sorted(limits, key=lambda each: each.seconds)
    for less, more in pairwise(ranked):
        assert found[less] <= found[more] + 1e-9


def quick_suite(slices, seconds):
    estimates = measured(
        default_estimates((repair_tier(slices, seconds=11.5),)), suite_seconds=0.63, target_seconds=0.35
    )
    limits = Limits(2.0, seconds)
    return estimates, Prices(), ActionClass.DRAFT, limits, (0, 3)


@pytest.mark.parametrize("seconds", [27.3, 33.3, 41.0, 60.0])
def test_a_quick_suite_is_planned_as_well_as_exactly(seconds):
    task = quick_suite((0.5, 0.2, 0.1), seconds)
    begin = Belief(), task[3]
    exact, timed = Programme(model_of(task, None)), TimedProgramme(model_of(task))
    whole = exact.worth(exact.model.state(*begin))
    assert whole > 1
    assert whole * 0.999 <= timed.worth(timed.model.state(*begin)) <= whole + 1e-9


class Counted(Model):
    """Counts the states that are visited."""

    def moves(self, state):
        self.visited = getattr(self, "visited", set()) | {state}
        return super().moves(state)


def test_a_quick_suite_does_not_multiply_the_states():
    """Rounded to three digits, what is left of a minute made more than ten thousand."""
    estimates, prices, delivery, limits, flaky = quick_suite((0.35, 0.2, 0.15, 0.12, 0.1, 0.08), 60.0)
    model = Counted(estimates, prices, delivery, DEFAULT_SCHEDULE, (Flakiness(*flaky),), round_seconds=False)
    programme = TimedProgramme(model)
    assert programme.worth(model.state(Belief(), limits)) > 1
    visited = len(model.visited)
    assert visited < 1000
    programme.worth(model.state(Belief(), replace(limits, seconds=47.11)))
    assert len(model.visited) == visited  # another deadline is a look-up
