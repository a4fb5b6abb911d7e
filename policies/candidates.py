"""How many candidates to ask for in one reply of a sampling tier.

One more takes its tokens and seconds, and a run of the failing tests if those before it fail them. If it is
the first of them that is right, it saves what would have to be bought instead: another request, which would
have said the same once it was told that the first one failed; V where there is none. So (MTA eq. 2 at the
margin of one candidate) candidate n is asked for while

    f_n · instead > each + m_n · run
    f_n = E[(1 - q_1)…(1 - q_(n-1)) · q_n],  q_n(d) = q_1(d) · kept^(n-1),  m_n = 1 - f_1 - … - f_(n-1)

with q_1(d) the chance of the tier's next attempt on a task of difficulty d, and E over the posterior of d.
Both d, which they share, and `kept` make them fail together. f_n falls in n, as does f_n/m_n, so the first n
that does not pay ends the search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.belief import Belief
from policies.estimates import TierEstimate
from policies.posterior import Posterior, Vector

BESIDE = 0.5
"""Part of `TierEstimate.retry` that a candidate keeps beside another one in the same reply, as nobody has
said yet that the first one fails. A judgement, not measured."""


def first_right(posterior: Posterior, belief: Belief, tier: TierEstimate, most: int) -> tuple[float, ...]:
    """f_1 to f_most of the tier's next reply; a candidate in hand counts as failed, as acting drops it."""
    dropped = belief.abandoned()
    weights = posterior.weights(dropped.failures)
    right = posterior.next_success(dropped.failures, belief.knowledge, tier)
    return chances(weights, right, BESIDE * tier.retry, most)


def chances(weights: Vector, right: Vector, kept: float, most: int) -> tuple[float, ...]:
    """f_1 to f_most: `weights` of the difficulties and q_1 on each, both of shape (grid,)."""
    missed, found = np.asarray(weights), list[float]()
    for number in range(most):
        hit = missed * right * kept**number
        found.append(float(hit.sum()))
        missed = missed - hit
    return tuple(found)


def worthwhile(first: Sequence[float], *, each: float, run: float, instead: float) -> int:
    """How many candidates to ask for, at least 1 and at most len(first).

    first: f_n. Dollars, priced seconds included: `each` to write one more, `run` to run the failing tests,
    `instead` of what a right one saves."""
    number = 1
    while number < len(first) and first[number] * instead > each + missed(first, number) * run:
        number += 1
    return number


def missed(first: Sequence[float], number: int) -> float:
    """m_(number+1): P(none of the first `number` candidates is right)."""
    return 1 - sum(first[:number])


def runs(first: Sequence[float], number: int) -> float:
    """Expected runs of the failing tests for `number` candidates: each is run if those before it fail."""
    return sum(missed(first, before) for before in range(number))
