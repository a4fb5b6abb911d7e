"""What a candidate passed and then failed: is it the candidate, or does the test fail at random?"""

from __future__ import annotations

from agent.observations import ReproductionDone, StepRefused
from agent.prepare import look
from agent.state import State
from agent.world import World

DOUBTFUL_LOOKS = 8
"""At the base: a test that passes every third time is found out to be flaky with a probability of 0.96."""

SPARE = 1.5
"""A look that is cut off would tell nothing: each has so many times what one took."""


def looked_again(world: World, state: State, failing: tuple[str, ...]) -> ReproductionDone | None:
    """Looks at the base, without the candidate in hand: it passed these targets, and now fails them on the
    same tree. As many as there is time for; once in a run, as so many leave little doubt. None where there is
    nothing to look at.

    Raises SandboxError.
    """
    if not failing or state.looked_again is not None or state.reproduction is None:
        return None
    times = min(DOUBTFUL_LOOKS, int(world.left / max(SPARE * state.reproduction.seconds_each, 1e-3)))
    if times == 0:
        return None
    looks = look(world, state, failing, times)
    return None if isinstance(looks, StepRefused) else looks.of(failing).model_copy(update={"messages": ()})
