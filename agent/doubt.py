"""Does a test fail for a cause, or at random? Looks at the base that a candidate gives reason for.

What a candidate passed and then failed may fail at random; so may what fails always, as far as a few looks
tell: then a candidate that does nothing passes it sooner or later.
"""

from __future__ import annotations

from agent.forecast import DOUBTFUL_LOOKS, looks_without
from agent.observations import ReproductionDone, StepRefused
from agent.prepare import look
from agent.state import State
from agent.world import World
from tools.files import FileEdit

SPARE = 1.5
"""A look that is cut off would tell nothing: each has so many times what one took."""


def looked_again(world: World, state: State, failing: tuple[str, ...]) -> ReproductionDone | None:
    """Looks at the base, without the candidate in hand: it passed these targets, and now fails them on the
    same tree. As many as there is time for; once in a run, as so many leave little doubt. None where there is
    nothing to look at.

    Raises SandboxError.
    """
    if not failing or state.looked_again is not None:
        return None
    return _looks(world, state, failing, DOUBTFUL_LOOKS)


def looked_without(
    world: World, state: State, targets: tuple[str, ...], edits: tuple[FileEdit, ...]
) -> ReproductionDone | None:
    """Looks at the base, once these edits made all targets pass: do they still fail without? As many as pay
    (`looks_without`), and all where a target executes nothing that is edited: then it passes by chance, or in
    a way that no tracer sees. None for no look.

    Raises SandboxError.
    """
    paths, traced = {edit.path for edit in edits}, world.traced
    strange = traced is not None and not all(traced.reaches(target, paths) for target in targets)
    return _looks(world, state, targets, DOUBTFUL_LOOKS if strange else looks_without(state, len(targets)))


def _looks(world: World, state: State, tests: tuple[str, ...], most: int) -> ReproductionDone | None:
    if state.reproduction is None:
        return None
    times = min(most, int(world.left / max(SPARE * state.reproduction.seconds_each, 1e-3)))
    if times == 0:
        return None
    looks = look(world, state, tests, times)
    return None if isinstance(looks, StepRefused) else looks.of(tests).model_copy(update={"messages": ()})
