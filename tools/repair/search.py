"""The embedded repair tier as the loop sees it: a space of candidate patches, tried in slices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from sandboxes.interface import INSIDE, RunRequest, RunResult, Runtime
from tools.inside_files import inside_files
from tools.repair.localise import Localisation
from tools.repair.reports import Event, EventReader, events
from tools.repair.results import SearchResult, SearchSpace, failure, result_of

MOST_ROWS = 40_000
MOST_KEY = 64
MOST_DIGITS = 9
FIRST_TRIED = 2_000
"""At most so many candidates are tried to see the pace."""

SPARE = 300
"""Candidates after those to try that are shown too, to look for rivals among."""

SINGLE_SHARE = 0.95
"""Of repairs that one or two edits can express, those that one can. A judgement."""

PARTS = ("ranking", "pruning", "rivals", "witnesses")
PAIR = "pair"
"""What takes the place of a pair's template."""

Row = list[Any]
"""A candidate as the search inside reports it and takes it back, with its mass at the end."""

PREPARE_SECONDS = 180.0
LEAST_SECONDS = 1.0
"""Less is no time for a candidate."""


class RepairSearch:
    """Candidate patches for failing tests, in an order that depends only on the code, the localisation and
    the seed, so a search can go on in another sandbox with the same tree. They are enumerated once, and kept
    here between calls; so is what earlier calls found of them.

    `paths`: the files that may be edited, relative to `repo`; no other file ever is. `targets`: test ids that
    must pass; or `command`: an argv whose exit code 0 means pass. `affected`: ids that passed before and
    must still pass; `witnesses`: ids that fail as well, for the same cause as it seems. `timeout`: seconds
    per test phase (of the whole run for a command). `memory_bytes` bounds each candidate's process.
    `pristine`: a checkpoint of `repo` to go back to. `env`: more environment variables for the tests.
    `priors`: factors on the priors of templates, by name. `without`: families of templates, or parts of the
    search (PARTS), that are left out, to measure what they are worth.
    """

    def __init__(
        self,
        runtime: Runtime,
        python: str,
        repo: str,
        paths: Sequence[str],
        targets: Sequence[str] = (),
        *,
        command: Sequence[str] = (),
        affected: Sequence[str] = (),
        witnesses: Sequence[str] = (),
        localisation: Localisation | None = None,
        timeout: float = 10.0,
        memory_bytes: int = 2**30,
        seed: int = 0,
        pristine: str = "",
        env: Mapping[str, str] | None = None,
        priors: Mapping[str, float] | None = None,
        without: Collection[str] = (),
    ) -> None:
        if bool(targets) == bool(command):
            raise ValueError("give either target tests or a command")
        self._runtime, self._python, self._repo = runtime, python, repo
        self._pristine = pristine or runtime.checkpoint(repo)
        self._paths = frozenset(paths)
        self._env = {**(env or {}), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        scores = [[line.path, line.line, line.score] for line in localisation.lines] if localisation else None
        self._settings: dict[str, object] = {
            "root": repo,
            "paths": sorted(self._paths),
            "targets": list(targets),
            "command": list(command),
            "affected": list(affected),
            "witnesses": [] if "witnesses" in without else list(witnesses),
            "scores": scores or None,
            "hangs": localisation is not None and localisation.hangs,
            "seed": seed,
            "priors": dict(priors or {}),
            "without": sorted(without),
            "timeout": timeout,
            "memory_bytes": memory_bytes,
        }
        pairs = (1 - SINGLE_SHARE) * (priors or {}).get(PAIR, 1.0)
        self._single_share = SINGLE_SHARE / (SINGLE_SHARE + pairs)
        self._rows: list[Row] = []
        self._singles = 0
        self._keys: dict[int, str | None] = {}
        self._space: SearchSpace | None = None
        self._begun: SearchResult | None = None
        runtime.install_inside(inside_files())

    def prepare(self, seconds: float = PREPARE_SECONDS) -> SearchSpace:
        """Enumerate, and begin with the search to see its pace, within `seconds`. The first `advance` from
        the start returns what was found meanwhile. Raises RepairError, SandboxError."""
        limit = min(seconds, PREPARE_SECONDS)
        shown = range(FIRST_TRIED)
        settings = {
            "action": "prepare",
            "share": self._single_share,
            "seconds": limit,
            "start": 0,
            "max_candidates": len(shown),
            "proposed": [],
            "earlier": [],
        }
        self._rows = []
        result = self._run(settings, limit, None)
        end = self._keep_rows(result)
        if end is None and result.timed_out and self._rows:
            end = Event("space", {})
        if end is None:
            raise failure(result)
        self._singles = len(self._rows)
        # Where not even a look at the original code fitted in, a trial takes longer than all that.
        pace, passes = end.number("seconds_per_candidate") or result.seconds, end.truth("passes")
        self._space = SearchSpace(self._singles, self._masses(), pace, passes)
        self._begun = None if passes else self._result(result, self._space, shown)
        if self._begun is not None:
            spent = self._begun.trying + self._begun.rival_seconds  # the rest was spent on preparing
            self._begun = replace(self._begun, seconds=spent)
        return self._space

    @property
    def paired(self) -> bool:
        """Whether every single edit was tried, and pairs of them are next."""
        return len(self._rows) > self._singles

    @property
    def found(self) -> bool:
        """Whether the next `advance` from the start has a plausible candidate already."""
        return self._begun is not None and self._begun.plausible is not None

    def add_pairs(self, moved: Sequence[int], seconds: float = PREPARE_SECONDS) -> SearchSpace:
        """Add pairs of single edits to the end of the space, once: each that `moved` the failure, and some of
        the likeliest, with those that are likeliest. Raises RepairError, SandboxError."""
        space = self._space or self.prepare(seconds)
        if space.count > self._singles:
            return space
        singles = dict(enumerate(self._rows))
        share = 1 - self._single_share
        settings = {"action": "pair", "share": share, "singles": singles, "moved": list(moved)}
        result = self._run(settings, seconds, None)
        if self._keep_rows(result) is None:
            raise failure(result)
        self._space = replace(space, count=len(self._rows), masses=self._masses())
        return self._space

    def _keep_rows(self, result: RunResult) -> Event | None:
        """Keep the candidates that an action reported; its last event, None when it did not get that far."""
        for event in events(result.report):
            if event.kind == "rows":
                rows = event.fields.get("rows")
                kept = [row for row in rows if self._usable(row)] if isinstance(rows, list) else []
                self._rows += kept[: MOST_ROWS - len(self._rows)]
            elif event.kind == "space":
                return event
        return None

    def _usable(self, row: object) -> bool:
        """Whether it is a candidate for a file that may be edited. What it writes is seen when it passes."""
        match row:
            case [str(path), int(), int(), str(), str(), int(), float(mass)]:
                return path in self._paths and 0 <= mass <= 1
        return False

    def _masses(self) -> tuple[float, ...]:
        """Of the first n candidates."""
        return tuple(min(1.0, mass) for mass in accumulate((row[-1] for row in self._rows), initial=0.0))

    def advance(
        self,
        start: int,
        seconds: float,
        max_candidates: int,
        on_progress: Callable[[int, int], None] | None = None,
        proposed: Sequence[int] = (),
        earlier: Sequence[int] = (),
    ) -> SearchResult:
        """Try candidates from index `start` on until one is plausible, at most `max_candidates` of them; then
        look for rivals for a short while. At most `seconds` of wall time, never more. Candidates in
        `proposed` are left out, and so are those that were found to pass `earlier`: these are compared with
        what is found, and the likeliest of all is plausible. `on_progress(next index, tried)`.

        The tree is afterwards as it was before. Raises RepairError, SandboxError.
        """
        began = time.monotonic()
        space = self._space or self.prepare(seconds)
        begun, self._begun = self._begun, None
        fresh = not proposed and not earlier
        if begun is not None and start == 0 and begun.next_index <= max_candidates and fresh:
            rest = max_candidates - begun.next_index
            if begun.plausible is not None or begun.exhausted or not rest:
                return begun
            left = seconds - (time.monotonic() - began)
            return self.advance(begun.next_index, left, rest, on_progress).after(begun)
        left = seconds - (time.monotonic() - began)
        if left < LEAST_SECONDS:
            return SearchResult(start, 0, None, exhausted=False, mass_tried=0.0, seconds=0.0)
        shown = range(start, min(space.count, start + max_candidates + SPARE))
        settings = {
            "action": "advance",
            "start": start,
            "seconds": left,
            "max_candidates": max_candidates,
            "proposed": [*proposed, *earlier],
            "earlier": list(earlier),
            "rows": {index: self._rows[index] for index in (*shown, *earlier)},
            "keys": {index: key for index, key in self._keys.items() if index < start},
        }
        return self._result(self._run(settings, left, _progress(on_progress)), space, shown)

    def _result(self, result: RunResult, space: SearchSpace, shown: range) -> SearchResult:
        """What a run found of the candidates `shown`; what tells them from later ones is kept."""
        end = next((event for event in events(result.report) if event.kind == "end"), Event("", {}))
        keys = end.fields.get("keys")
        for name, key in keys.items() if isinstance(keys, dict) else ():
            index = int(name) if name.isascii() and name.isdigit() and len(name) <= MOST_DIGITS else -1
            if index in shown and (key is None or (isinstance(key, str) and len(key) <= MOST_KEY)):
                self._keys[index] = key
        return result_of(result, space, shown.start, self._singles, self._paths)

    def _run(
        self, settings: Mapping[str, object], seconds: float, on_report: Callable[[bytes], None] | None
    ) -> RunResult:
        request = RunRequest(
            argv=(self._python, f"{INSIDE}/repair/start.py", "search"),
            timeout=seconds,
            cwd=self._repo,
            stdin=json.dumps({**self._settings, **settings}).encode(),
            report=True,
            env=self._env,
        )
        result = self._runtime.run(request, on_report=on_report)
        if result.exit_code != 0:
            self._runtime.restore(self._pristine)
        return result


def _progress(on_progress: Callable[[int, int], None] | None) -> Callable[[bytes], None] | None:
    if on_progress is None:
        return None

    def see(event: Event) -> None:
        if event.kind == "progress":
            on_progress(event.integer("index"), event.integer("tried"))

    return EventReader(see).feed
