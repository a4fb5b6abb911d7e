"""The embedded repair tier as a step: one slice of its search, and what further slices would cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from agent.edits import dump_edits
from agent.events import AttemptDone
from agent.prepare import baseline_run
from agent.settings import REPAIR
from agent.state import Search, State
from agent.vetting import editable, vet
from agent.world import LEAST_SECONDS, LOCALISATION, PER_TEST_SECONDS, World
from sandboxes.interface import REPO
from tools.command_tests import CommandRunner
from tools.files import FileEdit
from tools.patch import patched_tree_hash
from tools.repair.localise import Localisation
from tools.repair.reports import RepairError
from tools.repair.search import RepairSearch, SearchResult, SearchSpace

SLICE_SECONDS = 10.0
MOST_SLICES = 8
"""The plan looks ahead over so many slices and is made anew after each. What lies beyond is worth little, as
the best candidates come first."""

WARM_UP_SECONDS = 1.5
"""Each slice warms a test process up first."""

LEAST_TRIED = 10

NO_TIME = "there was no time for a candidate"

RULER = 64
"""Points at which the prior mass of the ranked candidates is measured, spread geometrically."""

LARGEST_SPACE = 1_000_000


@dataclass
class Searching:
    """A search under way in this process, with the prior mass of its first n candidates at some n."""

    search: RepairSearch
    space: SearchSpace
    sizes: tuple[int, ...]
    pace: float | None = None

    def learn_pace(self, tried: int, seconds: float) -> None:
        """Seconds per candidate as a slice has shown them; a handful shows little."""
        if tried >= LEAST_TRIED:
            self.pace = max(0.0, seconds - WARM_UP_SECONDS) / tried

    def mass(self, first: int) -> float:
        """Prior mass of the first candidates, by linear interpolation between measured sizes."""
        below, under = 0, 0.0
        for size, total in zip(self.sizes, self.space.masses, strict=False):
            if size >= first:
                share = (first - below) / (size - below) if size > below else 1.0
                return under + share * (total - under)
            below, under = size, total
        return under


def act_repair(world: World, state: State) -> AttemptDone:
    """Try one slice of the candidates until one passes the targets and is no forgery, or time is up.

    An attempt that gets no further in its time plans no other: the search counts as exhausted.
    """
    try:
        return _slice(world, state)
    except RepairError as error:  # what the search inside makes of this repository is an observation
        before = state.searches.get(REPAIR, Search())
        note = f"the search ended without a result: {str(error)[:500]}"
        return AttemptDone(
            tier=REPAIR, next_index=before.next_index, planned=(), note=note, proposed=before.proposed
        )


def _slice(world: World, state: State) -> AttemptDone:
    searching = world.searching = world.searching or _reprepared(world, state)
    before = state.searches.get(REPAIR, Search())
    start, tried, dropped = before.next_index, 0, []
    last = start + _slice_size(searching, start)
    ahead = set(before.proposed)
    edits: tuple[FileEdit, ...] = ()
    description, tree = "", ""
    found: SearchResult | None = None
    while not edits and start < last and world.left > LEAST_SECONDS:
        progress = _progress(world, searching)
        found = searching.search.advance(start, world.left, last - start, progress, sorted(ahead))
        tried += found.tried
        searching.learn_pace(found.tried, found.seconds - found.rival_seconds)
        stuck = found.next_index <= start
        start = found.next_index
        if found.plausible is not None:
            proposal = found.plausible
            if proposal.index >= start:  # the first that passed was not proposed: the search goes back to it
                ahead.add(proposal.index)
            edits = (FileEdit(proposal.path, proposal.content),)
            description = f"{proposal.path}:{proposal.line}: {proposal.description}"
            tree = patched_tree_hash(world.base_of(state), edits)
            reasons = vet(world, state, edits)
            if tree in state.refused:
                reasons = ("the same patch was refused before",)
            if reasons:
                edits = ()
                dropped.append(f"{description} — {'; '.join(reasons[:2])}")
        elif found.exhausted or stuck:
            break
    searched = max(0.0, searching.mass(start) - searching.mass(before.next_index))
    got_further = start > before.next_index or len(ahead) > len(before.proposed)
    ahead = {index for index in ahead if index >= start}
    planned, planned_seconds = planned_slices(searching, start) if got_further else ((), 0.0)
    note = "every candidate was tried" if start >= searching.space.count else "" if got_further else NO_TIME
    return AttemptDone(
        tier=REPAIR,
        patch=world.store(dump_edits(edits)) if edits else "",
        tree=tree if edits else "",
        description=description,
        tried=tried,
        next_index=start,
        total=searching.space.count,
        mass=min(1.0, searched + (found.rival_mass if found is not None else 0.0)),
        planned=planned,
        planned_seconds=planned_seconds,
        dropped=tuple(dropped),
        note="" if edits else note,
        proposed=tuple(sorted(ahead)),
        plausible=found.found if found is not None and edits else 0,
        clusters=found.clusters if found is not None and edits else 0,
        share=found.share if found is not None and edits else 1.0,
    )


def _progress(world: World, searching: Searching) -> Callable[[int, int], None]:
    def say(index: int, tried: int) -> None:
        del tried
        world.say(f"candidate patches: {index} of {searching.space.count}")

    return say


def _reprepared(world: World, state: State) -> Searching:
    """The search of a run that did not localise, or that was resumed in this process."""
    if state.localised is None:
        return prepare_search(world, state, None, ())
    located = LOCALISATION.validate_json(world.load(state.localised.ranking))
    return prepare_search(world, state, located, state.localised.affected)


def prepare_search(
    world: World, state: State, located: Localisation | None, affected: tuple[str, ...]
) -> Searching:
    """Enumerate the candidates in their order and measure what a trial takes.

    Raises RepairError when the search cannot work on this repository, and SandboxError.
    """
    assert world.sandbox is not None
    world.say("enumerating candidate patches")
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
        localisation=located,
        timeout=test_seconds(world, state),
        memory_bytes=world.memory_bytes,
        seed=state.settings.seed,
        pristine=world.pristine,
        env={"AGENT_JUNIT": CommandRunner.junit} if command else None,
    )
    sizes = tuple(sorted({round(LARGEST_SPACE ** (n / (RULER - 1))) for n in range(RULER)}))
    return Searching(search, search.prepare(sizes, world.left), sizes)


def test_seconds(world: World, state: State) -> float:
    """Time limit of one candidate's test: several times the slowest test that passes, since a right patch
    will hardly be slower than that; a whole command is bounded by what the suite took."""
    assert state.baseline is not None
    if state.settings.tests_command:
        return min(10 * PER_TEST_SECONDS, 3 * state.baseline.suite_seconds + 10)
    run = baseline_run(world, state)
    slowest = max((verdict.seconds for verdict in run.verdicts.values() if verdict.passed), default=1.0)
    return min(PER_TEST_SECONDS, max(2.0, 5 * slowest))


def _slice_size(searching: Searching, start: int) -> int:
    """Candidates of the next slice: what fits into SLICE_SECONDS, at least enough to learn the pace."""
    window = max(LEAST_TRIED, int(SLICE_SECONDS / _seconds_each(searching)))
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
    masses = [searching.mass(to) - searching.mass(since) for since, to in pairwise(edges)]
    return tuple(max(mass, 1e-9) for mass in masses), WARM_UP_SECONDS + size * _seconds_each(searching)
