"""Searches a space of candidates for one that makes the failing tests pass.

Settings (JSON on stdin): `action`, `root`, `paths` (files that may be edited, relative), `targets` (test
ids), `command` (argv instead of ids, or []), `affected` (ids that passed before and must still pass),
`scores` ([path, line, score] rows, or null), `hangs` (a target is known to hang), `seed`, `priors`
({template: factor}), `without` (see `Tuning`; "pruning": candidates that change nothing are run all the
same), `timeout` (seconds per test), `memory_bytes`, `seconds` (wall time in all), `share` (what the masses of
the candidates that are made sum to). The host keeps the candidates meanwhile:

- `prepare`: enumerates, and begins to `advance`. Reports `rows` {rows} (see `space.Row`), what `advance`
  does, and `space` {count, seconds_per_candidate, passes}.
- `pair`: makes pairs of the `singles` ({index: row}), given those that moved the failure (`firsts`). Reports
  `rows` and `space` {count}.
- `advance`: tries `rows` ({index: row}) from index `start` on, at most `max_candidates`, but those in
  `proposed`; `keys` ({index: key}) of earlier ones. Reports `progress` {index, tried, seconds}, `plausible`
  {index, path, content, template, line, description, mass} (the last one counts), `end` {next_index, tried,
  mass_tried, seconds, trying, outcomes, templates, keys, moved, plausible, clusters, share, rival_mass,
  rival_seconds}.
"""

from __future__ import annotations

import base64
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import Any

from .candidates import Candidate
from .children import run_in_child
from .given import scratch_folder
from .nest import Limits
from .pairs import pairs
from .probes import probes
from .rivals import Ranking, Rivals
from .screener import BASE, LANES, Screener
from .source import Source
from .space import candidate_of, load_project, load_space, scaled, send_rows
from .tree import Edits, Tree, Unwatchable, places_of
from .wire import Reporter

MEASURING_SECONDS = 2.0
"""To see the pace: what is tried meanwhile need not be tried again."""

PROGRESS_SECONDS = 0.5
# A test that hung says nothing of how long it takes when it is right; nearly always that is well below this.
HANGING_CPU_SECONDS = 0.5
LEAST_CPU_SECONDS = 0.3
LEAST_LIMIT = 2.0
"""Limits per test are never less, however fast the tests are."""

COLLECT_SECONDS = 30.0
RESERVE_SECONDS = 1.0
RIVAL_SECONDS = 2.0
RIVAL_SHARE = 0.1
"""Once one passes, the search goes on for so long, among candidates of at least this part of its mass."""

INTERNAL_ERROR = 3  # pytest's exit code
STALE = ("invalid", "duplicate", "proposed", "same")
LEAST_PROBED = 5
"""It takes a run of the failing tests to see which candidates change nothing."""


class Search:
    """A prepared search: the space, the warmed process, and the way candidates are run."""

    def __init__(self, settings: dict[str, Any], reporter: Reporter, tree: Tree, scratch: str) -> None:
        self.started = time.monotonic()
        self.settings, self.reporter, self.tree = settings, reporter, tree
        self.space = load_space(settings, tree.root)
        if settings["action"] == "prepare":
            send_rows(reporter, self.space.candidates)
        self.passes = False
        self.moved: list[int] = []
        self.templates: dict[str, list[float]] = {}
        self.screener: Screener | None = None
        if settings["command"]:
            self.passes = self._command() == "passed"
        else:
            self.screener = self._warmed(scratch)

    def _warmed(self, scratch: str) -> Screener:
        """A screener that has seen the targets on the original code, with the time they need as its limit."""
        settings = self.settings
        limit: float = settings["timeout"]
        limits = Limits(limit, COLLECT_SECONDS, HANGING_CPU_SECONDS if settings["hangs"] else 0.0)
        screener = Screener(
            self.tree,
            scratch,
            settings["targets"],
            settings["affected"],
            limits,
            settings["memory_bytes"],
            self.edits,
            {path: source.data for path, source in self.space.sources.items()},
            self.started + settings["seconds"],
        )
        seen, _ = screener.baseline(None)
        tests = seen.get("tests") or {}
        if seen.get("status") == INTERNAL_ERROR and not tests:
            raise RuntimeError("pytest itself fails in this environment, before any test")
        self.passes = seen["verdict"] == "passed"
        longest = max((each["seconds"] for each in tests.values()), default=limit)
        if limits.cpu or longest >= limit:
            screener.limits = replace(limits, cpu=min(HANGING_CPU_SECONDS, limit))
        else:
            # Tests that pass take up to a fifth of the limit; most that do not end are busy, not waiting.
            usual = limit / 5 if limit > LEAST_LIMIT else 0.0
            busy = max(LEAST_CPU_SECONDS, usual, 5 * longest + LEAST_CPU_SECONDS)
            patience = max(1.0, 5 * longest + 1)
            screener.limits = replace(limits, test=min(limit, patience), cpu=min(limit, busy))
        screener.warm_up()
        return screener

    def edits(self, index: int) -> Edits:
        candidate = self.space.candidates[index]
        return {candidate.path: self.space.patched(candidate)}

    def prepare(self) -> None:
        """Report how large the space is and what a trial costs, as seen by beginning with the search."""
        pace = 0.0 if self.passes else self.advance(MEASURING_SECONDS)
        count = len(self.space.candidates)
        self.reporter.send("space", count=count, seconds_per_candidate=pace, passes=self.passes)

    def advance(self, seconds: float = math.inf) -> float:
        """Try candidates from `start` until one is plausible, time is up, or the rows end; then propose the
        most likely one among it and its rivals. The search can go on at the first that was not proposed.

        Returns seconds per candidate, without the slowest quarter: a failure of a new kind is confirmed from
        disk, and most that follow in a search are of kinds known by then.
        """
        candidates = self.space.candidates
        outcomes: Counter[str] = Counter()
        index, mass, reported = self.settings["start"], 0.0, 0.0
        found: list[int] = []
        last = index + self.settings["max_candidates"]
        same = self._same(range(index, last))
        finish_by = time.monotonic() + min(seconds, self._seconds_left() - RESERVE_SECONDS)
        taken: list[float] = []
        told: dict[int, str] = {}
        while index < last and index in candidates and time.monotonic() < finish_by:
            began = time.monotonic()
            if index not in told and index not in same and self._stale(index) is None:
                told = self._told_ahead(index, last, same)
            outcome = "same" if index in same else told.get(index) or self._outcome(index)
            if outcome == "late":
                break
            outcomes[outcome] += 1
            if outcome not in STALE:
                taken.append(time.monotonic() - began)
            mass += candidates[index].mass
            self._count(index, outcome, candidates[index].mass)
            index += 1
            if outcome == "passed":
                found = [index - 1]
                break
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self.reporter.send("progress", index=index, tried=len(taken), seconds=reported - self.started)
        ranking, began = Ranking(-1, 0, 1.0), time.monotonic()
        if found:
            self._send_plausible(found[0])
            found += self._rivals(found[0], outcomes)
            ranking = Rivals(self.screener, self.space, self.settings["seed"]).ranked(found)
            if ranking.best != found[0]:
                self._send_plausible(ranking.best)
                index = found[0]
        self.reporter.send(
            "end",
            next_index=index,
            tried=len(taken),
            mass_tried=mass,
            seconds=time.monotonic() - self.started,
            trying=sum(taken),
            outcomes=dict(outcomes),
            templates=self.templates,
            keys={at: key for at, key in self.space.keys.items() if self.settings["start"] <= at < index},
            moved=self.moved,
            plausible=len(found),
            clusters=ranking.clusters,
            share=ranking.share,
            rival_mass=sum(candidates[each].mass for each in found if each >= index),
            rival_seconds=time.monotonic() - began,
        )
        usual = sorted(taken)[: max(1, 3 * len(taken) // 4)]
        return sum(usual) / max(1, len(usual))

    def _same(self, indices: range) -> frozenset[int]:
        """Those of the candidates that change nothing a failing test computes."""
        if self.screener is None or "pruning" in self.settings["without"] or self.settings["hangs"]:
            return frozenset()
        wanted = [
            (index, self.space.candidates[index]) for index in indices if index in self.space.candidates
        ]
        asked = probes(wanted, self.space.sources, self.tree.root)
        if sum(len(probe[-1]) for probe in asked) < LEAST_PROBED:
            return frozenset()
        answer = self.screener.ask(BASE, {"values": asked})
        found = answer.get("same")
        return frozenset(found if isinstance(found, list) else ())

    def _rivals(self, first: int, outcomes: Counter[str]) -> list[int]:
        """Further candidates that pass, from the next one on, for a short while. Counts their outcomes."""
        found: list[int] = []
        finish_by = time.monotonic() + min(RIVAL_SECONDS, self._seconds_left() - RESERVE_SECONDS)
        least, index = RIVAL_SHARE * self.space.candidates[first].mass, first + 1
        while index in self.space.candidates and time.monotonic() < finish_by:
            if self.space.candidates[index].mass < least:
                break
            outcome = self._outcome(index)
            if outcome == "late":
                break
            outcomes[outcome] += 1
            self._count(index, outcome, 0.0)
            if outcome == "passed":
                found.append(index)
            index += 1
        return found

    def _count(self, index: int, outcome: str, mass: float) -> None:
        """Count a candidate that was run for its template. mass: 0 where the search comes by once more."""
        if outcome not in STALE:
            row = self.templates.setdefault(self.space.candidates[index].template, [0, 0, 0.0])
            row[0] += 1
            row[1] += outcome == "passed"
            row[2] += mass

    def _told_ahead(self, first: int, last: int, same: frozenset[int]) -> dict[int, str]:
        """Verdicts on this candidate and those that come next, as far as they can be had at once."""
        wanted: list[int] = []
        while len(wanted) < LANES and first < last and first in self.space.candidates:
            if first not in same and self._stale(first) is None:
                wanted.append(first)
            first += 1
        found = self.screener.ahead(wanted) if self.screener is not None else {}
        self.moved += sorted(index for index, seen in found.items() if seen.moved)
        return {index: seen.verdict for index, seen in found.items()}

    def _outcome(self, index: int) -> str:
        """A verdict, or why there is none."""
        return self._stale(index) or self.verdict(index)

    def _stale(self, index: int) -> str | None:
        return "proposed" if index in self.settings["proposed"] else self.space.stale(index)

    def _seconds_left(self) -> float:
        return float(self.settings["seconds"]) - (time.monotonic() - self.started)

    def verdict(self, index: int) -> str:
        """What becomes of the candidate, in a word (see `SearchResult.outcomes`)."""
        if self.screener is None:
            with self.tree.holding(self.edits(index)):
                return self._command()
        found = self.screener.screen(index)
        if found.moved:
            self.moved.append(index)
        if found.broke:
            return "broke"
        if found.unconfirmed:
            return "unconfirmed"
        return "died" if found.verdict == "unsafe" else found.verdict

    def _command(self) -> str:
        def work() -> dict[str, Any]:
            done = subprocess.run(self.settings["command"], cwd=self.tree.root, check=False)
            return {"passed": done.returncode == 0}

        result = run_in_child(work, self.settings["timeout"], self.settings["memory_bytes"])
        self.tree.clean()
        if result.ended != "answered":
            return result.ended
        return "passed" if result.answer["passed"] is True else "failed"

    def _send_plausible(self, index: int) -> None:
        candidate = self.space.candidates[index]
        source = self.space.sources[candidate.path]
        self.reporter.send(
            "plausible",
            index=index,
            path=candidate.path,
            content=base64.b64encode(self.space.patched(candidate)).decode(),
            template=candidate.template,
            line=candidate.line,
            mass=candidate.mass,
            description=describe(source, candidate),
        )

    def close(self) -> None:
        if self.screener is not None:
            self.screener.close()


def describe(source: Source, candidate: Candidate) -> str:
    """The edited lines, before and after, bounded."""
    first = source.data.rfind(b"\n", 0, candidate.start) + 1
    last = source.data.find(b"\n", candidate.end)
    last = len(source.data) if last < 0 else last
    before = source.data[first:last]
    after = source.data[first : candidate.start] + candidate.replacement + source.data[candidate.end : last]
    texts = [text.decode("utf-8", "replace").strip()[:200] for text in (before, after)]
    return f"{texts[0]} -> {texts[1]}"


def pair(settings: dict[str, Any], reporter: Reporter, root: str) -> None:
    """Report pairs of the single edits."""
    singles = {int(index): candidate_of(row) for index, row in settings["singles"].items()}
    contents = {each.path: each.data for each in load_project(settings, root).sources}
    made = pairs(singles, settings["firsts"], contents, settings["seed"])
    send_rows(reporter, {at: scaled(each, settings["share"]) for at, each in enumerate(made)})
    reporter.send("space", count=len(made))


def main(settings: dict[str, Any]) -> int:
    """Run one action and report; a TERM signal still puts the file under trial back. Returns 1 when tests
    changed files of the tree, so that it must be put back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reporter = Reporter()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    root = os.path.realpath(settings["root"])
    if settings["action"] == "pair":
        pair(settings, reporter, root)
        return 0
    with scratch_folder() as scratch:
        try:
            tree = Tree(root, places_of(root), f"{scratch}/hidden")
        except Unwatchable:
            tree = Tree(root, [], f"{scratch}/hidden")
        search = Search(settings, reporter, tree, scratch)
        try:
            if settings["action"] == "prepare":
                search.prepare()
            else:
                search.advance()
        finally:
            search.close()
    return int(tree.spoiled)
