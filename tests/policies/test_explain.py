"""Explanations: crossovers computed by hand are found to a cent, and the answers are the policy's own."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from small_tasks import coin, free_prices, plain, tasks
from test_crossovers import logit

from policies.autonomy import DEFAULT_SCHEDULE
from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import CheckEstimate, FinalEstimate, PreparationEstimate, ReadEstimate
from policies.explain import Reign, explain, regret
from policies.priors import default_estimates, repair_tier
from policies.rehearsal import REPRODUCED, STOP, Asked, Question, offered
from policies.vocabulary import ActionClass, Check, Limits, Prices

CHEAP, DEAR = coin("cheap", 1.0, ability=logit(0.7)), coin("dear", 5.0, ability=logit(0.9))


def asked(estimates, limits=Limits(), **prices):  # noqa: B008
    return explain(Question(estimates, free_prices(**prices), limits))


def of(found, price):
    return [(change.at, change.choice) for change in found.changes if change.price == price]


def test_the_crossover_of_an_attempt_is_found_to_the_cent():
    """act: 1/2·V - $1 is 0 at $2, and stopping wins ties."""
    found = asked(plain(coin(dollars=1.0)))
    assert found.choices == (Reign(0.0, (STOP,)), Reign(2.01, ("act coin",)))
    assert found.opening == ("act coin",)
    assert found.complete


def test_the_crossover_of_the_paper_is_found():
    """Quality 0.7 at $1 against 0.9 at $5: V* = 20 (MTA eq. 4); 0.7·V = 1 at 1.43."""
    found = asked(plain(CHEAP, DEAR, attempts=1), value=25.0)
    assert [(reign.value, reign.choice[0]) for reign in found.choices[1:]] == [
        (1.43, "act cheap"),
        (pytest.approx(20.0, abs=0.011), "act dear"),
    ]
    assert of(found, "value") == [(pytest.approx(20.0, abs=0.011), ("act cheap",))]
    assert of(found, "tier dear") == [(pytest.approx(6.0, rel=0.012), ("act cheap",))]
    assert of(found, "tier cheap") == [(0.0, ("act cheap",))]


def test_what_other_prices_would_have_to_be():
    """1/2·20 = λ·100 at λ = 0.1, whether λ is below or above it."""
    estimates = plain(coin(dollars=0.0, seconds=100.0))
    for latency, choice in ((0.02, STOP), (0.0, STOP), (0.5, "act coin")):
        ((at, opening),) = of(asked(estimates, latency=latency), "latency")
        assert opening == (choice,)
        assert at == pytest.approx(0.1, rel=0.021)
        assert (at > 0.1) is (choice == STOP)


def test_the_price_of_risk_at_which_an_attempt_is_not_worth_it():
    """ρ* = 600: see test_crossovers."""
    ((at, opening),) = of(asked(plain(coin(dollars=1.0, overfit=0.5)), risk=100.0), "risk")
    assert (at, opening) == (pytest.approx(600, rel=0.02), (STOP,))
    assert at > 600


def test_a_read_and_what_follows_it_are_one_opening():
    """Knowing where lifts 0.5 to 0.9: 0.4·V - λ·100 s is 0 at λ = 0.08."""
    tier = coin(dollars=1.0, knowledge_gain=(("localised", logit(0.9)),))
    estimates = plain(tier, reads=(ReadEstimate("localise", 100.0, 200.0),))
    found = asked(estimates, latency=0.01)
    assert found.opening == ("read localise", "act coin")
    ((at, opening),) = of(found, "latency")
    assert (at, opening) == (pytest.approx(0.08, rel=0.021), ("act coin",))


def test_the_plan_names_what_follows_a_candidate_and_where_it_ends():
    suite = CheckEstimate(Check.SUITE, 0.8, 0.1, 0.0, 0.0, 0.1)
    estimates = plain(
        coin(dollars=1.0, overfit=0.5, attempts=2),
        checks=(suite,),
        preparations=(PreparationEstimate("intake", 3.0, 9.0),),
    )
    plan = asked(estimates, risk=100.0).plan
    assert [step.step for step in plan.preparing] == ["read intake"]
    assert plan.outline == (("act coin", "verify suite", "submit"),) * 2
    assert plan.ending == "stop: there is nothing left to try"
    assert plan.worth == pytest.approx(plan.preparing[0].net)


def test_every_change_of_the_plan_is_found():
    """Against asking at every tenth of a dollar; the outline changes just where it is said to."""
    question = Question(default_estimates((repair_tier(slices=(0.4, 0.3)),)), Prices())
    found, ask = explain(question), Asked()
    values = [round(0.1 * step, 2) for step in range(1, 120)]
    outlines = [ask.plan(replace(question, prices=replace(question.prices, value=v))).outline for v in values]
    seen = [
        above for above, one, other in zip(values[1:], outlines, outlines[1:], strict=False) if one != other
    ]
    said = [value for value in found.plan_changes if value <= values[-1]]
    assert seen, "the plan never changes"
    assert {above for above in seen if not any(above - 0.1 < value <= above for value in said)} == set()
    for value in said:  # to the cent
        below, at = (
            ask.plan(replace(question, prices=replace(question.prices, value=v))).outline
            for v in (value - 0.01, value)
        )
        assert below != at


def test_the_openings_are_the_policys_own_along_v():
    estimates = plain(CHEAP, DEAR, attempts=2, final=FinalEstimate(0.5, 5.0, 9.0))
    question = Question(estimates, free_prices(latency=0.01))
    found = explain(question)
    for tenths in range(0, 600, 7):
        value = tenths / 10
        belief, left = Asked(), replace(question, prices=replace(question.prices, value=value))
        said = [reign for reign in found.choices if reign.value <= value][-1]
        assert said.choice == belief.opening(left).label


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tasks(limited=False))
def test_an_opening_is_how_the_plan_begins(task):
    """... although preparations are not asked about for it."""
    estimates, prices, delivery, limits, _ = task
    question = Question(estimates, prices, limits, delivery)
    answer, plan = Asked(DEFAULT_SCHEDULE).opening(question), Asked(DEFAULT_SCHEDULE).plan(question)
    assert answer.label == plan.opening


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(tasks(limited=True))
def test_a_plan_is_what_the_policy_decides_step_by_step(task):
    estimates, prices, delivery, limits, _ = task
    question = Question(estimates, prices, limits, delivery)
    plan = Asked().plan(question)
    subjects = tuple(preparation.subject for preparation in estimates.preparations)
    belief = Belief(preparations=subjects).reproduced((0,), REPRODUCED)
    decision = MarginalPolicy().decide(
        belief, offered(belief, estimates, delivery), estimates, prices, limits, delivery
    )
    first = (plan.preparing or plan.steps)[:1]
    assert [step.step for step in first] == ([decision.chosen.name] if decision.chosen else [])


def test_no_more_is_asked_than_allowed():
    question = Question(default_estimates((repair_tier(),)), Prices())
    whole, bounded = explain(question), explain(question, most_decisions=10)
    planning = Asked()
    planning.plan(question)
    assert whole.complete and not bounded.complete
    assert bounded.decisions == planning.count + 10
    assert bounded.plan == whole.plan


def test_a_task_that_is_never_worth_it_is_a_plan_of_nothing():
    found = asked(plain(coin(dollars=1.0)), value=0.0, limits=Limits(dollars=0.5))
    assert found.opening == (STOP,)
    assert found.choices == (Reign(0.0, (STOP,)),)
    assert found.plan.steps == () and found.plan.worth == 0
    assert of(found, "tier coin") == []


def test_far_changes_and_high_values_are_found():
    """At V = $1000 the attempt pays until λ = 1/2·1000/100 = $5, which is 500 times what it is; at V = $2000
    a crossover at V* = $4000 is near. What is said to be looked at was."""
    slow = plain(coin(dollars=0.0, seconds=100.0))
    ((at, opening),) = of(asked(slow, latency=0.01, value=1000.0), "latency")
    assert (at, opening) == (pytest.approx(5.0, rel=0.021), (STOP,))
    dear = replace(DEAR, dollars=801.0, worst_dollars=801.0)
    found = asked(plain(CHEAP, dear, attempts=1), value=2000.0)
    ((_, stopping), (at, opening)) = of(found, "value")
    assert (stopping, at, opening) == ((STOP,), pytest.approx(4000, abs=0.011), ("act dear",))
    assert {looked.price for looked in found.ranges} > {"value", "latency", "risk", "tier cheap"}


def test_a_budget_of_nothing_is_said_by_the_prices_of_tiers():
    """... which would have to be 0, or may not rise above it."""
    question = Question(plain(coin(dollars=1.0)), free_prices(), Limits(dollars=0.0))
    found = explain(question)
    assert found.opening == (STOP,)
    assert of(found, "tier coin") == [(0.0, ("act coin",))]
    assert of(found, "value") == []
    ((at, opening),) = of(explain(replace(question, estimates=plain(coin(dollars=0.0)))), "tier coin")
    assert opening == (STOP,) and 0 < at < 1e-5


def test_what_was_not_looked_for_is_not_said_to_be_without_a_change():
    question = Question(default_estimates((repair_tier(),)), Prices())
    found = explain(question, most_decisions=10)
    assert not found.ranges and not found.complete


def test_ample_limits_are_no_limits():
    """$2 and 15 minutes for one free tier: the same answers, to the cent."""
    question = Question(default_estimates((repair_tier(slices=(0.4, 0.3)),)), Prices())
    free, ample = explain(question), explain(replace(question, limits=Limits(2.0, 900.0)))
    assert (free.choices, free.plan_changes) == (ample.choices, ample.plan_changes)
    assert free.plan == ample.plan
    ((at, _),) = of(ample, "tier repair")
    assert at == pytest.approx(2.0, rel=0.012), "at this price it would not fit the budget any more"


def test_the_regret_of_the_next_tier():
    """One tier, right half of the time on the only kind of task there is: it is worth 10 - 9.50, and nothing
    is regretted. If its chance is off by 0.1 it may be worth 2 less, and leaving it better by 2 - 0.50."""
    found = regret(Question(plain(coin(dollars=9.5)), free_prices()))
    assert (found.chosen, found.known) == ("coin", pytest.approx(0.0, abs=1e-9))
    assert found.misjudged == pytest.approx(1.5)
    assert regret(Question(plain(coin(dollars=11.0)), free_prices())).chosen == STOP


def test_repeats_are_offered_as_often_as_they_tell_something():
    repeat = CheckEstimate(Check.REPEAT, 0.0, 0.0, 1.0, 5.0, most=2)
    estimates = plain(coin(overfit=0.1), checks=(repeat,))
    belief, seen = Belief().after_candidate("coin"), []
    for _ in range(3):
        steps = offered(belief, estimates, ActionClass.DRAFT)
        seen.append(any(step.check is Check.REPEAT for step in steps))
        belief = belief.after_check(Check.REPEAT, True)
    assert seen == [True, True, False]


def test_delivery_counts():
    estimates = plain(coin(dollars=1.0))
    draft, commit = (
        explain(Question(estimates, free_prices(), delivery=delivery)).choices[1].value
        for delivery in (ActionClass.DRAFT, ActionClass.COMMIT)
    )
    assert commit == pytest.approx(draft + 2.0)  # a confirmation costs $2
