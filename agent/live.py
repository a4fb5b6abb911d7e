"""The live effects: steps done in a real sandbox, by real tiers."""

from __future__ import annotations

import time

from agent import asking, bisecting, deliver, prepare, work
from agent.events import TierSeen
from agent.loop import Performed
from agent.purse import Purse
from agent.repairing import act_repair
from agent.runners import PYTHON_RUNNERS
from agent.settings import REPAIR
from agent.state import State
from agent.world import World
from policies.vocabulary import Check, Step, StepKind


class LiveEffects:
    """Does each step with what the world holds, within the seconds reserved for it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def look(self, state: State) -> tuple[TierSeen, ...]:
        """See `agent.loop.Effects`."""
        return () if state.belief.preparations else self.world.look()

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """See `agent.loop.Effects`."""
        world = self.world
        world.finish_by = time.monotonic() + purse.reserved.seconds
        if step.subject == "intake":
            return Performed(prepare.intake(world, state))
        if step.subject == "environment":
            return Performed(prepare.environment(world, state))
        asks = step.tier is not None and step.tier != REPAIR
        if world.sandbox is None or not asks:  # who asks needs it for what comes back only, see `asking`
            prepare.ready(world, state)
        match step.kind, step.subject:
            case _, "reproduce":
                return Performed(prepare.reproduce(world, state))
            case _, "baseline":
                return Performed(prepare.baseline(world, state))
            case StepKind.READ, "history":
                return Performed(bisecting.search_history(world, state))
            case StepKind.READ, _:
                traced = state.runner in PYTHON_RUNNERS
                return Performed(
                    work.read_localise(world, state) if traced else work.read_mentioned(world, state)
                )
            case StepKind.PLAN, _:
                return Performed(asking.plan(world, state, step, purse))
            case StepKind.ACT, _:
                embedded = step.tier == REPAIR
                return Performed(
                    act_repair(world, state) if embedded else asking.act(world, state, step, purse)
                )
            case StepKind.VERIFY, _:
                assert step.check is not None
                if step.check is Check.REVIEW:
                    return Performed(asking.review(world, state, step, purse))
                return Performed(work.verify(world, state, step.check))
            case StepKind.SUBMIT, _:
                return deliver.submit(world, state, purse.reserved.loss, purse.record)
            case _:
                return Performed(deliver.defer(world, state))

    def close(self) -> None:
        """Remove what is left of the sandbox."""
        self.world.close()
