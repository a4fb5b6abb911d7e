"""Baselines: what each rule chooses, that limits hold for all of them, and that all of them end."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_tasks import DEFER, LOCALISE, SUBMIT, act, coin, free_prices, plain, plan, tasks, verify
from test_decide import observed, prepare

from policies.autonomy import DEFAULT_SCHEDULE
from policies.baselines import MOST_STEPS, RULES, Baseline
from policies.belief import Belief
from policies.decide import MarginalPolicy
from policies.estimates import (
    CheckEstimate,
    DifficultyPrior,
    FinalEstimate,
    PreparationEstimate,
    ReadEstimate,
)
from policies.power import Flakiness
from policies.vocabulary import ActionClass, Check, Limits, StepKind
from policies.weitzman import Search

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
SUITE = CheckEstimate(Check.SUITE, 0.7, 0.0, 5.0, 25.0)
REVIEW = CheckEstimate(Check.REVIEW, 0.8, 0.1, 5.0, 25.0, worst_dollars=0.2, target_runs=0, sensitivity=0.9)
CHEAP = coin("cheap", 0.1, 5.0, attempts=2)
MIDDLE = coin("middle", 0.5, 5.0, attempts=2)
DEAR = coin("dear", 2.0, 5.0, attempts=2, can_plan=True)
LADDER_OF_THREE = plain(
    MIDDLE,
    CHEAP,
    DEAR,
    reads=(ReadEstimate("localise", 5.0, 20.0),),
    checks=(SUITE, REVIEW),
    final=FinalEstimate(0.7, 5.0, 25.0),
)


def choice(name, belief, options, estimates=LADDER_OF_THREE, limits=Limits(), **prices):  # noqa: B008
    policy = Baseline(name)
    return policy.decide(belief, options, estimates, free_prices(**prices), limits, ActionClass.DRAFT)


def played(name, estimates=LADDER_OF_THREE, passing=lambda step: False, **prices):
    """The steps that are taken when those steps pass, and all others fail (reads and plans succeed)."""
    belief, steps = Belief(), []
    while (step := choice(name, belief, offered(belief, estimates), estimates, **prices).chosen) is not None:
        steps.append(step)
        assert len(steps) < 100
        good = step.kind in (StepKind.READ, StepKind.PLAN) or passing(step)
        belief = after(belief, step, good)
        if belief is None:
            break
    return steps


def offered(belief, estimates):
    """What the runtime offers: reads and plans also with a candidate in hand."""
    if belief.preparations:
        return (prepare(belief.preparations[0]),)
    steps = [LOCALISE for r in estimates.reads if r.subject not in belief.bought]
    steps += [plan(t.name) for t in estimates.tiers if t.can_plan and "planned" not in belief.knowledge]
    dropped = belief.abandoned()
    steps += [act(t.name) for t in estimates.tiers if dropped.failed(t.name) < t.most_attempts]
    if belief.hand is not None:
        seen = belief.hand.passed | belief.hand.failed
        steps += [verify(c.check) for c in estimates.checks if c.check not in seen]
        steps += [SUBMIT, DEFER]
    return tuple(steps)


def after(belief, step, good):
    """As `observed`, but a review that fails is no proof."""
    if step.check is Check.REVIEW:
        return belief.after_check(step.check, good, proof=False)
    return observed(belief, step, good)


def test_the_pipeline_reads_plans_and_acts_with_its_first_tier_only():
    assert played("pipeline") == [LOCALISE, plan("dear"), act("middle"), act("middle")]


def test_the_pipeline_verifies_the_suite_and_submits():
    steps = played("pipeline", passing=lambda step: step == act("middle") or step.kind is StepKind.VERIFY)
    assert steps[2:5] == [act("middle"), verify(Check.SUITE), SUBMIT]


def test_the_pipeline_is_capped():
    estimates = plain(coin("only", 0.0, attempts=50), reads=(ReadEstimate("localise", 5.0, 20.0),))
    assert played("pipeline", estimates) == [LOCALISE] + [act("only")] * (MOST_STEPS - 1)


def test_a_useless_plan_is_not_made_again():
    belief = Belief().after_read("localise", "localised").after_plan("dear", useful=False)
    assert plan("dear") in offered(belief, LADDER_OF_THREE)
    assert choice("pipeline", belief, offered(belief, LADDER_OF_THREE)).chosen == act("middle")


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("cheapest", ["cheap", "cheap"]),
        ("dearest", ["dear", "dear"]),
        ("cascade", ["cheap", "middle", "dear"]),
        ("fewest-tokens", ["cheap", "cheap", "middle", "middle", "dear", "dear"]),
    ],
)
def test_which_tiers_a_rule_tries(name, attempts):
    assert played(name) == [act(tier) for tier in attempts]


def test_the_cascade_goes_on_when_a_review_speaks_against_a_candidate():
    """The suite is part of the final verification, the review is not."""
    steps = played("cascade", passing=lambda step: step.kind is StepKind.ACT)
    assert steps == [
        *(act("cheap"), verify(Check.REVIEW)),
        *(act("middle"), verify(Check.REVIEW)),
        *(act("dear"), verify(Check.REVIEW)),
        DEFER,
    ]


def test_what_passes_is_submitted():
    for name in ("cheapest", "dearest", "cascade", "weitzman"):
        steps = played(name, passing=lambda step: True)
        assert steps[-2:] == [verify(Check.REVIEW), SUBMIT]


def test_fewest_tokens_never_reads_plans_or_verifies():
    steps = played("fewest-tokens", passing=lambda step: step == act("middle"))
    kinds = {step.kind for step in steps}
    assert steps[:4] == [act("cheap"), act("cheap"), act("middle"), SUBMIT]
    assert kinds <= {StepKind.ACT, StepKind.SUBMIT}


def test_fewest_tokens_counts_a_wrong_candidate_as_a_submit():
    """$0.30 for one in two is dearer per candidate than $0.40 for one that is always plausible."""
    estimates = plain(coin("honest", 0.3), coin("plausible", 0.4, overfit=1.0))
    assert played("fewest-tokens", estimates)[0] == act("plausible")


@pytest.mark.parametrize(("value", "bought"), [(2.001, True), (1.999, False)])
def test_a_box_is_opened_when_its_reservation_value_is_positive(value, bought):
    """z = V - cost / q = V - 1 / (1/2)."""
    estimates = plain(coin(dollars=1.0))
    decision = choice("weitzman", Belief(), (act("coin"),), estimates, value=value)
    assert (decision.chosen is not None) is bought


def test_the_box_with_the_highest_reservation_value_is_opened_first():
    """At V = 20: cheap 20 - 1/(1/2) = 18, sure 20 - 2/(3/4) = 17 1/3."""
    sure = coin("sure", 2.0, ability=1.0986123)
    estimates = plain(sure, coin("cheap", 1.0))
    search = Search(Belief(), offered(Belief(), estimates), estimates, free_prices(), ActionClass.DRAFT,
                    DEFAULT_SCHEDULE)  # fmt: skip
    assert {box.name: round(box.worth, 4) for box in search.boxes()} == {"sure": 17.3333, "cheap": 18.0}
    assert played("weitzman", estimates) == [act("cheap"), act("sure")]


def test_reservation_values_do_not_learn_from_failures_of_others_but_the_marginal_policy_does():
    """A tier that never fails on a feasible task has failed: the other one is as hopeless, and only the
    marginal policy knows."""
    surest = coin("first", 1.0, ability=0.0, discrimination=40.0)
    second = coin("second", 6.0, ability=0.0, discrimination=40.0)
    estimates = plain(surest, second, difficulty=DifficultyPrior())
    belief = Belief().after_failed_attempt("first")
    options = (act("second"),)
    assert choice("weitzman", belief, options, estimates).chosen == act("second")
    marginal = MarginalPolicy().decide(belief, options, estimates, free_prices(), Limits(), ActionClass.DRAFT)
    assert marginal.chosen is None


@pytest.mark.parametrize(("seconds", "first"), [(799.0, LOCALISE), (801.0, act("coin"))])
def test_a_read_is_part_of_the_box_behind_it(seconds, first):
    """z = 20 - 1/0.5 = 18 without, 20 - (1 + λ·s)/0.9 with knowing where: equal at λ·s = 0.8."""
    tier = coin(dollars=1.0, knowledge_gain=(("localised", 2.1972246),))
    estimates = plain(tier, reads=(ReadEstimate("localise", seconds, 900.0),))
    decision = choice("weitzman", Belief(), (LOCALISE, act("coin")), estimates, latency=0.001)
    assert decision.chosen == first


@pytest.mark.parametrize(("ability", "step"), [(3.0, act("other")), (0.0, SUBMIT)])
def test_what_is_in_hand_is_given_up_only_for_more(ability, step):
    """$20/1.9, about $10.50, are in hand. The other box has z near $20, but q·V - $1 is $18, or $9."""
    estimates = plain(coin("poor", overfit=0.9), coin("other", 1.0, ability=ability))
    decision = choice("weitzman", Belief().after_candidate("poor"), (act("other"), SUBMIT, DEFER), estimates)
    assert decision.chosen == step


def test_preparations_count_for_the_boxes_behind_them():
    """z = 20 - (1 + λ·90)/0.5, so λ* = 0.1."""
    estimates = plain(coin(dollars=1.0), preparations=(PreparationEstimate("intake", 90.0, 99.0),))
    for latency, begun in ((0.0999, True), (0.1001, False)):
        belief = Belief(preparations=("intake",))
        decision = choice("weitzman", belief, (prepare("intake"),), estimates, latency=latency)
        assert (decision.chosen is not None) is begun


def test_a_limit_that_refuses_the_next_step_is_named():
    decision = choice("dearest", Belief(), (act("cheap"), act("dear")), limits=Limits(dollars=1.0))
    assert decision.chosen is None and decision.limit_alone
    assert decision.reason == (
        "stop: by the rule 'dearest' act dear is next, but it may cost $2.00 and $1.00 are left"
    )


def test_what_a_limit_refuses_is_passed_over():
    decision = choice("cascade", Belief().after_failed_attempt("cheap"),
                      (act("dear"), act("middle")), limits=Limits(dollars=0.4))  # fmt: skip
    assert decision.chosen is None and decision.limit_alone
    read = choice("pipeline", Belief(), (LOCALISE, act("middle")), limits=Limits(seconds=14.0))
    assert read.chosen == LOCALISE


def test_nothing_to_try_is_said():
    decision = choice("cheapest", Belief(), ())
    assert decision.chosen is None and not decision.limit_alone
    assert decision.reason == "stop: the rule 'cheapest' leaves nothing to try"


def test_an_unknown_rule_is_an_error():
    with pytest.raises(KeyError):
        Baseline("greedy")


@pytest.mark.parametrize("name", RULES)
@QUICK
@given(tasks(limited=True), st.integers(0, 2**32))
def test_every_rule_keeps_to_the_limits_and_the_options_and_ends(name, task, seed):
    """Outcomes are random, and bills go up to the quoted worst case."""
    rng = random.Random(seed)
    estimates, prices, delivery, left, flaky = task
    baseline, marginal = Baseline(name), MarginalPolicy(shadow_prices=False)
    belief = Belief(preparations=("intake", "baseline"), flakiness=(Flakiness(*flaky),))
    for _ in range(60):
        options = offered(belief, estimates)
        decision = baseline.decide(belief, options, estimates, prices, left, delivery)
        priced = marginal.decide(belief, options, estimates, prices, left, delivery)
        assert decision.candidates == priced.candidates
        if decision.chosen is None:
            break
        assert decision.chosen in options
        row = next(c for c in decision.candidates if c.step == decision.chosen)
        assert not row.refused
        assert row.quote.worst_dollars <= left.dollars
        assert row.quote.worst_seconds <= left.seconds
        share = rng.choice([0.0, 1.0, rng.random()])
        left = Limits(
            left.dollars - share * row.quote.worst_dollars,
            left.seconds - share * row.quote.worst_seconds,
            left.loss,
        )
        proof = all(c.sensitivity == 1 for c in estimates.checks)
        good = rng.random() < 0.5
        belief = observed(belief, row.step, good) if proof else after(belief, row.step, good)
        if belief is None:
            break
    else:
        raise AssertionError("it does not end")
    assert left.dollars >= 0 and left.seconds >= 0
