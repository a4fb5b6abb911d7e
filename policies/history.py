"""What it is worth to know since which commit a test fails, before a person takes over, and what it costs.

Whoever takes over by hand looks at ceil(log2 n) + 1 of n commits, and each look takes a glance of their
attention; the machine takes as many, and each takes the time of the failing tests. So it pays where
λ·seconds of a look < TELLS·glance, however long the history is: at the shipped prices, below 25 s a look.
"""

from __future__ import annotations

import math

from policies.autonomy import Attention
from policies.limits import room
from policies.vocabulary import Gain, Quote

TELLS = 0.5
"""P(the history tells, and the person would have looked). An assumption, not measured: tests that were never
seen to pass (new ones), trees that do not run any more, and people who know the cause from the failure."""

TREE_SECONDS = 1.0
"""To put an old tree into the sandbox and to take it out again, beside the run of the tests."""

SLOWER = 4.0
"""The worst case of all looks over their expectation: twice as many, each taking twice as long."""


def looks(places: int) -> int:
    """Expected looks at a history of so many places to look at, at least 1."""
    return math.ceil(math.log2(places)) + 1 if places > 1 else 1


def looking_back(
    places: int, test_seconds: float, attention: Attention, seconds_left: float
) -> tuple[Quote, str]:
    """The quote of a search through so many places, each a run of the failing tests (`test_seconds`), and why
    it is refused, "" if it fits. It delivers nothing: its gain is attention that the person is spared."""
    many = looks(places)
    seconds = many * (test_seconds + TREE_SECONDS)
    worst, refused = room(math.inf, seconds_left, 0.0, seconds, SLOWER * seconds)
    saved = TELLS * attention.glance * many
    gain = Gain(saved, 0.0, saved, 0.0)
    return Quote(gain, 0.0, seconds, 0.0, 0.0, 0.0, 0.0, worst, TELLS), refused
