"""Searches a space of candidates for one that makes the failing tests pass.

Settings (JSON on stdin): `action`, `root`, `paths` (files that may be edited, relative), `targets` (test
ids), `command` (argv instead of ids, or []), `affected` (ids that passed before and must still pass),
`witnesses` (ids that fail as well, for the same cause as it seems),
`scores` ([path, line, score] rows, or null), `hangs` (a target is known to hang), `seed`, `priors`
({template: factor}), `without` (see `Tuning`; "pruning": candidates that change nothing are run all the
same; "rivals": the first that passes is proposed), `timeout` (seconds per test), `memory_bytes`, `seconds`
(wall time in all), `share` (what the masses of the candidates that are made sum to). The host keeps the
candidates meanwhile:

- `prepare`: enumerates, and begins to `advance`. Reports `rows` {rows} (see `space.Row`), what `advance`
  does, and `space` {count, seconds_per_candidate, passes}.
- `pair`: makes pairs of the `singles` ({index: row}), given those that moved the failure (`moved`). Reports
  `rows` and `space` {count}.
- `advance`: tries `rows` ({index: row}) from index `start` on, at most `max_candidates`, but those in
  `proposed`; what it finds is compared with those that were found to pass `earlier`. `keys` ({index: key}):
  of what was tried before. Reports `progress` {index, tried, seconds}, `plausible` {index, path, content,
  template, line, description} (the last one counts), `end` {next_index, tried, trying, outcomes, templates,
  keys, moved, passing, clusters, heals, share, rival_mass, rival_seconds}.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from .children import run_in_child
from .given import scratch_folder
from .nest import Limits
from .pairs import pairs
from .screener import Screened, Screener
from .slice import Slice
from .space import candidate_of, load_project, load_space, send_rows
from .tree import Edits, Tree, Unwatchable, places_of
from .wire import Reporter

MEASURING_SECONDS = 2.0
LEAST_MEASURED = 20
"""To see the pace: what is tried meanwhile need not be tried again. The first ones take the longest: where
only few were tried, it goes on for as long again."""

# A test that hung says nothing of how long it takes when it is right; nearly always that is well below this.
HANGING_CPU_SECONDS = 0.5
LEAST_CPU_SECONDS = 0.6
BRIEF_CPU_SECONDS = 0.2
"""For a first look at a candidate (and what the targets took so far, several times): most that take longer
never end, and a search in a loop meets many of those."""

LEAST_LIMIT = 2.0
"""Limits per test are never less, however fast the tests are."""

COLLECT_SECONDS = 30.0
LIKELY = 30
"""So many of the likeliest single edits are first halves of pairs, whatever became of them."""

INTERNAL_ERROR = 3  # pytest's exit code


class Search:
    """A prepared search: the space, the warmed process, and the way candidates are run."""

    def __init__(self, settings: dict[str, Any], reporter: Reporter, tree: Tree, scratch: str) -> None:
        self.started = time.monotonic()
        self.settings, self.reporter, self.tree = settings, reporter, tree
        self.space = load_space(settings, tree.root)
        if settings["action"] == "prepare":
            send_rows(reporter, self.space.candidates.values())
        self.passes = False
        self.first_seconds = 0.0  # what the targets took on the original code, imported afresh
        self.screener: Screener | None = None
        if settings["command"]:
            began = time.monotonic()
            self.passes = self._command() == "passed"
            self.first_seconds = time.monotonic() - began
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
            settings["witnesses"],
        )
        began = time.monotonic()
        seen, _ = screener.baseline(None)
        self.first_seconds = taken = time.monotonic() - began
        tests = seen.get("tests") or {}
        if seen.get("status") == INTERNAL_ERROR and not tests:
            raise RuntimeError("pytest itself fails in this environment, before any test")
        self.passes = seen["verdict"] == "passed"
        longest = max((each["seconds"] for each in tests.values()), default=limit)
        if screener.uncollected:
            screener.limits = replace(limits, collect=max(LEAST_LIMIT, 5 * taken))
            brief = limits.cpu
        elif limits.cpu or longest >= limit:
            screener.limits = replace(limits, cpu=min(HANGING_CPU_SECONDS, limit))
            brief = BRIEF_CPU_SECONDS
        else:
            # Tests that pass take up to a fifth of the limit; most that do not end are busy, not waiting.
            usual = limit / 5 if limit > LEAST_LIMIT else 0.0
            busy = max(LEAST_CPU_SECONDS, usual, 5 * longest + LEAST_CPU_SECONDS)
            patience = max(1.0, 5 * longest + 1)
            screener.limits = replace(limits, test=min(limit, patience), cpu=min(limit, busy))
            brief = 5 * longest + BRIEF_CPU_SECONDS
        screener.brief = replace(screener.limits, cpu=min(screener.limits.cpu, brief))
        screener.warm_up()
        return screener

    def edits(self, index: int) -> Edits:
        candidate = self.space.candidates[index]
        return {candidate.path: self.space.patched(candidate)}

    def prepare(self) -> None:
        """Report how large the space is and what a trial costs, as seen by beginning with the search. Where
        there was no time to begin, a trial takes no longer than the original code did."""
        pace = 0.0 if self.passes else Slice(self).tried(MEASURING_SECONDS, LEAST_MEASURED)
        if not (pace or self.passes):
            pace = self.first_seconds
        count = len(self.space.candidates)
        self.reporter.send("space", count=count, seconds_per_candidate=pace, passes=self.passes)

    def stale(self, index: int) -> str | None:
        """Why the candidate is not worth a run, or None."""
        return "proposed" if index in self.settings["proposed"] else self.space.stale(index)

    def screened(self, index: int, *, patient: bool = False) -> Screened:
        """What becomes of the candidate."""
        if self.screener is None:
            with self.tree.holding(self.edits(index)):
                return Screened(self._command())
        return self.screener.screen(index, patient=patient)

    def seconds_left(self) -> float:
        return float(self.settings["seconds"]) - (time.monotonic() - self.started)

    def _command(self) -> str:
        def work() -> dict[str, Any]:
            done = subprocess.run(self.settings["command"], cwd=self.tree.root, check=False)
            return {"passed": done.returncode == 0}

        result = run_in_child(work, self.settings["timeout"], self.settings["memory_bytes"])
        self.tree.clean()
        if result.ended != "answered":
            return result.ended
        return "passed" if result.answer["passed"] is True else "failed"

    def close(self) -> None:
        if self.screener is not None:
            self.screener.close()


def pair(settings: dict[str, Any], reporter: Reporter, root: str) -> None:
    """Report pairs of the single edits."""
    singles = {int(index): candidate_of(row) for index, row in settings["singles"].items()}
    contents = {each.path: each.data for each in load_project(settings, root).sources}
    made = pairs(singles, settings["moved"], contents, settings["seed"], LIKELY, settings["share"])
    send_rows(reporter, made)
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
                Slice(search).tried()
        finally:
            search.close()
    return int(tree.spoiled)
