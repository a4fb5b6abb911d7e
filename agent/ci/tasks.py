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
from policies.vocabulary import Outcome, StepKind
from tools.files import FileEdit


@dataclass(eq=False)
class Task:
    """A run of the job. joined: other groups, begun or not, whose tests its candidate makes pass as well;
    left_out: those of them that the final verification showed otherwise; with_task: the one that it joined.
    split: it found no patch for all of its tests, and they became groups of their own."""

    run: Run
    world: World
    effects: TaskEffects
    prospect: Prospect
    promised: tuple[Horizon, ...] = ()
    joined: tuple[Prospect | Task, ...] = ()
    left_out: tuple[Prospect | Task, ...] = ()
    with_task: Task | None = None
    split: bool = False
    stopwatch: float = 0.0
    ended: RunEnded | None = None

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """Of the candidate in hand."""
        assert self.run.state.hand is not None
        return load_edits(self.world.load(self.run.state.hand.patch))

    def leave_out(self) -> None:
        """Its candidate is not for the groups that had joined."""
        self.left_out, self.joined = (*self.left_out, *self.joined), ()

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
    def waits(self) -> bool:
        """Whether its tests still need a candidate."""
        settled = self.ended is not None and self.ended.outcome in (Outcome.FIXED, Outcome.FLAKY)
        return not (settled or self.parked or self.split or self.with_task)

    @property
    def at_hand(self) -> bool:
        """Whether a candidate was found while the search showed its pace: the next attempt takes no time."""
        return self.world.searching is not None and self.world.searching.search.found

    @property
    def divisible(self) -> bool:
        """Whether no single edit makes all of its tests pass: they may have several causes."""
        search = self.world.searching
        return len(self.prospect.tests) > 1 and search is not None and search.search.paired

    @property
    def fixed_by(self) -> Task | None:
        """The task whose candidate is for its tests, too, where it is another one."""
        return self.with_task and (self.with_task.fixed_by or self.with_task)

    @property
    def parked(self) -> bool:
        """Whether its candidate waits to be verified."""
        chosen = self.run.state.decision.chosen if self.run.state.decision else None
        open_now = self.ended is None and self.with_task is None
        return open_now and chosen is not None and chosen.kind is StepKind.SUBMIT
