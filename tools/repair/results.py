"""What the repair search inside a sandbox reports, as typed values."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandboxes.interface import RunResult
from tools.endings import exit_words, shortage
from tools.repair.reports import Event, RepairError, Tally, events, together

MAX_CONTENT = 4_000_000


@dataclass(frozen=True)
class SearchSpace:
    """How many candidates there are; `masses[n]` in [0, 1]: the chance that a repair which the templates can
    express is among the first n; expected seconds per candidate.

    `already_passes`: the targets pass on the code as it is, so that there is nothing to search for.
    """

    count: int
    masses: tuple[float, ...]
    seconds_per_candidate: float
    already_passes: bool

    def mass(self, first: int) -> float:
        """The chance that the repair is among the first candidates."""
        return self.masses[min(first, self.count)]


@dataclass(frozen=True)
class Proposal:
    """A patch that makes the targets pass: the new content of one file."""

    path: str
    content: bytes
    template: str
    line: int
    description: str
    index: int


@dataclass(frozen=True)
class SearchResult:
    """What one slice of the search did.

    next_index: where to go on. tried: candidates that were run, up to the first that passed. mass_tried:
    chance covered by this slice. seconds: wall time of it all; trying: of running candidates alone.
    outcomes: how many ended as failed, timeout, died, broke (a test that passed before fails), invalid,
    duplicate, same (it changes nothing that a failing test computes), unconfirmed (passed only without a
    fresh import), proposed (before), passed. exhausted: no candidate is left. moved: single edits with which
    the tests got further. templates: what was run of each; the mass is without rivals.

    passing: which pass, with those of earlier slices that it was compared with, of how many behaviours
    (clusters). share in (0, 1]: P(the proposed one is right | one of those is), less where witnesses speak
    against it; heals: whether it makes one of them pass, None where there are none. rival_mass: chance
    covered by those found here at or after next_index.
    rival_seconds: what was spent after the first one passed. When another than the first is proposed,
    next_index is that of the first, which so is not lost.
    """

    next_index: int
    tried: int
    plausible: Proposal | None
    exhausted: bool
    mass_tried: float
    seconds: float
    trying: float = 0.0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    templates: Mapping[str, Tally] = field(default_factory=dict)
    moved: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()
    clusters: int = 0
    share: float = 1.0
    heals: bool | None = None
    rival_mass: float = 0.0
    rival_seconds: float = 0.0

    def after(self, earlier: SearchResult) -> SearchResult:
        """Both slices as one; the earlier one found nothing."""
        return replace(
            self,
            tried=earlier.tried + self.tried,
            mass_tried=min(1.0, earlier.mass_tried + self.mass_tried),
            seconds=earlier.seconds + self.seconds,
            trying=earlier.trying + self.trying,
            outcomes=Counter(earlier.outcomes) + Counter(self.outcomes),
            templates=together(earlier.templates, self.templates),
            moved=(*earlier.moved, *self.moved),
        )


def result_of(
    result: RunResult, space: SearchSpace, start: int, singles: int, paths: frozenset[str]
) -> SearchResult:
    """What a run reported of the candidates from `start` on. Raises RepairError when it gave no result."""
    reached, tried, plausible, end = start, 0, None, None
    for event in events(result.report):
        if event.kind == "progress":
            reached, tried = event.integer("index"), event.integer("tried")
        elif event.kind == "plausible":
            plausible = _proposal(event, paths) or plausible
        elif event.kind == "end":
            end = event
    if end is None:
        if not result.timed_out:
            raise failure(result)
        if plausible is not None:
            reached = plausible.index + 1
        passing = () if plausible is None else (plausible.index,)
        return SearchResult(
            next_index=max(start, reached),
            tried=tried,
            plausible=plausible,
            exhausted=False,
            mass_tried=0.0,
            seconds=result.seconds,
            passing=passing,
            clusters=len(passing),
        )
    reached = max(start, end.integer("next_index"))
    return SearchResult(
        next_index=reached,
        tried=end.integer("tried"),
        plausible=plausible,
        exhausted=reached >= space.count and plausible is None,
        mass_tried=max(0.0, space.mass(reached) - space.mass(start)),
        seconds=result.seconds,
        trying=end.number("trying"),
        moved=tuple(int(index) for index in end.numbers("moved") if index < singles),
        outcomes=end.counts("outcomes"),
        templates=end.tallies("templates"),
        passing=tuple(int(index) for index in end.numbers("passing") if 0 <= index < space.count),
        clusters=end.integer("clusters"),
        share=_share(end.number("share")),
        heals=None if end.fields.get("heals") is None else end.truth("heals"),
        rival_mass=min(1.0, end.number("rival_mass")),
        rival_seconds=end.number("rival_seconds"),
    )


def _proposal(event: Event, paths: frozenset[str]) -> Proposal | None:
    """A proposal as reported, or None when it is malformed or names a file that may not be edited."""
    path, content = event.text("path"), event.text("content", 2 * MAX_CONTENT)
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
    if path not in paths or len(data) > MAX_CONTENT:
        return None
    return Proposal(
        path=path,
        content=data,
        template=event.template("template"),
        line=event.integer("line"),
        description=event.text("description", 1000),
        index=event.integer("index"),
    )


def _share(reported: float) -> float:
    """A share as reported; what is no number in (0, 1] says nothing of rivals."""
    return reported if 0 < reported <= 1 else 1.0


def failure(result: RunResult) -> RepairError:
    tail = result.stderr[-2000:].decode("utf-8", "replace").strip()
    ran_short = shortage(result)
    ended = ran_short.words if ran_short is not None else f"gave no result ({exit_words(result)})"
    return RepairError(f"the repair search inside the sandbox {ended}" + (f": {tail}" if tail else ""))
