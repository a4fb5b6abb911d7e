"""The embedded repair tier as a step: one slice of its search, and what further slices would cover."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from agent.edits import dump_edits
from agent.observations import AttemptDone
from agent.prepare import baseline_run
from agent.settings import REPAIR
from agent.standing import longest_slice
from agent.state import Search, State
from agent.vetting import editable, vet
from agent.world import LEAST_SECONDS, LOCALISATION, PER_TEST_SECONDS, World
from sandboxes.interface import REPO
from tools.command_tests import CommandRunner
from tools.files import FileEdit
from tools.patch import patched_tree_hash
from tools.repair.localise import Localisation
from tools.repair.reports import RepairError, Tally, together
from tools.repair.results import Proposal, SearchResult, SearchSpace
from tools.repair.search import RepairSearch

SLICE_SECONDS = 10.0
MOST_SLICES = 8
"""The plan looks ahead over so many slices and is made anew after each. What lies beyond is worth little, as
the best candidates come first."""

WARM_UP_SECONDS = 1.5
"""Each slice warms a test process up first."""

LEAST_TRIED = 10
MOST_MOVED = 50
"""Single edits with which the tests got further, kept to make pairs of."""

MOST_PASSING = 20
"""That the candidate in hand is compared with, in later attempts as well."""

_OF_CANDIDATE = (
    "patch", "tree", "paths", "description", "plausible", "clusters", "share", "heals", "index", "passing",
    "template",
)  # fmt: skip

NO_TIME = "there was no time for a candidate"


@dataclass
class Searching:
    """A search under way in this process: seconds spent on candidates so far, what one took in the last
    slice, and what a slice needs beside."""

    search: RepairSearch
    space: SearchSpace
    seconds: float = 0.0
    pace: float | None = None
    warm_up: float = WARM_UP_SECONDS

    def learn_pace(self, seen: SearchResult) -> None:
        """Seconds per candidate as a slice has shown them; a handful shows little."""
        self.seconds += seen.trying
        if seen.tried >= LEAST_TRIED:
            self.pace = seen.trying / seen.tried
        beside = seen.seconds - seen.trying - seen.rival_seconds
        self.warm_up = beside if beside > 0 else self.warm_up  # (none in what was found while preparing)


def act_repair(world: World, state: State, until: int | None = None) -> AttemptDone:
    """Try one slice of the candidates until one passes the targets and is no forgery, or time is up. until:
    the slice goes up to this candidate, in place of what should fit into its time.

    An attempt that gets no further in its time plans no other: the search counts as exhausted.
    """
    hand = state.hand
    if hand is not None and (hand.tier != REPAIR or hand.index is None):  # (an older trace has no index)
        hand = None
    try:
        done = _slice(world, state, hand, until)
    except RepairError as error:  # what the search inside makes of this repository is an observation
        before = state.searches.get(REPAIR, Search())
        note = f"the search ended without a result: {str(error)[:500]}"
        done = AttemptDone(
            tier=REPAIR,
            next_index=before.next_index,
            planned=(),
            note=note,
            proposed=before.proposed,
            moved=before.moved,
        )
    return done if hand is None or done.patch else _kept(hand, done)


def _kept(hand: AttemptDone, done: AttemptDone) -> AttemptDone:
    """An attempt that found nothing to compare with the candidate in hand, which so stays there."""
    own = {name: getattr(hand, name) for name in _OF_CANDIDATE}
    return done.model_copy(update={**own, "again": True})


@dataclass
class _Slice:
    """What a slice has come to so far: candidates from `next_index` on are still to be tried, but those in
    `ahead`, which were proposed before their turn. passing: those that what is found is compared with."""

    next_index: int
    ahead: set[int]
    tried: int = 0
    moved: tuple[int, ...] = ()
    templates: dict[str, Tally] = field(default_factory=dict)
    last: SearchResult | None = None
    passing: tuple[int, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    tree: str = ""
    dropped: list[str] = field(default_factory=list)

    def add(self, found: SearchResult) -> bool:
        """Take in what a part of the slice found; False when it got no further."""
        before, self.next_index, self.last = self.next_index, found.next_index, found
        self.tried += found.tried
        self.moved += found.moved
        self.templates = together(self.templates, found.templates)
        if found.plausible is not None and found.plausible.index >= self.next_index:
            self.ahead.add(found.plausible.index)  # not the first that passed: the search goes back to that
        return self.next_index > before

    def consider(self, world: World, state: State, proposal: Proposal) -> None:
        """Keep the proposal, or say why it is dropped."""
        edits = (FileEdit(proposal.path, proposal.content),)
        tree = patched_tree_hash(world.base_of(state), edits)
        reasons = vet(world, state, edits)
        if tree in state.refused:
            reasons = ("the same patch was refused before",)
        if reasons:
            self.passing = tuple(index for index in self.passing if index != proposal.index)
            self.dropped.append(f"{_described(proposal)} — {'; '.join(reasons[:2])}")
        else:
            self.edits, self.tree = edits, tree


def _slice(world: World, state: State, hand: AttemptDone | None, until: int | None) -> AttemptDone:
    searching = world.searching = world.searching or _reprepared(world, state)
    before = state.searches.get(REPAIR, Search())
    size = _slice_size(searching, before.next_index, longest_slice(state.left.seconds))
    end = before.next_index + size if until is None else until
    part = _Slice(before.next_index, set(before.proposed), passing=hand.passing if hand else before.passing)
    while not part.edits and part.next_index < end and world.left > LEAST_SECONDS:
        progress, most = _progress(world, searching), end - part.next_index
        if hand is None and part.passing:  # what was compared with one that was refused since comes first
            most = 0
        found = searching.search.advance(
            part.next_index, world.left, most, progress, sorted(part.ahead), part.passing
        )
        searching.learn_pace(found)
        further = part.add(found)
        if found.plausible is not None:
            part.consider(world, state, found.plausible)
        elif not most:
            part.passing = ()
        elif found.exhausted or not further:
            break
    return _attempt(world, searching, before, part, hand)


def _attempt(
    world: World, searching: Searching, before: Search, part: _Slice, hand: AttemptDone | None
) -> AttemptDone:
    start, last = part.next_index, part.last
    rival_mass = last.rival_mass if last is not None else 0.0
    searched = max(0.0, searching.space.mass(start) - searching.space.mass(before.next_index))
    again = hand is not None and hand.tree == part.tree
    got_further = start > before.next_index or len(part.ahead) > len(before.proposed)
    got_further = got_further or (bool(part.edits) and not again)
    moved = tuple(dict.fromkeys((*before.moved, *part.moved)))[:MOST_MOVED]
    if (again or not part.edits) and start >= searching.space.count and world.left > LEAST_SECONDS:
        searching.space = searching.search.add_pairs(moved, world.left)
    planned, planned_seconds = planned_slices(searching, start) if got_further else ((), 0.0)
    note = "every candidate was tried" if start >= searching.space.count else "" if got_further else NO_TIME
    hit = last if part.edits else None
    proposal = hit.plausible if hit is not None else None
    return AttemptDone(
        tier=REPAIR,
        patch=world.store(dump_edits(part.edits)) if hit else "",
        tree=part.tree,
        paths=tuple(edit.path for edit in part.edits),
        description=_described(proposal) if proposal else "",
        tried=part.tried,
        next_index=start,
        total=searching.space.count,
        mass=min(1.0, searched + rival_mass),
        planned=planned,
        planned_seconds=planned_seconds,
        dropped=tuple(part.dropped),
        note="" if hit else note,
        proposed=tuple(sorted(index for index in part.ahead if index >= start)),
        moved=moved,
        plausible=len(hit.passing) if hit else 0,
        clusters=hit.clusters if hit else 0,
        share=hit.share if hit else 1.0,
        heals=hit.heals if hit else None,
        ahead=rival_mass,
        index=proposal.index if proposal else None,
        passing=_first_of(hit.passing, proposal, hand) if hit else (),
        again=again,
        template=proposal.template if proposal else "",
        templates=part.templates,
    )


def _first_of(
    passing: tuple[int, ...], proposal: Proposal | None, hand: AttemptDone | None
) -> tuple[int, ...]:
    """The first of those that pass; the proposed one and that in hand are among them."""
    first = (*([proposal.index] if proposal else []), *(hand.passing[:1] if hand else ()))
    return tuple(index for index in dict.fromkeys((*first, *passing)) if index in passing)[:MOST_PASSING]


def _described(proposal: Proposal) -> str:
    return f"{proposal.path}:{proposal.line}: {proposal.description}"


def _progress(world: World, searching: Searching) -> Callable[[int, int], None]:
    def say(index: int, tried: int) -> None:
        del tried
        world.say(f"candidate patches: {index} of {searching.space.count}")

    return say


def _reprepared(world: World, state: State) -> Searching:
    """The search of a run that did not localise, or that was resumed in this process."""
    if state.localised is None or not state.localised.ranking:
        return prepare_search(world, state, None)
    located = LOCALISATION.validate_json(world.load(state.localised.ranking))
    return prepare_search(world, state, located, state.localised.affected, state.localised.witnesses)


def prepare_search(
    world: World,
    state: State,
    located: Localisation | None,
    affected: tuple[str, ...] = (),
    witnesses: tuple[str, ...] = (),
) -> Searching:
    """Enumerate the candidates in their order and measure what a trial takes.

    Raises RepairError when the search cannot work on this repository, and SandboxError.
    """
    assert world.sandbox is not None
    world.say("enumerating candidate patches, and trying the first")
    suspects = {line.path for line in located.lines} if located else None
    sources = [
        path
        for path in world.base_of(state).files
        if path.endswith(".py") and (suspects is None or path in suspects) and editable(world, state, path)
    ]
    command = ("sh", "-c", state.settings.tests_command) if state.settings.tests_command else ()
    search = RepairSearch(
        world.sandbox,
        world.sandbox.python,
        REPO,
        sources,
        () if command else state.targets,
        command=command,
        affected=affected,
        witnesses=witnesses,
        localisation=located,
        timeout=test_seconds(world, state),
        memory_bytes=world.memory_bytes,
        seed=state.settings.seed,
        priors=state.settings.template_factors,
        without=world.search_without,
        pristine=world.pristine,
        env={"AGENT_JUNIT": CommandRunner.junit} if command else None,
    )
    space = search.prepare(world.left)
    begun = state.searches.get(REPAIR, Search())
    if begun.next_index >= space.count:
        space = search.add_pairs(begun.moved, world.left)
    return Searching(search, space)


def test_seconds(world: World, state: State) -> float:
    """Time limit of one candidate's test: several times the slowest test that passes, since a right patch
    will hardly be slower than that; a whole command is bounded by what the suite took."""
    assert state.baseline is not None
    if state.settings.tests_command:
        return min(10 * PER_TEST_SECONDS, 3 * state.baseline.suite_seconds + 10)
    run = baseline_run(world, state)
    slowest = max((verdict.seconds for verdict in run.verdicts.values() if verdict.passed), default=1.0)
    return min(PER_TEST_SECONDS, max(2.0, 5 * slowest))


def _slice_size(searching: Searching, start: int, longest: float = math.inf) -> int:
    """Candidates of the next slice: what fits into SLICE_SECONDS, or into the time spent so far if that is
    more, as every slice has to warm up, but not more than into `longest` seconds; at least enough to learn
    the pace."""
    seconds = min(max(SLICE_SECONDS, searching.seconds), longest)
    window = max(LEAST_TRIED, int(seconds / _seconds_each(searching)))
    return min(window, searching.space.count - start)


def _seconds_each(searching: Searching) -> float:
    """As seen in the last slice, else as measured beforehand."""
    return max(searching.space.seconds_per_candidate if searching.pace is None else searching.pace, 1e-3)


def planned_slices(searching: Searching, start: int) -> tuple[tuple[float, ...], float]:
    """Prior mass of each of the next slices, at most MOST_SLICES, and seconds each takes."""
    size = _slice_size(searching, start)
    if size <= 0:
        return (), 0.0
    last = min(searching.space.count, start + MOST_SLICES * size)
    edges = [*range(start, last, size), last]
    masses = [searching.space.mass(to) - searching.space.mass(since) for since, to in pairwise(edges)]
    return tuple(max(mass, 1e-9) for mass in masses), searching.warm_up + size * _seconds_each(searching)
