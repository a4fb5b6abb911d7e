"""A task of a job: an ordinary run, which shares its sandbox and its final verification with others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.ci.effects import TaskEffects
from agent.ci.promise import Horizon
from agent.ci.prospects import Prospect
from agent.edits import load_edits
from agent.events import RunEnded
from agent.run import Run
from agent.world import Final, World
from policies.vocabulary import StepKind
from tools.files import FileEdit


@dataclass
class Task:
    """A run of the job. joined: other groups whose tests its candidate makes pass as well; left_out: those of
    them that the final verification showed otherwise. split: it found no patch for all of its tests, and they
    became groups of their own."""

    run: Run
    world: World
    effects: TaskEffects
    prospect: Prospect
    promised: tuple[Horizon, ...] = ()
    joined: tuple[Prospect, ...] = ()
    left_out: tuple[Prospect, ...] = ()
    split: bool = False
    stopwatch: float = 0.0
    ended: RunEnded | None = None

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """Of the candidate in hand."""
        assert self.run.state.hand is not None
        return load_edits(self.world.load(self.run.state.hand.patch))

    @property
    def also(self) -> tuple[str, ...]:
        """Tests of the groups that joined."""
        return tuple(test for each in self.joined for test in each.tests)

    @property
    def tests(self) -> tuple[str, ...]:
        """That are to pass with its candidate."""
        return (*self.prospect.tests, *self.also)

    def among(self, final: Final) -> Final:
        """A verification of several tasks, as this one has it."""
        own = self.run.state.run_id
        return replace(final, beside=tuple(run for run in final.beside if run != own))

    @property
    def parked(self) -> bool:
        """Whether its candidate waits to be verified."""
        chosen = self.run.state.decision.chosen if self.run.state.decision else None
        return self.ended is None and chosen is not None and chosen.kind is StepKind.SUBMIT
