"""Learning from outcomes: none must not hurt, few must help, many must find the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.belief import Belief, success
from policies.estimates import CheckEstimate, DifficultyPrior, Estimates, FinalEstimate, TierEstimate
from policies.fitting import COST_WEIGHT, DISCRIMINATION_SD, LENGTH_GAIN_SD, LOGIT_SD
from policies.learning import (
    CHECK_STRENGTH,
    KIND_STRENGTH,
    LEAST_FACTOR,
    MOST_FACTOR,
    MOST_RIGHT,
    Attempted,
    Checked,
    Searched,
    factors,
    learn,
)
from policies.posterior import Posterior, Spent
from policies.priors import DEFAULT_CHECKS, default_estimates, repair_tier
from policies.vocabulary import Check

REVIEW = CheckEstimate(Check.REVIEW, 0.6, 0.05, 10, 40, 0.2, target_runs=0, sensitivity=0.8)


def tier(name: str, ability: float, dollars: float = 0.1, **more: float) -> TierEstimate:
    numbers = {"discrimination": 1.8, **more}
    return TierEstimate(name, ability, dollars=dollars, seconds=10, worst_dollars=99, worst_seconds=30,
                        attempts=1, **numbers)  # fmt: skip


def ladder(*tiers: TierEstimate) -> Estimates:
    return Estimates(tiers, (*DEFAULT_CHECKS, REVIEW), (), (), FinalEstimate(0.7, 7, 60))


TRUTH = ladder(
    tier("small", -0.8, 0.02, right_share=0.4, cost_length=0.4, cost_difficulty=0.2, cost_sd=0.3),
    tier("middle", 0.2, 0.2, right_share=0.6, cost_length=0.5, cost_sd=0.3, discrimination=2.4),
    tier("large", 1.2, 1.0, right_share=0.8, cost_length=0.3, cost_difficulty=0.3, cost_sd=0.3),
)
UNKNOWING = ladder(*(tier(each.name, 0.0, each.dollars) for each in TRUTH.tiers))


def simulated(truth: Estimates, tasks: int, seed: int, priced: bool = True) -> list[Attempted]:
    """One attempt of every tier on every task."""
    random, attempts = np.random.default_rng(seed), []
    for task in range(tasks):
        difficulty, length = random.normal(size=2) * (1, priced)
        for each in truth.tiers:
            logit = each.discrimination * (each.ability - difficulty) + each.length_gain * length
            right = bool(random.random() < 1 / (1 + np.exp(-logit)))
            noise = random.normal() * each.cost_sd - each.cost_sd**2 / 2
            slopes = each.cost_difficulty * difficulty + each.cost_length * length
            dollars = each.dollars * np.exp(slopes + noise) * (each.right_share if right else 1)
            attempts.append(Attempted(f"task {task}", each.name, right, float(dollars) if priced else 0.0))
    return attempts


def surprise(estimates: Estimates, attempts: list[Attempted]) -> float:
    """Mean of -log P(outcome), each predicted from the failures before it on its task."""
    total, belief, task = 0.0, Belief(), ""
    for attempt in attempts:
        if attempt.task != task:
            belief, task = Belief(), attempt.task
        chance = success(belief, attempt.tier, estimates)
        total -= np.log(chance if attempt.right else 1 - chance)
        if not attempt.right:
            belief = belief.after_failed_attempt(attempt.tier, dollars=attempt.dollars)
    return total / len(attempts)


def test_no_outcomes_leave_the_prior_as_it_is() -> None:
    assert learn(UNKNOWING, ()) == UNKNOWING
    stranger = Attempted("task", "never configured", True, 1.0)
    assert learn(UNKNOWING, [stranger]) == UNKNOWING


def test_many_outcomes_find_the_truth() -> None:
    learnt = learn(UNKNOWING, simulated(TRUTH, 600, seed=1))
    grid = Posterior(learnt)
    for mine, true in zip(learnt.tiers, TRUTH.tiers, strict=True):
        q = success(Belief(), true.name, learnt)
        assert q == pytest.approx(success(Belief(), true.name, TRUTH), abs=0.06)
        assert mine.right_share == pytest.approx(true.right_share, rel=0.3)
        factor = float(grid.prior @ grid.cost_factor(mine))
        wanted = np.exp(0.5 * (true.cost_length**2 + true.cost_difficulty**2))
        assert mine.dollars * factor == pytest.approx(true.dollars * wanted, rel=0.15)
    weaker = (replace(each, cost_sd=each.cost_sd / COST_WEIGHT**0.5) for each in TRUTH.tiers)
    truth = replace(TRUTH, tiers=tuple(weaker), difficulty=replace(TRUTH.difficulty, lengths=9))
    for paid in (0.005, 0.02, 0.08):
        dear = [
            Posterior(each, (Spent("small", paid),)).dollars((), frozenset(), each.tier("large"))
            for each in (learnt, truth)
        ]
        assert dear[0] == pytest.approx(dear[1], rel=0.2)
    failed = Belief().after_failed_attempt("small").after_failed_attempt("middle")
    assert success(failed, "large", learnt) == pytest.approx(success(failed, "large", TRUTH), abs=0.07)


def test_what_attempts_of_a_kind_cost_comes_out_as_paid() -> None:
    attempts = simulated(TRUTH, 300, seed=5)
    learnt = learn(UNKNOWING, attempts)
    for each in learnt.tiers:
        paid = [attempt.dollars for attempt in attempts if attempt.tier == each.name]
        expected = Posterior(learnt).dollars((), frozenset(), each)
        assert expected == pytest.approx(np.mean(paid), rel=0.06)


@pytest.mark.parametrize("tasks", [5, 15])
def test_a_few_outcomes_help_where_the_prior_is_wrong_and_do_not_hurt_where_it_is_right(tasks: int) -> None:
    unseen = simulated(TRUTH, 200, seed=99)
    wrong = ladder(*(replace(each, ability=-each.ability) for each in TRUTH.tiers))
    helped, hurt = [], []
    for seed in range(8):
        seen = simulated(TRUTH, tasks, seed)
        helped.append(surprise(wrong, unseen) - surprise(learn(wrong, seen), unseen))
        hurt.append(surprise(learn(TRUTH, seen), unseen) - surprise(TRUTH, unseen))
    assert np.mean(helped) > 0.1
    assert np.mean(hurt) < 0.1 * np.mean(helped) + 0.03


def test_success_is_fitted_to_the_maximum_of_likelihood_and_prior() -> None:
    attempts = simulated(TRUTH, 120, seed=3, priced=False)
    learnt = learn(UNKNOWING, attempts)
    grid = Posterior(learnt)
    by_task: dict[str, list[Attempted]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task, []).append(attempt)

    def objective(tiers: tuple[TierEstimate, ...]) -> float:
        curves = {each.name: grid.curve(each, frozenset()) for each in tiers}
        total = 0.0
        for made in by_task.values():
            likelihood = grid.prior.copy()
            for attempt in made:
                likelihood *= curves[attempt.tier] if attempt.right else 1 - curves[attempt.tier]
            total += np.log(likelihood.sum())
        for each, before in zip(tiers, UNKNOWING.tiers, strict=True):
            off = each.discrimination * each.ability - before.discrimination * before.ability
            total -= 0.5 * (off / LOGIT_SD) ** 2
            total -= 0.5 * ((each.discrimination - before.discrimination) / DISCRIMINATION_SD) ** 2
            total -= 0.5 * ((each.length_gain - before.length_gain) / LENGTH_GAIN_SD) ** 2
        return float(total)

    best = objective(learnt.tiers)
    for number, each in enumerate(learnt.tiers):
        for step in (-0.2, 0.2):
            for moved in (
                replace(each, ability=each.ability + step / each.discrimination),
                replace(
                    each,
                    discrimination=each.discrimination + step,
                    ability=each.ability * each.discrimination / (each.discrimination + step),
                ),
            ):
                grid = Posterior(learnt)  # curves are kept by name
                tiers = (*learnt.tiers[:number], moved, *learnt.tiers[number + 1 :])
                assert objective(tiers) < best


def test_depreciated_outcomes_move_less() -> None:
    attempts = [Attempted(f"task {number}", "middle", False, 0.4) for number in range(10)]
    moved = [
        success(Belief(), "middle", learn(UNKNOWING, [replace(each, weight=weight) for each in attempts]))
        for weight in (0.01, 0.3, 1.0)
    ]
    assert success(Belief(), "middle", UNKNOWING) > moved[0] > moved[1] > moved[2]


def test_depreciated_outcomes_tell_less_about_their_tasks() -> None:
    """That another tier was right makes a task look easy, and so the failure on it worse."""
    failed = [Attempted(f"task {number}", "small", False) for number in range(20)]
    right = [Attempted(f"task {number}", "large", True) for number in range(20)]
    alone, full, faint = (
        learn(UNKNOWING, failed + other).tier("small").ability
        for other in ([], right, [replace(each, weight=0.001) for each in right])
    )
    assert full < alone - 0.1
    assert faint == pytest.approx(alone, abs=0.01)


def test_the_order_of_tasks_does_not_matter() -> None:
    attempts = simulated(TRUTH, 30, seed=2)
    turned = [each for task in range(29, -1, -1) for each in attempts[3 * task : 3 * task + 3]]
    one, other = learn(UNKNOWING, attempts), learn(UNKNOWING, turned)
    assert [each.ability for each in one.tiers] == pytest.approx([each.ability for each in other.tiers])
    assert one.difficulty.weights == pytest.approx(other.difficulty.weights)


def test_slices_of_a_search_tell_one_thing_together() -> None:
    """A search that failed to its end covers less often; one that found its fix late covered all the same."""
    estimates = default_estimates((repair_tier(),))
    slices = len(estimates.tiers[0].slices)
    failed = [Attempted(f"task {number}", "repair", False) for number in range(10) for _ in range(slices)]
    late = [Attempted(f"task {number}", "repair", slice_ == 4) for number in range(10) for slice_ in range(5)]
    early = [Attempted(f"task {number}", "repair", False) for number in range(10)]
    before = estimates.tiers[0].ability
    assert learn(estimates, failed).tiers[0].ability < learn(estimates, early).tiers[0].ability - 0.1
    assert learn(estimates, failed).tiers[0].ability < before - 0.1
    assert learn(estimates, late).tiers[0].ability > before + 0.1
    assert learn(estimates, late).difficulty.lengths == 1  # nothing was paid, so no length can be told


def test_knowledge_is_not_taken_for_ability() -> None:
    right = [Attempted(f"task {number}", "middle", number % 3 > 0) for number in range(30)]
    knowing = [replace(each, knowledge=("localised",)) for each in right]
    plain, informed = learn(UNKNOWING, right), learn(UNKNOWING, knowing)
    assert informed.tier("middle").ability < plain.tier("middle").ability - 0.2


def test_checks_learn_their_power_and_only_a_review_its_sensitivity() -> None:
    outcomes = [Checked(Check.SUITE, right=False, passed=False)] * 6
    outcomes += [Checked(Check.SUITE, right=False, passed=True)] * 4
    outcomes += [Checked(Check.SUITE, right=True, passed=False)] * 5
    outcomes += [Checked(Check.REVIEW, right=True, passed=False)] * 10
    learnt = learn(UNKNOWING, (), outcomes)
    suite, review = learnt.check(Check.SUITE), learnt.check(Check.REVIEW)
    assert suite.power == pytest.approx((CHECK_STRENGTH * 0.7 + 6) / (CHECK_STRENGTH + 10))
    assert suite.sensitivity == 1
    assert review.sensitivity == pytest.approx(CHECK_STRENGTH * 0.8 / (CHECK_STRENGTH + 10))
    assert review.power == 0.6
    hopeless = [Checked(Check.REVIEW, right, not right) for right in (True, False)] * 50
    useless = learn(UNKNOWING, (), hopeless).check(Check.REVIEW)
    assert useless.power + useless.sensitivity == pytest.approx(1)


def test_durations_are_learnt_within_their_cap() -> None:
    slow = [Attempted(f"task {number}", "middle", False, seconds=500) for number in range(9)]
    assert learn(UNKNOWING, slow[:1]).tier("middle").seconds == 30  # 3 of 10 s and one of 500 s
    quick = [replace(each, seconds=2) for each in slow]
    assert learn(UNKNOWING, quick).tier("middle").seconds == pytest.approx((3 * 10 + 9 * 2) / 12)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Attempted,
            task=st.sampled_from(("a", "b", "c")),
            tier=st.sampled_from(("small", "large", "repair")),
            right=st.booleans(),
            dollars=st.sampled_from((0.0, 1e-6, 0.3, 98.0)),
            weight=st.sampled_from((0.001, 0.5, 1.0)),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_whatever_happened_gives_estimates_that_hold(attempts: list[Attempted], learnt_before: bool) -> None:
    weights = tuple(np.linspace(1, 2, 21) / 31.5) if learnt_before else ()
    prior = replace(
        ladder(*TRUTH.tiers, repair_tier()),
        difficulty=DifficultyPrior(weights=tuple(map(float, weights))),
    )
    learnt = learn(prior, attempts)  # a value out of its range raises
    for each in learnt.tiers:
        assert 0 < success(Belief(), each.name, learnt) < 1
        assert 0 <= Posterior(learnt).dollars((), frozenset(), each) <= each.worst_dollars
        assert each.discrimination > 0
    assert not attempts or sum(learnt.difficulty.weights) == pytest.approx(1)


def test_outcomes_out_of_range_are_refused() -> None:
    for wrong in ({"dollars": -1.0}, {"dollars": float("nan")}, {"seconds": -1.0}, {"weight": 0.0}):
        with pytest.raises(ValueError, match=r"cannot cost|cannot take|weight"):
            Attempted("task", "small", True, **wrong)
    with pytest.raises(ValueError, match="weight"):
        Checked(Check.SUITE, True, True, weight=2)


def test_a_kind_that_gave_the_right_one_is_likelier_and_what_was_tried_in_vain_less() -> None:
    found = factors([Searched({"a": 0.2, "b": 0.6}, "a")])
    strength = KIND_STRENGTH
    assert found["a"] == pytest.approx((strength + 1) / (strength + 0.25))
    assert found["b"] == pytest.approx(strength / (strength + 0.75))
    half = factors([Searched({"a": 0.2, "b": 0.6}, "a", weight=0.5)])
    assert 1 < half["a"] < found["a"] and found["b"] < half["b"] < 1


def test_what_was_found_sooner_than_could_be_expected_speaks_for_its_kind() -> None:
    found = factors([Searched({"a": 0.01}, "a")] * 9)
    assert found["a"] == pytest.approx((KIND_STRENGTH + 9) / (KIND_STRENGTH + 9 * MOST_RIGHT * 0.01))


def test_failures_alone_say_nothing_of_one_kind_against_another() -> None:
    assert factors([]) == {}
    assert factors([Searched({"a": 0.6, "b": 0.1})] * 20) == {"a": 1.0, "b": 1.0}


def searches(truth: dict[str, float], tasks: int, seed: int) -> list[Searched]:
    """Of each task the first kinds are tried up to the right one, or up to where the search stops."""
    random, made = np.random.default_rng(seed), []
    for _ in range(tasks):
        masses = dict(zip(truth, random.dirichlet(np.full(len(truth), 2.0)).tolist(), strict=True))
        chances = np.array([masses[kind] * truth[kind] for kind in truth])
        right = str(random.choice(list(truth), p=chances / chances.sum())) if random.random() < 0.5 else ""
        stop, tried = random.random(), dict[str, float]()
        for kind, mass in sorted(masses.items(), key=lambda each: -each[1]):
            if sum(tried.values()) > stop:
                break
            tried[kind] = mass / 2 if kind == right else mass
            if kind == right:
                break
        made.append(Searched(tried, right if right in tried else ""))
    return made


def test_many_searches_find_which_kinds_are_likelier() -> None:
    truth = {"often": 4.0, "as stated": 1.0, "seldom": 0.25}
    found = factors(searches(truth, 800, seed=1))
    assert found["often"] > 1.3 * found["as stated"] > 1.3 * 1.3 * found["seldom"]
    right = factors(searches(dict.fromkeys("abc", 1.0), 800, seed=2))
    assert all(0.85 < each < 1.2 for each in right.values())


def test_no_search_says_more_than_one_task_can() -> None:
    """A search that claims to have tried everything of everything, and a right one of each kind in turn."""
    for quick in (Searched({"a": 0.01, "b": 0.01}, "a"), Searched({"a": 0.3, "b": 0.4}, "a")):
        before = factors([quick] * 50)
        for loud in ({"b": 1e300}, {"a": 1e300, "b": 1e300, "c": 1e300}):
            for right in ("", "b"):
                after = factors([*([quick] * 50), Searched(loud, right)])
                assert all(0.6 <= after[kind] / before[kind] <= 1.4 for kind in "ab")
    assert factors([Searched({}, "a")])["a"] == pytest.approx((KIND_STRENGTH + 1) / KIND_STRENGTH)
    most = factors([Searched({"a": 1e-9, "b": 1.0}, "a")] * 200)
    assert most == {"a": MOST_FACTOR, "b": LEAST_FACTOR}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            Searched,
            masses=st.dictionaries(
                st.sampled_from(("a", "b", "c")), st.sampled_from((0.0, 5e-324, 0.3, 1.0, 1e300))
            ),
            found=st.sampled_from(("", "a", "never tried")),
            weight=st.sampled_from((5e-324, 0.01, 1.0)),
        ),
        max_size=8,
    )
)
def test_whatever_was_searched_gives_factors_within_bounds(told: list[Searched]) -> None:
    found = factors(told)
    assert all(LEAST_FACTOR <= each <= MOST_FACTOR for each in found.values())
    assert factors(list(reversed(told))) == pytest.approx(found)


def test_searches_out_of_range_are_refused() -> None:
    for wrong in ({"masses": {"a": -0.1}}, {"masses": {"a": float("nan")}}, {"masses": {}, "weight": 2.0}):
        with pytest.raises(ValueError, match=r"mass|weight"):
            Searched(**wrong)  # type: ignore[arg-type]
