"""The steps of a task, with what the job knows already in place of looking again."""

from __future__ import annotations

from agent.ci.prospects import Bodies
from agent.events import blobs_of
from agent.live import LiveEffects
from agent.loop import Performed
from agent.observations import Observation
from agent.purse import Purse
from agent.state import State
from agent.world import World
from policies.vocabulary import Step, StepKind


class TaskEffects(LiveEffects):
    """As a run's own; preparations and the first reading are those of the survey, and bought once."""

    def __init__(self, world: World, known: dict[str, Observation], bodies: Bodies) -> None:
        super().__init__(world)
        self._known = dict(known)
        self._bodies = bodies

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """See `agent.loop.Effects`."""
        seen = self._known.pop(step.subject, None)
        if seen is None:
            if step.kind is StepKind.ACT:
                self.world.final = None  # it is of the candidate that this drops
            performed = super().perform(state, step, purse)
            if step.kind is StepKind.SUBMIT:
                self.world.final = None
            return performed
        for name in blobs_of(seen):
            self.world.store(self._bodies.load(name))
        return Performed(seen)

    def close(self) -> None:
        """The sandbox is the job's."""
