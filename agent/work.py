"""The steps in the middle that ask no tier: localise and verify."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from agent.bystanders import at_random, bystanders
from agent.doubt import looked_again
from agent.edits import load_edits
from agent.observations import CheckDone, LocaliseDone, Observation, ReproductionDone
from agent.patience import hanging, judging, starved
from agent.pieces import likeliest
from agent.prepare import baseline_run, count
from agent.repairing import planned_slices, prepare_search, test_seconds
from agent.runners import PYTHON_RUNNERS
from agent.settings import REPAIR
from agent.state import State
from agent.tiers.pieces import pieces_of
from agent.vetting import editable
from agent.world import LOCALISATION, PER_TEST_SECONDS, World
from policies.context import Piece
from policies.vocabulary import Check
from sandboxes.interface import REPO
from tools.context import mentioned, parts_of
from tools.files import FileEdit
from tools.languages import map_languages
from tools.repair.causes import explained
from tools.repair.localise import Traced, localise, nearest, trace_tests
from tools.repair.reports import RepairError
from tools.repository_map import map_repository
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

AFFECTED_TESTS = 20
MOST_RED = 20
"""Failing tests beside the targets that are traced."""

MOST_WITNESSES = 5
TRACING = 3
"""A traced test takes two to three times as long (measured with the C tracer)."""


def read_localise(world: World, state: State) -> Observation:
    """Rank the lines of the base by how suspicious they are."""
    assert world.sandbox is not None
    run = baseline_run(world, state)
    traced = world.traced or trace(world, state, run, state.targets)
    found = localise(traced, _runnable(state.targets, run))
    affected, witnesses = found.affected[:AFFECTED_TESTS], witnesses_of(traced, state.targets)
    seen = LocaliseDone(
        method=found.method,
        lines=len(found.lines),
        top=tuple(f"{line.path}:{line.line}" for line in found.lines[:10]),
        affected=affected,
        witnesses=witnesses,
        ranking=world.store(LOCALISATION.dump_json(found)),
        pieces=_pieces(world, state, [(line.path, line.line) for line in found.lines]),
    )
    if REPAIR not in {tier.name for tier in state.settings.tiers} or REPAIR in state.searches:
        return seen
    # The order of the candidates follows the ranking, so this is when the tier can be quoted.
    try:
        searching = world.searching = prepare_search(world, state, found, affected, witnesses)
    except RepairError:  # it will say so itself, as an attempt that is bought or not
        return seen
    planned, seconds = planned_slices(searching, 0)
    return seen.model_copy(
        update={"candidates": searching.space.count, "planned": planned, "planned_seconds": seconds}
    )


def trace(world: World, state: State, run: SuiteRun, failing: Sequence[str]) -> Traced:
    """What these failing tests execute, and those near them: some others that fail in `run`, the baseline,
    and that pass."""
    assert world.sandbox is not None
    known = {*failing, *hanging(state), *starved(run)}
    red = [test for test, verdict in run.verdicts.items() if verdict.bad and test not in known]
    traced = trace_tests(
        world.sandbox,
        world.sandbox.python,
        _runnable(failing, run),
        (*nearest(failing, red)[:MOST_RED], *(test for test in run.collected if run.passed(test))),
        timeout=min(PER_TEST_SECONDS, TRACING * test_seconds(world, state)),
        hanging=(*hanging(state), *starved(run)),
        on_progress=lambda done, total: world.say(f"tracing tests: {done} of {total}"),
        repo=REPO,
        editable=lambda path: editable(world, state, path),
        budget=world.left / 3,
        seconds=world.left / 2,
        memory_bytes=world.memory_bytes,
    )
    # One of those that ran into nothing of the repository says nothing of what fails elsewhere.
    telling = tuple(each for each in traced.traces if each.statements or each.id not in red)
    return replace(traced, traces=telling)


def witnesses_of(traced: Traced, targets: Sequence[str]) -> tuple[str, ...]:
    """The failing tests beside the targets that, as it seems, fail for the same cause as one of them."""
    red = [each.id for each in traced.traces if each.outcome == "failed"]
    return explained(traced.traces, targets, red)[:MOST_WITNESSES]


def read_mentioned(world: World, state: State) -> Observation:
    """For tests that cannot be traced: the files and lines that their output mentions."""
    base = world.base_of(state)
    lines = mentioned(state.reproduction.messages if state.reproduction else (), base.read)
    return LocaliseDone(
        method="traceback",
        lines=len(lines),
        top=tuple(f"{path}:{line}" for path, line in lines[:10]),
        ranking="",
        pieces=_pieces(world, state, lines),
    )


def _pieces(world: World, state: State, lines: Sequence[tuple[str, int]]) -> tuple[Piece, ...]:
    """Parts of the repository that a model may be given; none where no model is on the ladder."""
    if not state.settings.models:
        return ()
    assert world.sandbox is not None
    world.say("mapping the repository")
    base, files = world.base_of(state), [target.split("::")[0] for target in state.targets]
    if state.runner in PYTHON_RUNNERS:
        mapped = map_repository(world.sandbox, world.sandbox.python, files, lines)
    else:
        mapped = map_languages(sorted(base.files), base.read, [*files, *(path for path, _ in lines)])
    failures = state.reproduction.messages if state.reproduction else ()
    return likeliest(pieces_of(parts_of(mapped, state.targets, lines, failures, base.read), base.read))


def _runnable(targets: Sequence[str], run: SuiteRun) -> tuple[str, ...]:
    """What pytest can be asked for: the file of a target that does not collect."""
    files = ((target.split("::")[0], target) for target in targets)
    return tuple(dict.fromkeys(file if file in run.collection_errors else target for file, target in files))


def run_with(
    world: World, edits: tuple[FileEdit, ...], ids: tuple[str, ...] | None, limits: RunLimits
) -> SuiteRun:
    """Run tests with the edits in the work area, which is put back afterwards."""
    assert world.sandbox is not None
    with world.edited(world.sandbox, edits):
        return world.run_tests(world.sandbox, ids, limits)


def verify(world: World, state: State, check: Check) -> Observation:
    """Check the candidate in hand: affected tests, the suite, or the targets again."""
    assert state.hand is not None
    edits = load_edits(world.load(state.hand.patch))
    limits = judging(world, state, math.inf)  # of verdicts, whatever time is left
    if check is Check.SUITE:
        run = run_with(world, edits, None, judging(world, state, world.left))
        flaky = bystanders(world, state, run, state.targets, edits)
        judgement = judge(baseline_run(world, state), run, state.targets, flaky)
        return CheckDone(
            check=check,
            key=world.verdict_key(state.hand.tree, None, limits),
            passed=judgement.fixed,
            reasons=judgement.reasons,
            counts=count(run),
            flaky=flaky,
            looked=_looked_again(world, state, run),
        )
    affected = state.localised.affected if state.localised else ()
    ids = state.targets if check is Check.REPEAT else affected
    run = run_with(world, edits, ids, judging(world, state, world.left))
    red = tuple(test for test in ids if not run.passed(test))
    flaky = at_random(world, state, red, edits) if run.complete and check is Check.AFFECTED else ()
    reasons = (
        *(() if run.complete else (f"the report is incomplete: {run.problem}",)),
        *(f"{test} does not pass" for test in red if test not in flaky),
    )
    key = world.verdict_key(state.hand.tree, ids, limits)
    return CheckDone(
        check=check,
        key=key,
        passed=not reasons,
        reasons=reasons,
        counts=count(run),
        flaky=flaky,
        looked=_looked_again(world, state, run) if check is Check.REPEAT else None,
    )


def _looked_again(world: World, state: State, run: SuiteRun) -> ReproductionDone | None:
    return looked_again(world, state, tuple(test for test in state.targets if not run.passed(test)))
