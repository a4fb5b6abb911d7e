"""Patches that all make the targets pass: which of them are the same, and which one is most likely right.

Functions that they edit are watched while the tests run; original and patches are then called with what was
seen and with inputs made from it. Patches with equal outcomes are one cluster: no rivals, but more mass for
one behaviour. A right patch seldom changes what was right, so a cluster weighs

    sum of its members' masses x p ** 6 x f x a ** 4

where p is the share of inputs from passing tests on which it does as the original, and f that of inputs from
failing ones, on which the original is wrong only in part; a is its agreement with docstrings and return
annotations (see `behaviour.outcomes`). The powers are judgements, not estimates.

Other tests that fail, for the same cause as it seems, are witnesses: clusters that make none of them pass are
out where one does; where none does, all that were found are UNHEALED as likely.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .behaviour import CUT, NO_CALL, REPEATED
from .candidates import Candidate
from .inputs import Function
from .screener import BASE, Screener
from .source import Source
from .space import Space
from .spans import Span, functions_of

PASSING_POWER, FAILING_POWER, AGREEING_POWER = 6, 1, 4
LEAST_KEPT = 0.1
UNHEALED = 0.25
"""A judgement, too: that tests which look alike fail for two causes in the same code is the rarer case."""

NAME_BYTES = 10
"""Of two equal patches the larger one must have so much more mass, in proportion to this plus its size."""

MOST_CALLS = 50
MOST_INPUTS = 300
MOST_VARIANTS = 150
OUTCOMES_SECONDS = 1.0
"""For all inputs of one patch."""

COMPARING_SECONDS = 8.0
"""In all; patches that were not reached by then are clusters of their own."""


@dataclass(frozen=True)
class Ranking:
    """`best`: index of the patch to propose. `clusters`: different behaviours. `share` in (0, 1]: P(`best` is
    right | one of the patches is), less where witnesses speak against all. `heals`: whether `best`, or
    one that does the same, makes a witness pass; None without witnesses."""

    best: int
    clusters: int
    share: float
    heals: bool | None = None


@dataclass(frozen=True)
class Seen:
    """Calls, and which of them passing tests made."""

    calls: list[list[str]]
    passing: tuple[bool, ...]


def rank(
    candidates: Mapping[int, Candidate],
    behaviours: Mapping[int, tuple[str, ...]],
    tame: Mapping[int, float],
    heals: Mapping[int, bool] | None = None,
) -> Ranking:
    """Cluster the candidates (by index) and choose. `behaviours`: those without one are clusters of their
    own; `tame`: how far those leave alone what was right, as a factor of their weight; `heals`: whether each
    makes a witness pass, None without witnesses."""
    typical = sum(tame.values()) / len(tame) if tame else 1.0
    clusters: dict[object, list[int]] = {}
    for index in candidates:
        clusters.setdefault(behaviours.get(index, index), []).append(index)
    healing = {key for key, members in clusters.items() if heals and any(heals[at] for at in members)}
    weights = {
        key: sum(candidates[index].mass for index in members) * tame.get(members[0], typical)
        for key, members in clusters.items()
        if key in healing or not healing
    }
    first = max(weights, key=lambda key: (weights[key], -clusters[key][0]))
    best = max(clusters[first], key=lambda index: (_merit(candidates[index]), -index))
    share = weights[first] / sum(weights.values()) * (UNHEALED if heals and not healing else 1.0)
    return Ranking(best, len(clusters), share, bool(healing) if heals else None)


def _merit(candidate: Candidate) -> float:
    """Among patches that do the same: much mass, few bytes that go and come."""
    size = candidate.end - candidate.start + len(candidate.replacement)
    return candidate.mass / (NAME_BYTES + size)


class Rivals:
    """Compares the patches of one search."""

    def __init__(self, screener: Screener | None, space: Space, seed: int) -> None:
        """Without a screener nothing can be observed: every patch is a cluster of its own."""
        self._screener, self._space, self._seed = screener, space, seed
        self._finish_by = 0.0

    def ranked(self, indices: list[int]) -> Ranking:
        """The ranking of these candidates. The tree is afterwards as it was, or is called spoiled."""
        candidates = {index: self._space.candidates[index] for index in indices}
        if self._screener is None:
            return rank(candidates, {}, {})
        heals = {i: self._screener.heals(i) for i in indices} if self._screener.has_witnesses else None
        if len(candidates) == 1:
            return rank(candidates, {}, {}, heals)
        self._finish_by = time.monotonic() + COMPARING_SECONDS
        spans = {key: span for each in candidates.values() for key, span in self._edited(each).items()}
        seen = self._seen(spans, indices[0])
        behaviours, tame = self._behaviours(spans, seen, indices) if seen.calls else ({}, {})
        return rank(candidates, behaviours, tame, heals)

    def _edited(self, candidate: Candidate) -> dict[str, Span]:
        """The functions around the edit (at module or class level); all of the file where there is none."""
        every = functions_of(self._space.sources[candidate.path])
        around = {
            key: span
            for key, span in every.items()
            if span.start <= candidate.start and candidate.end <= span.end
        }
        return around or every

    def _seen(self, spans: Mapping[str, Span], first: int) -> Seen:
        """Calls while affected tests run, and targets, on the original and on the first patch, in turns."""
        passing = self._calls(BASE, spans, affected=True)
        failing = [*self._calls(BASE, spans), *self._calls(first, spans)]
        rows: dict[tuple[str, str], bool] = {}
        for position in range(max(len(passing), len(failing))):
            for calls, passed in ((failing, False), (passing, True)):
                if position < len(calls):
                    key, data = calls[position]
                    rows[key, data] = rows.get((key, data), False) or passed
        chosen = list(rows.items())[:MOST_CALLS]
        return Seen([list(row) for row, _ in chosen], tuple(passed for _, passed in chosen))

    def _calls(self, number: int, spans: Mapping[str, Span], affected: bool = False) -> list[list[str]]:
        if affected and not (self._screener and self._screener.has_affected):
            return []
        question = {"record": {"functions": self._functions(number, spans), "most": MOST_CALLS}}
        rows = _list(self._ask(number, question, affected).get("calls"))
        return [[str(part) for part in row] for row in rows if isinstance(row, list) and len(row) == 2]

    def _functions(self, number: int, spans: Mapping[str, Span]) -> dict[str, Function]:
        """How code objects of these functions call themselves, in the original or in a patch."""
        assert self._screener is not None
        own: dict[str, Span] = dict(spans)
        if number != BASE:
            candidate = self._space.candidates[number]
            patched = functions_of(Source(candidate.path, self._space.patched(candidate)))
            gone = [key for key in spans if spans[key].path == candidate.path and key not in patched]
            own = {key: patched.get(key, span) for key, span in spans.items() if key not in gone}
        root = self._screener.tree.root
        return {key: (f"{root}/{span.path}", span.name, span.line) for key, span in own.items()}

    def _behaviours(
        self, spans: Mapping[str, Span], seen: Seen, indices: list[int]
    ) -> tuple[dict[int, tuple[str, ...]], dict[int, float]]:
        """What is known of each patch. Nothing when the original itself does not do the same twice; nothing
        of a patch that does what the original does, for then what it changes was not seen. An original that
        cannot be imported does nothing: the first patch shows what is the same twice."""
        importable = self._screener is not None and not self._screener.uncollected
        known = BASE if importable else indices[0]
        original, again = (self._outcomes(known, spans, seen.calls, luck)[0] for luck in (0, 1))
        length = min(len(original), len(again))
        if not length:
            return {}, {}
        steady = [
            at
            for at in range(length)
            if original[at] == again[at] and original[at] not in (NO_CALL, REPEATED)
        ]
        if any(original[at] != again[at] and CUT not in (original[at], again[at]) for at in range(length)):
            return {}, {}
        behaviours: dict[int, tuple[str, ...]] = {}
        tame: dict[int, float] = {}
        passing = [at for at in steady if seen.passing[at % len(seen.calls)]]
        failing = [at for at in steady if not seen.passing[at % len(seen.calls)]]
        for index in indices:
            shown, agrees = self._outcomes(index, spans, seen.calls, 0)
            if not shown:
                continue
            shown += [CUT] * (length - len(shown))
            if not importable or any(shown[at] != original[at] for at in steady):
                behaviours[index] = tuple(shown[at] for at in steady)
                tame[index] = max(LEAST_KEPT, agrees) ** AGREEING_POWER
            if importable and index in tame:
                tame[index] *= (
                    _kept(original, shown, passing) ** PASSING_POWER
                    * _kept(original, shown, failing) ** FAILING_POWER
                )
        return behaviours, tame

    def _outcomes(
        self, number: int, spans: Mapping[str, Span], calls: list[list[str]], luck: int
    ) -> tuple[list[str], float]:
        """What a patch does, call by call, and how far it agrees with what is written of it, in [0, 1]."""
        asked = {
            "functions": self._functions(number, spans),
            "calls": calls,
            "variants": 1 + min(MOST_VARIANTS, MOST_INPUTS // len(calls)),
            "seed": self._seed,
            "luck": luck,
            "seconds": OUTCOMES_SECONDS,
        }
        answer = self._ask(number, {"outcomes": asked})
        agrees = answer.get("agrees")
        said = agrees if isinstance(agrees, float) and 0 <= agrees <= 1 else 1.0
        return [str(each) for each in _list(answer.get("outcomes"))], said

    def _ask(self, number: int, question: dict[str, Any], affected: bool = False) -> dict[str, Any]:
        """The answer, which a fork under test may have made; empty once time is over, or when tests have
        changed the tree."""
        if self._screener is None or self._screener.tree.spoiled or time.monotonic() > self._finish_by:
            return {}
        return self._screener.ask(number, question, affected)


def _list(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def _kept(original: list[str], shown: list[str], places: list[int]) -> float:
    """Share of the places with equal outcomes; never so little that one behaviour would be ruled out."""
    equal = sum(original[at] == shown[at] for at in places)
    return max(LEAST_KEPT, equal / len(places)) if places else 1.0
