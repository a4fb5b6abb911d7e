"""Searches a space of candidates for one that makes the failing tests pass.

Settings (JSON on stdin): `action` ("prepare" or "advance"), `root`, `paths` (files that may be edited,
relative), `targets` (test ids), `command` (argv instead of ids, or []), `affected` (ids that passed before
and must still pass), `scores` ([path, line, score] rows, or null), `hangs` (a target is known to hang),
`seed`, `timeout` (seconds per test phase), `memory_bytes`. For prepare also `slices` (numbers of
candidates); for advance `start` (index), `seconds`, `max_candidates`.

Reports (JSON lines): prepare: `space` {count, masses, seconds_per_candidate, passes}. advance: `progress`
{index, tried, seconds}, `plausible` {index, path, content, template, line, description, mass}, `end`
{next_index, tried, mass_tried, exhausted, seconds, outcomes}.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .candidates import Candidate, Space
from .hot import Hot
from .scope import Project
from .source import Source
from .trial import Trial, file_replaced, quiet_environment
from .warm import Warmth
from .wire import Reporter

PROGRESS_SECONDS = 0.5
# A test that hung says nothing of how long it takes when it is right; nearly always that is well below this.
HANGING_CPU_SECONDS = 0.5
RESERVE_SECONDS = 1.0
INTERNAL_ERROR = 3  # pytest's exit code


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
    return Space(project, scores, settings["seed"])


class Search:
    """A prepared search: the space, the warmed process, and the way candidates are run."""

    def __init__(self, settings: dict[str, Any], reporter: Reporter, scratch: str) -> None:
        self.started = time.monotonic()
        self.settings, self.reporter = settings, reporter
        self.root = os.path.realpath(settings["root"])
        self.targets: list[str] = settings["targets"]
        self.affected: list[str] = settings["affected"]
        self.space = load_space(settings, self.root)
        self.trial = Trial(self.root, settings["command"], settings["memory_bytes"], f"{scratch}/t")
        self.trial.seconds = settings["timeout"]
        self.hot: Hot | None = None
        self.passes = False
        self._warm()

    def _warm(self) -> None:
        if self.trial.command:
            self.passes = self.trial.verdict(self.trial.run([])) == "passed"
            return
        warmth = Warmth(self.root, self.trial.memory_bytes)
        hangs: bool = self.settings["hangs"]
        seen = warmth.probe(self.trial, self.targets, hangs)
        if seen.get("code") == INTERNAL_ERROR and not seen["outcomes"]:
            raise RuntimeError("pytest itself fails in this environment, before any test")
        self.passes = seen.get("passed") is True
        longest = max((seen.get("durations") or {"": self.trial.seconds}).values())
        if hangs or longest >= self.trial.seconds:
            self.trial.cpu_seconds = min(HANGING_CPU_SECONDS, self.trial.seconds)
        else:
            self.trial.seconds = min(self.trial.seconds, max(1.0, 5 * longest + 1))
        if warmth.warm and not warmth.spawns and not self.passes:
            self.hot = Hot(self.space, self.trial, self.targets)

    def prepare(self) -> None:
        """Report how large the space is, how much chance its first slices hold, and the cost of a trial."""
        candidates = self.space.candidates
        masses = [sum(each.mass for each in candidates[:size]) for size in self.settings["slices"]]
        seconds = self._seconds_per_candidate()
        self.reporter.send(
            "space", count=len(candidates), masses=masses, seconds_per_candidate=seconds, passes=self.passes
        )

    def _seconds_per_candidate(self) -> float:
        """Mean over a few candidates from all over the space."""
        count = len(self.space.candidates)
        sample = sorted({position * count // 8 for position in range(8)}) if count else []
        started = time.monotonic()
        for index in sample:
            if self.space.fresh(index) is None:
                self.verdict(index)
            if time.monotonic() - started > 5:
                break
        return (time.monotonic() - started) / max(1, len(sample))

    def advance(self) -> None:
        """Try candidates from `start` until one is plausible, time is up, or the space ends."""
        candidates = self.space.candidates
        outcomes: Counter[str] = Counter()
        index, tried, mass, reported = self.settings["start"], 0, 0.0, 0.0
        last = min(len(candidates), index + self.settings["max_candidates"])
        while index < last and self._seconds_left() > RESERVE_SECONDS:
            stale = self.space.fresh(index)
            outcome = stale or self.verdict(index)
            outcomes[outcome] += 1
            tried += stale is None
            mass += candidates[index].mass
            index += 1
            if outcome == "passed":
                self._send_plausible(index - 1, candidates[index - 1])
                break
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self.reporter.send("progress", index=index, tried=tried, seconds=reported - self.started)
        self.reporter.send(
            "end",
            next_index=index,
            tried=tried,
            mass_tried=mass,
            exhausted=index >= len(candidates) and not outcomes["passed"],
            seconds=time.monotonic() - self.started,
            outcomes=dict(outcomes),
        )

    def _seconds_left(self) -> float:
        return float(self.settings["seconds"]) - (time.monotonic() - self.started)

    def verdict(self, index: int) -> str:
        """Screen in the nest where possible; whatever passes there, or does not fit, runs from disk."""
        candidate = self.space.candidates[index]
        hint = self.hot.run(index) if self.hot else "unfit"
        if hint not in ("passed", "unfit"):
            return hint
        with file_replaced(Path(self.root, candidate.path), self.space.patched(candidate)):
            verdict = self.trial.verdict(self.trial.run(self.targets))
            if verdict != "passed":
                return "unconfirmed" if hint == "passed" else verdict
            if self.affected and self.trial.verdict(self.trial.run(self.affected)) != "passed":
                return "broke"
        return "passed"

    def _send_plausible(self, index: int, candidate: Candidate) -> None:
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
        if self.hot:
            self.hot.close()


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
    """Run one action and report; a TERM signal still puts the file under trial back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reporter = Reporter()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    quiet_environment()
    scratch = tempfile.mkdtemp(prefix="agent-screen-")
    search = Search(settings, reporter, scratch)
    try:
        {"prepare": search.prepare, "advance": search.advance}[settings["action"]]()
    finally:
        search.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0
