"""Which one question to ask the person who takes over: the one whose answer changes most, if any does.

An answer is worth what it changes: the net of what would be done after it, less that of stopping, with the
probability that it is given. Nothing is asked that is worth less than the glance it takes to answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from policies.autonomy import Attention

About: TypeAlias = Literal["value", "budget", "deadline", "rivals", "delivery"]

SPREAD = 0.5
"""Standard deviation of ln V about what was stated: people know what a fix is worth within a factor of 1.6.
An assumption, not measured."""

AGREES = 0.5
"""P(a person who is asked for more money, or time, grants it): nothing is known of that."""


@dataclass(frozen=True)
class Question:
    """What to ask about, and the dollars that the answer is worth before it is known."""

    about: About
    worth: float


def about_value(stated: float, needed: float, right: float) -> Question:
    """Whether V is at least `needed`, from which on the run would go on: right · E[max(0, V - needed)], with
    V log-normal about the stated one as median; `right`: the rise of P(right patch delivered) by going on, by
    which its net grows with V (the formula of Black and Scholes 1973, without discounting)."""
    if stated <= 0 or needed <= 0:
        return Question("value", 0.0)
    edge = math.log(stated / needed) / SPREAD
    above = stated * math.exp(SPREAD**2 / 2) * _normal(edge + SPREAD) - needed * _normal(edge)
    return Question("value", right * max(0.0, above))


def about_limit(about: Literal["budget", "deadline"], net: float) -> Question:
    """Whether there may be more of what stopped it; `net`: of going on then, over stopping, in dollars."""
    return Question(about, AGREES * net)


def about_rivals(right: float, net: float) -> Question:
    """Whether the candidate in hand is the one that is meant, of several that pass; `right`: P(it is), `net`:
    of what would be done then, over handing it over."""
    return Question("rivals", right * net)


def about_delivery(net: float) -> Question:
    """Whether what was verified may be delivered; `net`: of delivering it confirmed, over handing it over."""
    return Question("delivery", AGREES * net)


def worth_asking(questions: Iterable[Question], attention: Attention) -> Question | None:
    """The one that is worth most, None where none is worth the glance that it takes."""
    best = max(questions, key=lambda each: each.worth, default=None)
    return best if best is not None and best.worth > attention.glance else None


def _normal(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))
