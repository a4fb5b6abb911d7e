"""The embedded repair tier as the loop sees it: a space of candidate patches, tried in slices."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sandboxes.interface import INSIDE, RunRequest, RunResult, Runtime
from tools.endings import exit_words, shortage
from tools.inside_files import inside_files
from tools.repair.localise import Localisation
from tools.repair.reports import Event, EventReader, RepairError, events

MAX_CONTENT = 4_000_000
PREPARE_SECONDS = 180.0


@dataclass(frozen=True)
class SearchSpace:
    """How many candidates there are; for each slice size asked about, the chance in [0, 1] that a repair
    which the templates can express lies in it; expected seconds per candidate.

    `already_passes`: the targets pass on the code as it is, so that there is nothing to search for.
    """

    count: int
    masses: tuple[float, ...]
    seconds_per_candidate: float
    already_passes: bool


@dataclass(frozen=True)
class Proposal:
    """A patch that makes the targets pass: the new content of one file."""

    path: str
    content: bytes
    template: str
    line: int
    description: str
    index: int
    mass: float


@dataclass(frozen=True)
class SearchResult:
    """What one slice of the search did.

    next_index: where to go on. tried: candidates that were run, up to the first that passed. mass_tried:
    chance covered by this slice.
    outcomes: how many ended as failed, timeout, died, broke (a test that passed before fails), invalid,
    duplicate, unconfirmed (passed only without a fresh import), proposed (before), passed. exhausted: no
    candidate is left.

    found: how many passed, of how many behaviours (clusters). share in (0, 1]: P(the proposed one is right |
    one of those found is). rival_mass: chance covered by those found at or after next_index. rival_seconds:
    what was spent after the first one passed. When another than the first is proposed, next_index is that of
    the first, which so is not lost.
    """

    next_index: int
    tried: int
    plausible: Proposal | None
    exhausted: bool
    mass_tried: float
    seconds: float
    outcomes: Mapping[str, int] = field(default_factory=dict)
    found: int = 0
    clusters: int = 0
    share: float = 1.0
    rival_mass: float = 0.0
    rival_seconds: float = 0.0


class RepairSearch:
    """Candidate patches for failing tests, in an order that depends only on the code, the localisation and
    the seed. Nothing is kept between calls, so a search can go on in another sandbox with the same tree.

    `paths`: the files that may be edited, relative to `repo`; no other file ever is. `targets`: test ids that
    must pass; or `command`: an argv whose exit code 0 means pass. `affected`: ids that passed before and
    must still pass. `timeout`: seconds per test phase (of the whole run for a command). `memory_bytes`
    bounds each candidate's process. `pristine`: a checkpoint of `repo` to go back to. `env`: more environment
    variables for the tests. `priors`: factors on the priors of templates, by name. `without`: families of
    templates, or parts of the search ("ranking"), that are left out, to measure what they are worth.
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
            "scores": scores or None,
            "hangs": localisation is not None and localisation.hangs,
            "seed": seed,
            "priors": dict(priors or {}),
            "without": sorted(without),
            "timeout": timeout,
            "memory_bytes": memory_bytes,
        }
        runtime.install_inside(inside_files())

    def prepare(
        self, slices: Sequence[int] = (50, 200, 1000), seconds: float = PREPARE_SECONDS
    ) -> SearchSpace:
        """Enumerate, and time a few candidates, within `seconds`. Raises RepairError, SandboxError."""
        limit = min(seconds, PREPARE_SECONDS)
        settings = {"action": "prepare", "slices": list(slices), "seconds": limit}
        result = self._run(settings, limit, None)
        for event in events(result.report):
            if event.kind == "space":
                masses = tuple(min(1.0, mass) for mass in event.numbers("masses")[: len(slices)])
                seconds = event.number("seconds_per_candidate")
                return SearchSpace(event.integer("count"), masses, seconds, event.truth("passes"))
        raise _failure(result)

    def advance(
        self,
        start: int,
        seconds: float,
        max_candidates: int,
        on_progress: Callable[[int, int], None] | None = None,
        proposed: Sequence[int] = (),
    ) -> SearchResult:
        """Try candidates from index `start` on until one is plausible, at most `max_candidates` of them; then
        look for rivals for a short while. At most `seconds` of wall time, never more. Candidates in
        `proposed` are left out. `on_progress(next index, tried)`.

        The tree is afterwards as it was before. Raises RepairError, SandboxError.
        """
        settings = {
            "action": "advance",
            "start": start,
            "seconds": seconds,
            "max_candidates": max_candidates,
            "proposed": list(proposed),
        }
        result = self._run(settings, seconds, _progress(on_progress))
        if result.exit_code != 0:
            self._runtime.restore(self._pristine)
        reached, tried, plausible, end = start, 0, None, None
        for event in events(result.report):
            if event.kind == "progress":
                reached, tried = event.integer("index"), event.integer("tried")
            elif event.kind == "plausible":
                plausible = self._proposal(event) or plausible
            elif event.kind == "end":
                end = event
        if end is None:
            if not result.timed_out:
                raise _failure(result)
            if plausible is not None:
                reached = plausible.index + 1
            found = int(plausible is not None)
            return SearchResult(
                max(start, reached), tried, plausible, False, 0.0, result.seconds, {}, found, found
            )
        return SearchResult(
            next_index=max(start, end.integer("next_index")),
            tried=end.integer("tried"),
            plausible=plausible,
            exhausted=end.truth("exhausted"),
            mass_tried=min(1.0, end.number("mass_tried")),
            seconds=result.seconds,
            outcomes=end.counts("outcomes"),
            found=end.integer("plausible"),
            clusters=end.integer("clusters"),
            share=_share(end.number("share")),
            rival_mass=min(1.0, end.number("rival_mass")),
            rival_seconds=end.number("rival_seconds"),
        )

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
        return self._runtime.run(request, on_report=on_report)

    def _proposal(self, event: Event) -> Proposal | None:
        """A proposal as reported, or None when it is malformed or names a file that may not be edited."""
        path, content = event.text("path"), event.text("content", 2 * MAX_CONTENT)
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return None
        if path not in self._paths or len(data) > MAX_CONTENT:
            return None
        return Proposal(
            path=path,
            content=data,
            template=event.text("template", 100),
            line=event.integer("line"),
            description=event.text("description", 1000),
            index=event.integer("index"),
            mass=min(1.0, event.number("mass")),
        )


def _progress(on_progress: Callable[[int, int], None] | None) -> Callable[[bytes], None] | None:
    if on_progress is None:
        return None

    def see(event: Event) -> None:
        if event.kind == "progress":
            on_progress(event.integer("index"), event.integer("tried"))

    return EventReader(see).feed


def _share(reported: float) -> float:
    """A share as reported; what is no number in (0, 1] says nothing of rivals."""
    return reported if 0 < reported <= 1 else 1.0


def _failure(result: RunResult) -> RepairError:
    tail = result.stderr[-2000:].decode("utf-8", "replace").strip()
    ran_short = shortage(result)
    ended = ran_short.words if ran_short is not None else f"gave no result ({exit_words(result)})"
    return RepairError(f"the repair search inside the sandbox {ended}" + (f": {tail}" if tail else ""))
