"""The repair tier's candidates tried outside its search, the plain way."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.patience import judging
from agent.prepare import baseline_run
from agent.vetting import editable
from agent.work import run_with
from agent.world import LOCALISATION
from benchmarks._repair_source import PARSER
from tools.files import FileEdit
from tools.inside.repair.candidates import Tuning
from tools.inside.repair.scope import Project
from tools.inside.repair.source import Source
from tools.inside.repair.space import Space, whole_space
from tools.verdicts import judge

if TYPE_CHECKING:
    from benchmarks._repair_run import Attempt


def search_cold(attempt: Attempt, limit: float) -> None:
    """Try the repair tier's candidates until one passes the failing tests and then the whole suite, or
    `limit` seconds are over, in the order of the space.

    Enumerating them is timed too. They are not deduplicated by what they compile to.
    """
    before, started = attempt.result.seconds, time.monotonic()

    def count(tried: int, refused: int) -> float:
        """Note how far it is; returns the seconds that are left."""
        taken = time.monotonic() - started
        attempt.result = replace(
            attempt.result,
            seconds=before + taken,
            searching=taken,
            candidates=len(order),
            tried=tried,
            refused=refused,
        )
        return limit - before - taken

    space = enumerate_space(attempt)
    order = list(space.candidates.values())
    refused = 0
    for tried, candidate in enumerate(order):
        left = count(tried, refused)
        if left <= 0:
            return
        edits = (FileEdit(candidate.path, space.patched(candidate)),)
        if not _passes(attempt, edits, left):
            continue
        count(tried + 1, refused)
        if _holds(attempt, edits, limit):
            attempt.accept(edits, f"{candidate.path}:{candidate.line}", candidate.template)
            return
        refused += 1
    count(len(order), refused)


def _passes(attempt: Attempt, edits: tuple[FileEdit, ...], seconds: float) -> bool:
    world, state = attempt.world, attempt.state
    world.finish_by = time.monotonic() + seconds
    run = run_with(world, edits, state.targets, judging(world, state, world.left))
    return run.complete and all(run.passed(target) for target in state.targets)


def _holds(attempt: Attempt, edits: tuple[FileEdit, ...], seconds: float) -> bool:
    world, state = attempt.world, attempt.state
    world.finish_by = time.monotonic() + 10 * seconds
    run = run_with(world, edits, None, judging(world, state, world.left))
    return judge(baseline_run(world, state), run, state.targets).fixed


def enumerate_space(attempt: Attempt) -> Space:
    """The candidates, enumerated on this host: the benchmark's trees are ones that it trusts."""
    world, state, project = attempt.world, attempt.state, Project()
    located = LOCALISATION.validate_json(world.load(state.localised.ranking)) if state.localised else None
    scores = {(each.path, each.line): each.score for each in located.lines} if located else None
    suspects = {path for path, _ in scores} if scores else None
    for path, file in world.base_of(state).files.items():
        if path.endswith(".py") and (suspects is None or path in suspects) and editable(world, state, path):
            with PARSER, suppress(SyntaxError, ValueError):
                project.add(Source(path, file.data))
    with PARSER:
        return whole_space(project, scores, state.settings.seed, Tuning(without=world.search_without))
