"""The live effects: steps done in a real sandbox, by real tiers."""

from __future__ import annotations

import time

from agent import deliver, prepare, work
from agent.loop import Performed
from agent.state import State
from agent.world import World
from policies.vocabulary import Bill, Step, StepKind


class LiveEffects:
    """Does each step with what the world holds, within the seconds reserved for it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def perform(self, state: State, step: Step, reserved: Bill) -> Performed:
        """See `agent.loop.Effects`."""
        world = self.world
        world.finish_by = time.monotonic() + reserved.seconds
        if step.subject == "intake":
            return Performed(prepare.intake(world, state))
        if step.subject == "environment":
            return Performed(prepare.environment(world, state))
        prepare.ready(world, state)
        match step.kind, step.subject:
            case _, "reproduce":
                return Performed(prepare.reproduce(world, state))
            case _, "baseline":
                return Performed(prepare.baseline(world, state))
            case StepKind.READ, _:
                return Performed(work.read_localise(world, state))
            case StepKind.PLAN, _:
                return work.plan(world, state, step)
            case StepKind.ACT, _:
                return work.act(world, state, step)
            case StepKind.VERIFY, _:
                return Performed(work.verify(world, state, step))
            case StepKind.SUBMIT, _:
                return deliver.submit(world, state, reserved.loss)
            case _:
                return Performed(deliver.defer(world, state))

    def close(self) -> None:
        """Remove what is left of the sandbox."""
        self.world.close()
