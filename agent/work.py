"""The steps in the middle: localise, plan, act and verify."""

from __future__ import annotations

import math

from agent.edits import dump_edits, load_edits
from agent.events import AttemptDone, CheckDone, LocaliseDone, Observation, PlanDone
from agent.loop import Performed
from agent.patience import hanging, judging, starved
from agent.prepare import baseline_run, count
from agent.repairing import act_repair, planned_slices, prepare_search, test_seconds
from agent.settings import REPAIR
from agent.state import Search, State
from agent.tiers.interface import TierRequest
from agent.vetting import editable, vet
from agent.world import LOCALISATION, PER_TEST_SECONDS, World
from policies.vocabulary import Check, Step
from sandboxes.interface import REPO
from tools.files import FileEdit
from tools.patch import patched_tree_hash
from tools.repair.localise import localise
from tools.repair.reports import RepairError
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

AFFECTED_TESTS = 20
TRACING = 3
"""A traced test takes two to three times as long (measured with the C tracer)."""


def read_localise(world: World, state: State) -> Observation:
    """Rank the lines of the base by how suspicious they are."""
    assert world.sandbox is not None
    run = baseline_run(world, state)
    passing = tuple(test for test in run.collected if run.passed(test))
    failing = dict.fromkeys(_runnable(target, run) for target in state.targets)
    found = localise(
        world.sandbox,
        world.sandbox.python,
        tuple(failing),
        passing,
        timeout=min(PER_TEST_SECONDS, TRACING * test_seconds(world, state)),
        hanging=(*hanging(state), *starved(run)),
        on_progress=lambda done, total: world.say(f"tracing tests: {done} of {total}"),
        repo=REPO,
        editable=lambda path: editable(world, state, path),
        budget=world.left / 3,
        seconds=world.left / 2,
        memory_bytes=world.memory_bytes,
    )
    affected = found.affected[:AFFECTED_TESTS]
    seen = LocaliseDone(
        method=found.method,
        lines=len(found.lines),
        top=tuple(f"{line.path}:{line.line}" for line in found.lines[:10]),
        affected=affected,
        ranking=world.store(LOCALISATION.dump_json(found)),
    )
    if REPAIR not in {tier.name for tier in state.settings.tiers} or REPAIR in state.searches:
        return seen
    # The order of the candidates follows the ranking, so this is when the tier can be quoted.
    try:
        searching = world.searching = prepare_search(world, state, found, affected)
    except RepairError:  # it will say so itself, as an attempt that is bought or not
        return seen
    planned, seconds = planned_slices(searching, 0)
    return seen.model_copy(
        update={"candidates": searching.space.count, "planned": planned, "planned_seconds": seconds}
    )


def _runnable(target: str, run: SuiteRun) -> str:
    """What pytest can be asked for: the file of a target that does not collect."""
    file = target.split("::")[0]
    return file if file in run.collection_errors else target


def plan(world: World, state: State, step: Step) -> Performed:
    """Ask a tier for a plan."""
    tier = world.tiers[str(step.tier)]
    reply = tier.plan(_request(world, state, tier.name))
    return Performed(PlanDone(tier=tier.name, note=reply.note), dollars=reply.dollars)


def act(world: World, state: State, step: Step) -> Performed:
    """Ask a tier for a patch; only one that passes the targets here is a candidate."""
    if step.tier == REPAIR:
        return Performed(act_repair(world, state))
    tier = world.tiers[str(step.tier)]
    search = state.searches.get(tier.name, Search())
    reply = tier.act(_request(world, state, tier.name))
    tree = ""
    problem = vet(world, state, reply.edits) if reply.edits else ("no usable edit",)
    if reply.edits and not problem:
        tree = patched_tree_hash(world.base_of(state), reply.edits)
        problem = _target_problem(world, state, reply.edits, tree)
    found = AttemptDone(
        tier=tier.name,
        patch="" if problem else world.store(dump_edits(reply.edits)),
        tree=tree,
        description=reply.note,
        tried=1,
        next_index=search.next_index,
        dropped=problem if reply.edits else (),
        note=reply.note,
        planned=None,
    )
    return Performed(found, dollars=reply.dollars)


def _target_problem(world: World, state: State, edits: tuple[FileEdit, ...], tree: str) -> tuple[str, ...]:
    """Why the edits do not mend the targets; the same tree is not run again."""
    if tree in state.refused:
        return ("the same patch was refused before",)
    run = run_with(world, edits, state.targets, judging(world, state, world.left))
    failing = [target for target in state.targets if not run.passed(target)]
    if not run.complete:
        return (f"the targets' report is incomplete: {run.problem}",)
    return (f"{len(failing)} of {len(state.targets)} targets still fail",) if failing else ()


def _request(world: World, state: State, tier: str) -> TierRequest:
    base = world.base_of(state)
    return TierRequest(
        targets=state.targets,
        messages=state.reproduction.messages if state.reproduction else (),
        suspicious=state.localised.top if state.localised else (),
        notes=state.notes,
        read=base.read,
        seconds=world.left,
        calls=len(state.searches.get(tier, Search()).used),
    )


def run_with(
    world: World, edits: tuple[FileEdit, ...], ids: tuple[str, ...] | None, limits: RunLimits
) -> SuiteRun:
    """Run tests with the edits in the work area, which is put back afterwards."""
    assert world.sandbox is not None
    with world.edited(world.sandbox, edits):
        return world.run_tests(world.sandbox, ids, limits)


def verify(world: World, state: State, step: Step) -> Observation:
    """Check the candidate in hand: affected tests, the suite, or the targets again."""
    assert state.hand is not None and step.check is not None
    edits = load_edits(world.load(state.hand.patch))
    limits = judging(world, state, math.inf)  # of verdicts, whatever time is left
    if step.check is Check.SUITE:
        run = run_with(world, edits, None, judging(world, state, world.left))
        judgement = judge(baseline_run(world, state), run, state.targets)
        return CheckDone(
            check=step.check,
            key=world.verdict_key(state.hand.tree, None, limits),
            passed=judgement.fixed,
            reasons=judgement.reasons,
            counts=count(run),
        )
    affected = state.localised.affected if state.localised else ()
    ids = state.targets if step.check is Check.REPEAT else affected
    run = run_with(world, edits, ids, judging(world, state, world.left))
    reasons = (
        *(() if run.complete else (f"the report is incomplete: {run.problem}",)),
        *(f"{test} does not pass" for test in ids if not run.passed(test)),
    )
    key = world.verdict_key(state.hand.tree, ids, limits)
    return CheckDone(check=step.check, key=key, passed=not reasons, reasons=reasons, counts=count(run))
