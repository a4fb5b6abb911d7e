"""W against brute force, with every feature on; what the approximations lose; the recursion's depth."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import History, Oracle, start
from small_tasks import tasks

from policies.autonomy import DEFAULT_SCHEDULE
from policies.belief import Belief
from policies.estimates import TierEstimate
from policies.lookahead import Programme
from policies.moves import Model
from policies.posterior import Spent
from policies.power import Flakiness
from policies.priors import default_estimates, repair_tier
from policies.tabled import TabledProgramme
from policies.vocabulary import ActionClass, Limits, Prices

PREPARATIONS = ("intake", "baseline")
SLOW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


def programme(task, digits=None, coarse=False, spending=()):
    estimates, prices, delivery, limits, flaky = task
    flakiness = (Flakiness(*flaky),)
    model = Model(estimates, prices, delivery, DEFAULT_SCHEDULE, flakiness, limits.loss, spending, digits)
    return TabledProgramme(model) if coarse else Programme(model)


def exact_worth(task, spending=()):
    estimates, prices, delivery, limits, flaky = task
    oracle = Oracle(estimates, prices, delivery, DEFAULT_SCHEDULE, *flaky, limits.loss, spending)
    return oracle.worth(start(limits, PREPARATIONS))


def worth(task, **options):
    solved = programme(task, **options)
    begin = solved.model.state(Belief(preparations=PREPARATIONS), task[3])
    solved.start(begin)
    return solved.worth(begin)


@SLOW
@given(tasks(limited=False))
def test_equals_brute_force_without_limits(task):
    assert worth(task) == pytest.approx(exact_worth(task), abs=1e-9)


@SLOW
@given(tasks(limited=False), st.floats(0.01, 3))
def test_what_failures_cost_counts_as_in_brute_force(task, paid):
    spending = tuple(Spent(tier.name, paid) for tier in task[0].tiers if tier.dollars > 0)
    assert worth(task, spending=spending) == pytest.approx(exact_worth(task, spending), abs=1e-9)


@SLOW
@given(tasks(limited=False))
def test_tables_equal_brute_force_where_nothing_is_learnt_after_a_failure(task):
    estimates, *rest = task
    tiers = tuple(replace(tier, can_plan=False) for tier in estimates.tiers)
    task = (replace(estimates, tiers=tiers, reads=()), *rest)
    assert worth(task, coarse=True) == pytest.approx(exact_worth(task), abs=1e-9)


@SLOW
@given(tasks(limited=False), st.sampled_from([0.9, 0.3, 0.01]))
def test_a_candidate_with_rivals_is_worth_what_brute_force_says(task, share):
    """By the exact plan, and by tables where nothing is learnt after a failure."""
    estimates, prices, delivery, limits, flaky = task
    tiers = tuple(replace(tier, can_plan=False) for tier in estimates.tiers)
    task = (replace(estimates, tiers=tiers, reads=()), prices, delivery, limits, flaky)
    name = tiers[0].name
    oracle = Oracle(task[0], prices, delivery, DEFAULT_SCHEDULE, *flaky, limits.loss)
    exact = oracle.worth(History(hand=(name, frozenset()), share=share, last=name))
    for coarse in (False, True):
        solved = programme(task, coarse=coarse)
        held = solved.model.state(Belief().after_candidate(name, share=share), limits)
        solved.start(held)
        assert solved.worth(held) == pytest.approx(exact, abs=1e-9)


@SLOW
@given(tasks(limited=True))
def test_equals_brute_force_under_hard_limits(task):
    assert worth(task) == pytest.approx(exact_worth(task), abs=1e-9)


@SLOW
@given(tasks(limited=True))
def test_rounding_what_is_left_never_overstates(task):
    # Rounding down by up to 1 % can cost a last step that just fits: what is lost is measured below. A step
    # that fits to the cent may miss it by a rounding error of the machine, in the brute force as well.
    estimates, prices, delivery, limits, flaky = task
    hair = Limits(limits.dollars + 1e-6, limits.seconds + 1e-6, limits.loss)
    assert worth(task, digits=3) <= exact_worth((estimates, prices, delivery, hair, flaky)) + 1e-9


@SLOW
@given(tasks(limited=True))
def test_the_coarse_plan_never_overstates_a_task_without_delayed_reads(task):
    estimates, *_ = task
    if not estimates.reads and not any(tier.can_plan for tier in estimates.tiers):
        assert worth(task, coarse=True) <= exact_worth(task) + 1e-9


@SLOW
@given(tasks(limited=True))
def test_parts_price_to_the_worth(task):
    solved = programme(task)
    state = solved.model.state(Belief(preparations=PREPARATIONS), task[3])
    assert solved.parts(state).worth(task[1]) == pytest.approx(solved.worth(state), abs=1e-9)


@SLOW
@given(tasks(limited=True))
def test_more_of_a_limit_is_never_worse(task):
    estimates, prices, delivery, limits, flaky = task
    more = Limits(limits.dollars * 1.3 + 0.1, limits.seconds * 1.3 + 1, limits.loss)
    assert worth((estimates, prices, delivery, more, flaky)) >= worth(task) - 1e-9


def ladder(count):
    abilities, dollars = (-1.0, -0.2, 0.6, 1.4), (0.01, 0.05, 0.3, 1.0)
    return tuple(
        TierEstimate(f"t{i}", abilities[i], 1.5, dollars[i], 10.0 * (i + 1), 2 * dollars[i], 90.0, 3)
        for i in range(count)
    )


@pytest.mark.parametrize("limits", [Limits(), Limits(dollars=0.8), Limits(seconds=90), Limits(1.5, 150)])
def test_what_the_coarse_plan_loses_on_a_middling_task(limits):
    """Two tiers with reads: small enough for the exact programme, of the kind that is planned coarsely."""
    task = (default_estimates(ladder(2)), Prices(), ActionClass.COMMIT, limits, (0, 3))
    exact, coarse, rounded = programme(task), programme(task, 3, True), programme(task, 3, False)
    state = exact.model.state(Belief(), limits)
    whole = exact.worth(state)
    assert rounded.worth(state) == pytest.approx(whole, rel=0.01)
    assert coarse.worth(state) == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("budget", [0.1, 0.2, 0.5])
def test_a_planner_beyond_the_budget_does_not_spoil_the_plan_of_another(budget):
    cheap, dear = (
        replace(tier, can_plan=True, plan_dollars=0.3 * tier.dollars, plan_worst_dollars=tier.dollars)
        for tier in (ladder(1)[0], ladder(4)[3])
    )
    limits = Limits(dollars=budget, seconds=900)
    task = (default_estimates((cheap, dear)), Prices(), ActionClass.DRAFT, limits, (0, 3))
    exact, coarse = programme(task), programme(task, coarse=True)
    state = exact.model.state(Belief(), limits)
    coarse.start(state)
    assert coarse.worth(state) == pytest.approx(exact.worth(state), rel=1e-3)


def test_a_long_search_does_not_exhaust_the_stack():
    slices = 60
    tier = repair_tier((1 / slices,) * slices, seconds=3.0)
    limits = Limits(seconds=400)
    solved = programme((default_estimates((tier,)), Prices(), ActionClass.DRAFT, limits, (0, 3)), 3, True)
    assert 0 < solved.worth(solved.model.state(Belief(), limits)) < 20
