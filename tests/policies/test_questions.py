"""The one question: its worth before the answer is known, and when none is worth asking."""

from __future__ import annotations

import numpy as np
import pytest

from policies.autonomy import Attention
from policies.questions import (
    AGREES,
    SPREAD,
    Question,
    about_delivery,
    about_limit,
    about_rivals,
    about_value,
    worth_asking,
)


@pytest.mark.parametrize(("stated", "needed"), [(20.0, 25.0), (20.0, 60.0), (5.0, 4.0)])
def test_the_worth_of_knowing_v_is_the_mean_of_what_going_on_would_net(stated: float, needed: float) -> None:
    values = stated * np.exp(SPREAD * np.random.default_rng(1).standard_normal(1_000_000))
    simulated = 0.4 * np.maximum(0.0, values - needed).mean()
    assert about_value(stated, needed, 0.4).worth == pytest.approx(simulated, rel=0.03)


def test_nothing_is_known_of_a_task_worth_nothing() -> None:
    assert about_value(0.0, 5.0, 0.4).worth == 0.0


def test_the_question_that_changes_most_is_asked() -> None:
    asked = worth_asking([about_rivals(0.5, 4.0), about_limit("budget", 6.0)], Attention())
    assert asked == Question("budget", AGREES * 6.0)
    assert about_delivery(8.0).worth == AGREES * 8.0


def test_none_is_asked_that_is_worth_less_than_a_glance() -> None:
    assert worth_asking([about_rivals(0.5, 0.9)], Attention()) is None
    assert worth_asking([about_rivals(0.5, 0.9)], Attention(glance=0.1)) is not None
    assert worth_asking([], Attention()) is None
