"""How far checks tell a right candidate from a wrong one: overfitting, chance passes, noisy reviews."""

from __future__ import annotations

import math
from typing import NamedTuple

from policies.estimates import LADDER, Estimates, FlakinessPrior
from policies.vocabulary import Check


class Hand(NamedTuple):
    """The best candidate: it passed its targets and `passed`, and failed `failed`, which proves nothing.

    knowledge: what its attempt knew. repeats: how often it passed the repeated runs. share in (0, 1]: P(it is
    the right one | one of those that its attempt found is), 1 when it found no rival.
    """

    tier: str
    passed: frozenset[Check] = frozenset()
    knowledge: frozenset[str] = frozenset()
    failed: frozenset[Check] = frozenset()
    repeats: int = 0
    share: float = 1.0

    def of(self, tier: str) -> Hand:
        """The same record of checks for a candidate of `tier`."""
        return self._replace(tier=tier)

    def after(self, check: Check, passed: bool) -> Hand:
        """This candidate once it has passed, or not, one more check."""
        if not passed:
            return self._replace(failed=self.failed | {check})
        repeats = self.repeats + (check is Check.REPEAT)
        return self._replace(passed=self.passed | {check}, repeats=repeats)


def tells_more(check: Check, hand: Hand, most: int = 1) -> bool:
    """False when the check failed, was passed `most` times, or a stronger rung was passed."""
    if check is Check.REPEAT:
        return hand.repeats < most
    stronger = LADDER[LADDER.index(check) + 1 :] if check in LADDER else ()
    return not hand.passed.intersection((check, *stronger)) and check not in hand.failed


class Flakiness(NamedTuple):
    """How often a target test passed and failed on the unpatched code, alone and in the whole suite."""

    passes: int = 0
    fails: int = 0

    def chance(self, prior: FlakinessPrior, runs: int = 1) -> float:
        """P(a target that is still broken passes `runs` times in a row by chance).

        Mixture: deterministic (never passes) or flaky with a pass rate uniform on [0, 1]; the rate's
        posterior is Beta(passes + 1, fails + 1), and its moments follow from ratios of beta functions.
        """
        given_flaky = 1.0
        for run in range(runs):
            given_flaky *= (self.passes + 1 + run) / (self.passes + self.fails + 2 + run)
        return self.flaky(prior) * given_flaky

    def flaky(self, prior: FlakinessPrior) -> float:
        """P(the target is flaky | how it went)."""
        if self.passes > 0:
            return 1.0
        evidence = prior.share / (self.fails + 1)
        return evidence / (evidence + 1 - prior.share) if evidence else 0.0


class Power:
    """The likelihood of what the checks said, for a right and for a wrong candidate.

    flakiness: of each target. Whether several are flaky together is not known, so all of them pass by chance
    as often as the one that does so least, which is the most it can be.

    A wrong candidate passes its targets because it overfits or, when they are flaky, by chance. Checks catch
    both kinds by their power (the ladder subsumes: only its strongest passed rung counts) and the second kind
    also by every further run of the targets. A review errs either way, independently.
    """

    def __init__(self, estimates: Estimates, flakiness: tuple[Flakiness, ...]) -> None:
        self.estimates = estimates
        self.flakiness = flakiness
        self._checks = frozenset(check.check for check in estimates.checks)
        self._most_repeats = max((c.most for c in estimates.checks if c.check is Check.REPEAT), default=0)
        self._wrong: dict[tuple[str, frozenset[Check], frozenset[Check], int, bool], float] = {}
        self._right: dict[tuple[frozenset[Check], frozenset[Check]], float] = {}

    def right(self, hand: Hand) -> float:
        """P(what the checks said | the candidate is right)."""
        key = (hand.passed, hand.failed)
        if key not in self._right:
            passing = (self.estimates.check(check).sensitivity for check in hand.passed)
            failing = (1 - self.estimates.check(check).sensitivity for check in hand.failed)
            self._right[key] = math.prod(passing) * math.prod(failing)
        return self._right[key]

    def wrong(self, hand: Hand, final: bool = False) -> float:
        """P(an attempt yields a candidate that passes its targets, with what the checks said, and passes the
        final verification if `final` | it is not right)."""
        key = (hand.tier, hand.passed, hand.failed, hand.repeats, final)
        if key not in self._wrong:
            self._wrong[key] = self.undetected(hand, final) * self._plausible(hand, final)
        return self._wrong[key]

    def among_rivals(self, q: float, hand: Hand) -> float:
        """P(the attempt that made the candidate was right), `q` before it was known that it found rivals.

        Such that the fresh candidate's confidence is `hand.share` times what it was. Where no wrong candidate
        can pass its targets at all, rivals tell nothing.
        """
        if hand.share == 1:
            return q
        fresh = self.wrong(Hand(hand.tier))
        if fresh == 0:
            return q
        c = hand.share * confidence(q, (1 - q) * fresh)
        return confidence(c * fresh, 1 - c)

    def everything(self, hand: Hand) -> Hand:
        """The candidate once it has passed all that it has not failed."""
        passed = hand.passed | (self._checks - hand.failed)
        return hand._replace(passed=passed, repeats=max(hand.repeats, self._most_repeats))

    def _plausible(self, hand: Hand, final: bool) -> float:
        overfit = self.estimates.tier(hand.tier).overfit
        return overfit + (1 - overfit) * self.by_chance(hand, final)

    def by_chance(self, hand: Hand, final: bool) -> float:
        """P(the targets passed each time they ran for these checks | they are still broken)."""
        runs = 1 + sum(self.estimates.check(c).target_runs for c in hand.passed if c is not Check.REPEAT)
        runs += hand.repeats * self.estimates.check(Check.REPEAT).target_runs if hand.repeats else 0
        runs += self.estimates.final.target_runs if final else 0
        return min(each.chance(self.estimates.flakiness, runs) for each in self.flakiness)

    def undetected(self, hand: Hand, final: bool) -> float:
        """P(the checks said what they said, by their power | not right, the targets pass)."""
        rungs = [self.estimates.check(check).power for check in hand.passed if check in LADDER]
        if final:
            rungs.append(self.estimates.final.power)
        undetected = 1 - max(rungs, default=0.0)
        if Check.REVIEW in hand.passed:
            undetected *= 1 - self.estimates.check(Check.REVIEW).power
        if Check.REVIEW in hand.failed:
            undetected *= self.estimates.check(Check.REVIEW).power
        return undetected


def confidence(right: float, wrong: float) -> float:
    """c = P(the candidate is right), from the masses of both."""
    passing = right + wrong
    return right / passing if passing > 0 else 0.0
