"""One slice of a search: candidates are tried in their order until one is plausible."""

from __future__ import annotations

import base64
import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from .candidates import Candidate
from .probes import probes
from .rivals import Ranking, Rivals
from .screener import LANES, Screened
from .source import Source

if TYPE_CHECKING:
    from .screen import Search

PROGRESS_SECONDS = 0.5
RESERVE_SECONDS = 1.0
RIVAL_SECONDS = 1.0
RIVAL_SHARE = 0.1
"""Once one passes, the search goes on for so long, among candidates of at least this part of its mass."""

MOST_DOUBTED = 5
"""That make no witness pass, and are compared where none does."""

PATIENCE = 0.2
"""Of the time of a slice, for second looks at candidates that took longer than a brief look allows."""

STALE = ("invalid", "duplicate", "proposed", "same")
LEAST_PROBED = 5
"""It takes a run of the failing tests to see which candidates change nothing."""


class Slice:
    """What one action tries, from `start` on, and what comes of it."""

    def __init__(self, search: Search) -> None:
        self._search, self._space, self._screener = search, search.space, search.screener
        self._start: int = search.settings["start"]
        self._last = self._start + search.settings["max_candidates"]
        self._outcomes: Counter[str] = Counter()
        self._templates: dict[str, list[float]] = {}
        self._moved: list[int] = []
        self._taken: list[float] = []
        self._ahead: dict[int, Screened] = {}
        self._same: frozenset[int] = frozenset()
        self._began, self._patient_seconds = time.monotonic(), 0.0

    def tried(self, seconds: float = math.inf, least: int = 0) -> float:
        """Try candidates until one is plausible (and makes a witness pass, if there are any), they end, or
        time is up; then propose the most likely one among it and its rivals, and report. The search can go on
        at the first that was not proposed. Where fewer than `least` were tried in `seconds`, it goes on for
        as long again.

        Returns seconds per candidate, of the later half without its slowest quarter: a failure of a new kind
        is confirmed from disk, and most that follow in a search are of kinds known by then.
        """
        search, candidates = self._search, self._space.candidates
        self._same = self._changing_nothing()
        finish_by = time.monotonic() + min(seconds, search.seconds_left() - RESERVE_SECONDS)
        longer = min(finish_by + seconds, time.monotonic() + search.seconds_left() - RESERVE_SECONDS)
        index, reported, found, doubted = self._start, 0.0, list[int](), list[int]()
        while index < self._last and index in candidates and not found:
            if time.monotonic() > (finish_by if len(self._taken) >= least else longer):
                break
            began = time.monotonic()
            outcome = self._outcome(index)
            if outcome == "late":
                break
            if outcome not in STALE:
                self._taken.append(time.monotonic() - began)
            self._count(index, outcome, candidates[index].mass)
            if outcome == "passed":
                (doubted if self._doubted(index) else found).append(index)
            index += 1
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported, tried = time.monotonic(), len(self._taken)
                search.reporter.send("progress", index=index, tried=tried, seconds=reported - search.started)
        self._propose(found, doubted[:MOST_DOUBTED], index)
        later = sorted(self._taken[len(self._taken) // 2 :])
        usual = later[: max(1, 3 * len(later) // 4)]
        return sum(usual) / max(1, len(usual))

    def _propose(self, found: list[int], doubted: list[int], index: int) -> None:
        """Look for rivals of the one that was found, if any; report the likeliest and what was done. What
        earlier slices found to pass is a rival, too. Without a new one, the likeliest of those and of those
        that make no witness pass is proposed; the search goes on behind them."""
        ranking, began = Ranking(-1, 0, 1.0), time.monotonic()
        candidates, search = self._space.candidates, self._search
        rivals = Rivals(self._screener, self._space, search.settings["seed"])
        passing = [at for at in search.settings["earlier"] if at in candidates]
        if found:
            self._send_plausible(found[0])
            found += self._rivals(found[0]) if "rivals" not in search.settings["without"] else []
            passing = found + passing
            ranking = rivals.ranked(passing)
            if ranking.best != found[0]:
                self._send_plausible(ranking.best)
                index = found[0]
        elif doubted or passing:
            passing = doubted + passing
            ranking = rivals.ranked(passing)
            self._send_plausible(ranking.best)
        search.reporter.send(
            "end",
            next_index=index,
            tried=len(self._taken),
            trying=sum(self._taken),
            outcomes=dict(self._outcomes),
            templates=self._templates,
            keys={at: key for at, key in self._space.keys.items() if self._start <= at < index},
            moved=self._moved,
            passing=passing,
            clusters=ranking.clusters,
            heals=ranking.heals,
            share=ranking.share,
            rival_mass=sum(candidates[each].mass for each in found if each >= index),
            rival_seconds=time.monotonic() - began,
        )

    def _changing_nothing(self) -> frozenset[int]:
        """Those of the candidates that change nothing a failing test computes."""
        settings, candidates = self._search.settings, self._space.candidates
        if self._screener is None or "pruning" in settings["without"] or settings["hangs"]:
            return frozenset()
        wanted = [(at, candidates[at]) for at in range(self._start, self._last) if at in candidates]
        asked = probes(wanted, self._space.sources, self._search.tree.root)
        if sum(len(probe[-1]) for probe in asked) < LEAST_PROBED:
            return frozenset()
        return self._screener.changing_nothing(asked)

    def _outcome(self, index: int) -> str:
        """What becomes of the candidate, in a word (see `SearchResult.outcomes`)."""
        if index in self._same:
            return "same"
        stale = self._search.stale(index)
        if stale is not None:
            return stale
        if index not in self._ahead:
            self._ahead = self._told_ahead(index)
        found = self._ahead.get(index) or self._search.screened(index)
        if found.verdict == "timeout":
            found = self._second_look(index) or found
        if found.moved:
            self._moved.append(index)
        if found.broke:
            return "broke"
        if found.unconfirmed:
            return "unconfirmed"
        return "died" if found.verdict == "unsafe" else found.verdict

    def _second_look(self, index: int) -> Screened | None:
        """The candidate once more, with all the time that a test may take, while there is patience left."""
        began = time.monotonic()
        screener = self._screener
        if screener is None or screener.brief == screener.limits:
            return None
        if self._patient_seconds > PATIENCE * (began - self._began):
            return None
        found = self._search.screened(index, patient=True)
        self._patient_seconds += time.monotonic() - began
        return found

    def _told_ahead(self, index: int) -> dict[int, Screened]:
        """What can be said at once of this candidate and those that come next."""
        wanted: list[int] = []
        while len(wanted) < LANES and index < self._last and index in self._space.candidates:
            if index not in self._same and self._search.stale(index) is None:
                wanted.append(index)
            index += 1
        return self._screener.ahead(wanted) if self._screener is not None else {}

    def _rivals(self, first: int) -> list[int]:
        """Further candidates that pass, from the next one on, for a short while."""
        found: list[int] = []
        finish_by = time.monotonic() + min(RIVAL_SECONDS, self._search.seconds_left() - RESERVE_SECONDS)
        least, index = RIVAL_SHARE * self._space.candidates[first].mass, first + 1
        while index in self._space.candidates and time.monotonic() < finish_by:
            if self._space.candidates[index].mass < least:
                break
            outcome = self._outcome(index)
            if outcome == "late":
                break
            self._count(index, outcome, 0.0)
            if outcome == "passed":
                found.append(index)
            index += 1
        return found

    def _doubted(self, index: int) -> bool:
        """Whether there are witnesses, and the candidate makes none of them pass."""
        screener = self._screener
        return screener is not None and screener.has_witnesses and not screener.heals(index)

    def _count(self, index: int, outcome: str, mass: float) -> None:
        """Count a candidate, also for its template if it was run. mass: 0 where the search comes by again."""
        self._outcomes[outcome] += 1
        if outcome not in STALE:
            row = self._templates.setdefault(self._space.candidates[index].template, [0, 0, 0.0])
            row[0] += 1
            row[1] += outcome == "passed"
            row[2] += mass

    def _send_plausible(self, index: int) -> None:
        candidate = self._space.candidates[index]
        source = self._space.sources[candidate.path]
        self._search.reporter.send(
            "plausible",
            index=index,
            path=candidate.path,
            content=base64.b64encode(self._space.patched(candidate)).decode(),
            template=candidate.template,
            line=candidate.line,
            description=describe(source, candidate),
        )


def describe(source: Source, candidate: Candidate) -> str:
    """The edited lines, before and after, bounded."""
    first = source.data.rfind(b"\n", 0, candidate.start) + 1
    last = source.data.find(b"\n", candidate.end)
    last = len(source.data) if last < 0 else last
    before = source.data[first:last]
    after = source.data[first : candidate.start] + candidate.replacement + source.data[candidate.end : last]
    old, new = before.split(b"\n"), after.split(b"\n")
    if len(old) == len(new):  # of two edits, not what is between them
        kept = [(one, other) for one, other in zip(old, new) if one != other]  # noqa: B905 (Python 3.9)
    else:
        kept = [(before, after)]
    texts = ["; ".join(_text(part[side]) for part in kept)[:200] for side in (0, 1)]
    return f"{texts[0]} -> {texts[1]}" if texts[0] != texts[1] else f"{texts[0]} -> at another indentation"


def _text(code: bytes) -> str:
    lines = code.decode("utf-8", "replace").strip().splitlines()
    return " ⏎ ".join(line.strip() for line in lines)
