"""Searches a space of candidates for one that makes the failing tests pass.

Settings (JSON on stdin): `action` ("prepare" or "advance"), `root`, `paths` (files that may be edited,
relative), `targets` (test ids), `command` (argv instead of ids, or []), `affected` (ids that passed before
and must still pass), `scores` ([path, line, score] rows, or null), `hangs` (a target is known to hang),
`seed`, `priors` ({template: factor}), `without` (see `Tuning`), `timeout` (seconds per test),
`memory_bytes`, `seconds` (wall time in all). For prepare also `slices`
(numbers of candidates); for advance `start` (index), `max_candidates`, `proposed` (indices to leave out).

Reports (JSON lines): prepare: `space` {count, masses, seconds_per_candidate, passes}. advance: `progress`
{index, tried, seconds}, `plausible` {index, path, content, template, line, description, mass} (the last one
counts), `end` {next_index, tried, mass_tried, exhausted, seconds, outcomes, plausible, clusters, share,
rival_mass, rival_seconds}.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from .candidates import Candidate, Space, Tuning
from .children import run_in_child
from .given import scratch_folder
from .nest import Limits
from .rivals import Ranking, Rivals
from .scope import Project
from .screener import Screener
from .source import Source
from .tree import Edits, Tree, Unwatchable, places_of
from .wire import Reporter

MEASURING_SECONDS = 3.0
"""For a look at the pace, each of two times, and the trial that is under way by then."""

PROGRESS_SECONDS = 0.5
# A test that hung says nothing of how long it takes when it is right; nearly always that is well below this.
HANGING_CPU_SECONDS = 0.5
COLLECT_SECONDS = 30.0
RESERVE_SECONDS = 1.0
RIVAL_SECONDS = 2.0
RIVAL_SHARE = 0.1
"""Once one passes, the search goes on for so long, among candidates of at least this part of its mass."""

INTERNAL_ERROR = 3  # pytest's exit code
STALE = ("invalid", "duplicate", "proposed")


def load_space(settings: dict[str, Any], root: str) -> Space:
    """The candidates for the settings. Files that cannot be read or parsed are left out."""
    project = Project()
    for path in settings["paths"]:
        full = Path(root, path)
        if full.is_symlink() or not os.path.realpath(full).startswith(root + os.sep):
            continue
        try:
            project.add(Source(path, full.read_bytes()))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    rows = settings["scores"]
    scores = None if rows is None else {(path, line): score for path, line, score in rows}
    tuning = Tuning(settings["priors"], frozenset(settings["without"]))
    return Space(project, scores, settings["seed"], tuning)


class Search:
    """A prepared search: the space, the warmed process, and the way candidates are run."""

    def __init__(self, settings: dict[str, Any], reporter: Reporter, tree: Tree, scratch: str) -> None:
        self.started = time.monotonic()
        self.settings, self.reporter, self.tree = settings, reporter, tree
        self.space = load_space(settings, tree.root)
        self.passes = False
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
            screener.limits = replace(limits, test=min(limit, max(1.0, 5 * longest + 1)))
        return screener

    def edits(self, index: int) -> Edits:
        candidate = self.space.candidates[index]
        return {candidate.path: self.space.patched(candidate)}

    def prepare(self) -> None:
        """Report how large the space is, how much chance its first slices hold, and the cost of a trial."""
        candidates = self.space.candidates
        masses = [sum(each.mass for each in candidates[:size]) for size in self.settings["slices"]]
        seconds = self._seconds_per_candidate()
        self.reporter.send(
            "space", count=len(candidates), masses=masses, seconds_per_candidate=seconds, passes=self.passes
        )

    def _seconds_per_candidate(self) -> float:
        """Mean over a few candidates from all over the space but the slowest, the second time they are tried.

        The first time each shows a failure of a new kind, which is confirmed from disk; most that follow in a
        search are of kinds known by then. One that hangs, or a busy moment, would say too much.
        """
        count = len(self.space.candidates)
        sample = sorted({position * count // 8 for position in range(8)}) if count else []
        sample = [index for index in sample if self.space.fresh(index) is None]
        taken: list[float] = []
        for _ in range(2):
            taken = []
            for index in sample:
                if sum(taken) > MEASURING_SECONDS:
                    break
                started = time.monotonic()
                self.verdict(index)
                taken.append(time.monotonic() - started)
        kept = sorted(taken)[:-1] or taken
        return sum(kept) / max(1, len(kept))

    def advance(self) -> None:
        """Try candidates from `start` until one is plausible, time is up, or the space ends; then propose the
        most likely one among it and its rivals. The search can go on at the first that was not proposed."""
        candidates = self.space.candidates
        outcomes: Counter[str] = Counter()
        index, tried, mass, reported = self.settings["start"], 0, 0.0, 0.0
        found: list[int] = []
        last = min(len(candidates), index + self.settings["max_candidates"])
        while index < last and self._seconds_left() > RESERVE_SECONDS:
            outcome = self._outcome(index)
            if outcome == "late":
                break
            outcomes[outcome] += 1
            tried += outcome not in STALE
            mass += candidates[index].mass
            index += 1
            if outcome == "passed":
                found = [index - 1]
                break
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self.reporter.send("progress", index=index, tried=tried, seconds=reported - self.started)
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
            tried=tried,
            mass_tried=mass,
            exhausted=index >= len(candidates) and not found,
            seconds=time.monotonic() - self.started,
            outcomes=dict(outcomes),
            plausible=len(found),
            clusters=ranking.clusters,
            share=ranking.share,
            rival_mass=sum(candidates[each].mass for each in found if each >= index),
            rival_seconds=time.monotonic() - began,
        )

    def _rivals(self, first: int, outcomes: Counter[str]) -> list[int]:
        """Further candidates that pass, from the next one on, for a short while. Counts their outcomes."""
        found: list[int] = []
        finish_by = time.monotonic() + min(RIVAL_SECONDS, self._seconds_left() - RESERVE_SECONDS)
        least = RIVAL_SHARE * self.space.candidates[first].mass
        for index in range(first + 1, len(self.space.candidates)):
            if time.monotonic() >= finish_by or self.space.candidates[index].mass < least:
                break
            outcome = self._outcome(index)
            if outcome == "late":
                break
            outcomes[outcome] += 1
            if outcome == "passed":
                found.append(index)
        return found

    def _outcome(self, index: int) -> str:
        """A verdict, or why there is none."""
        if index in self.settings["proposed"]:
            return "proposed"
        return self.space.fresh(index) or self.verdict(index)

    def _seconds_left(self) -> float:
        return float(self.settings["seconds"]) - (time.monotonic() - self.started)

    def verdict(self, index: int) -> str:
        """What becomes of the candidate, in a word (see `SearchResult.outcomes`)."""
        if self.screener is None:
            with self.tree.holding(self.edits(index)):
                return self._command()
        found = self.screener.screen(index)
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


def main(settings: dict[str, Any]) -> int:
    """Run one action and report; a TERM signal still puts the file under trial back. Returns 1 when tests
    changed files of the tree, so that it must be put back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reporter = Reporter()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    root = os.path.realpath(settings["root"])
    with scratch_folder() as scratch:
        try:
            tree = Tree(root, places_of(root), f"{scratch}/hidden")
        except Unwatchable:
            tree = Tree(root, [], f"{scratch}/hidden")
        search = Search(settings, reporter, tree, scratch)
        try:
            {"prepare": search.prepare, "advance": search.advance}[settings["action"]]()
        finally:
            search.close()
    return int(tree.spoiled)
