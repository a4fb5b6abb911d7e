"""How many candidates to ask for in one reply, against every way in which they can turn out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import coin, plain

from policies.belief import Belief, success
from policies.candidates import BESIDE, chances, first_right, missed, runs, worthwhile
from policies.estimates import DifficultyPrior
from policies.posterior import Posterior

MOST = 4
PROBABILITIES = st.floats(0, 1)
DOLLARS = st.floats(0, 30)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[list[float], list[float], float]:
    """Weights of some difficulties, the chance of a first candidate on each, what a further one keeps."""
    weights = draw(st.lists(st.floats(0.01, 1), min_size=1, max_size=4))
    right = draw(st.lists(PROBABILITIES, min_size=len(weights), max_size=len(weights)))
    return [each / sum(weights) for each in weights], right, draw(PROBABILITIES)


def patterns(task: tuple[list[float], list[float], float]) -> list[tuple[float, tuple[bool, ...]]]:
    """Every way in which MOST candidates can turn out, right or not, with its probability."""
    weights, right, kept = task
    found = []
    for weight, q in zip(weights, right, strict=True):
        for ends in itertools.product((True, False), repeat=MOST):
            each = [q * kept**n if end else 1 - q * kept**n for n, end in enumerate(ends)]
            found.append((weight * math.prod(each), ends))
    return found


def tried(ends: tuple[bool, ...], number: int) -> int:
    """Runs of the tests: one for each of `number` candidates, until one is right."""
    return ends.index(True) + 1 if True in ends[:number] else number


@given(tasks())
def test_the_chance_to_be_the_first_that_is_right(task: tuple[list[float], list[float], float]) -> None:
    weights, right, kept = task
    first = chances(np.array(weights), np.array(right), kept, MOST)
    for number in range(MOST):
        counted = sum(p for p, ends in patterns(task) if ends[number] and True not in ends[:number])
        assert first[number] == pytest.approx(counted, abs=1e-12)
        none = sum(p for p, ends in patterns(task) if True not in ends[:number])
        assert missed(first, number) == pytest.approx(none, abs=1e-12)
        run = sum(p * tried(ends, number + 1) for p, ends in patterns(task))
        assert runs(first, number + 1) == pytest.approx(run, abs=1e-12)


@given(tasks(), DOLLARS, DOLLARS, DOLLARS)
def test_the_number_is_the_cheapest_of_all(
    task: tuple[list[float], list[float], float], each: float, run: float, instead: float
) -> None:
    weights, right, kept = task
    first = chances(np.array(weights), np.array(right), kept, MOST)
    number = worthwhile(first, each=each, run=run, instead=instead)

    def cost(asked: int) -> float:
        """Expected dollars of a reply with so many, and of what has to be bought if none of them is right."""
        return asked * each + sum(
            p * (run * tried(ends, asked) + instead * (True not in ends[:asked]))
            for p, ends in patterns(task)
        )

    assert cost(number) == pytest.approx(min(map(cost, range(1, MOST + 1))), abs=1e-9)


def test_what_is_worth_nothing_is_not_asked_for() -> None:
    """A free model without a price of time: another request costs nothing either."""
    assert worthwhile((0.4, 0.2, 0.1), each=0.0, run=0.0, instead=0.0) == 1
    assert worthwhile((0.4, 0.2, 0.1), each=0.0, run=0.0, instead=1.0) == 3
    assert worthwhile((0.4, 0.2, 0.1), each=0.15, run=0.0, instead=1.0) == 2
    assert worthwhile((0.4, 0.2, 0.1), each=0.1, run=0.2, instead=1.0) == 1, "0.6 of a run: $0.12"


@given(st.floats(-2, 2), st.floats(0, 1), st.integers(0, 3))
def test_candidates_of_one_reply_are_worth_less_than_as_many_attempts(
    ability: float, retry: float, failed: int
) -> None:
    tier = coin("model", ability=ability, retry=retry, attempts=9)
    estimates = plain(tier, difficulty=DifficultyPrior())
    belief = Belief().after_failed_attempt("model", failed) if failed else Belief()
    first = first_right(Posterior(estimates), belief, tier, MOST)
    apart = 1.0
    for number in range(MOST):
        apart *= 1 - success(
            belief.after_failed_attempt("model", number) if number else belief, "model", estimates
        )
        assert missed(first, number + 1) >= apart - 1e-12
    assert first[0] == pytest.approx(success(belief, "model", estimates))
    assert list(first) == sorted(first, reverse=True)


def test_a_candidate_in_hand_counts_as_failed_and_a_tier_without_attempts_has_none() -> None:
    tier = coin("model", attempts=2)
    posterior, held = Posterior(plain(tier)), Belief().after_candidate("model")
    assert first_right(posterior, held, tier, 2) == first_right(posterior, held.abandoned(), tier, 2)
    assert first_right(posterior, Belief().after_failed_attempt("model", 2), tier, 2) == (0.0, 0.0)
    # Half of the time right at d = 0; a second one beside it keeps half of that.
    assert first_right(posterior, Belief(), tier, 2) == pytest.approx((0.5, 0.5 * 0.5 * BESIDE))
