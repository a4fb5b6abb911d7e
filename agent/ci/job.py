"""A job: its tasks in turns under what is left of common limits, then verified together."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from agent.ci.effects import TaskEffects
from agent.ci.merging import Conflict, merged
from agent.ci.promise import Horizon, best, horizons
from agent.ci.prospects import Bodies, Prospect, prospect
from agent.ci.survey import Survey
from agent.ci.tasks import Task
from agent.ci.together import LEAST_SECONDS, Together
from agent.errors import AgentError
from agent.events import LimitsLowered, RunEnded
from agent.fix import end, ended_as, ended_by, reported
from agent.loop import drive, worst_case
from agent.observations import StepRefused
from agent.policies import policy_named
from agent.prepare import look
from agent.report import Report
from agent.run import begin, signals_held
from agent.trace import Trace
from agent.view import View
from agent.world import Final, World
from policies.vocabulary import Limits, Outcome, Step, StepKind
from tools.files import FileEdit
from tools.repair.causes import finer

JOIN_LOOKS = 2
"""A test of another group that passes so often with a candidate joins its task, until both are verified."""


@dataclass
class Job:
    """What a job is done with. finish_by: monotonic seconds; folder: where traces go."""

    policy: str
    view: View
    folder: Path
    world: World
    survey: Survey
    bodies: Bodies
    finish_by: float
    tasks: list[Task] = field(default_factory=list)
    unbegun: list[Prospect] = field(default_factory=list)
    kept: list[Task] = field(default_factory=list)
    """Those whose candidates were verified together."""

    @cached_property
    def together(self) -> Together:
        """By which candidates are verified."""
        return Together(self.world, self.survey, self.finish_by)

    @property
    def left(self) -> Limits:
        """Of the job's limits."""
        spent = sum(task.run.state.booked for task in self.tasks)
        loss = sum(task.run.state.spent.loss for task in self.tasks)
        limits = self.world.settings.limits
        return Limits(
            max(0.0, limits.dollars - spent),
            max(0.0, self.finish_by - time.monotonic()),
            max(0.0, limits.loss - loss),
        )

    @property
    def left_to_search(self) -> Limits:
        """Of the job's limits, without the time that verifying the candidates in hand takes."""
        decisions = [task.run.state.decision for task in self.tasks if task.parked]
        verifying = max((worst_case(each).seconds for each in decisions if each), default=0.0)
        return replace(self.left, seconds=max(0.0, self.left.seconds - verifying))

    def carry_out(self) -> tuple[FileEdit, ...]:
        """All tasks to their ends; returns the edits that were verified together."""
        self.unbegun = self._prospects(self.survey.groups)
        while True:
            self._search()
            if not any(task.parked for task in self.tasks):
                break
            self._verify_together()  # what that refutes goes on
        for task in self.tasks:
            if task.ended is None:
                self._drive(task, 0.0, Limits(0.0, 0.0, 0.0))
        return merged(self.world.take_base(), [task.edits for task in self.kept]) if self.kept else ()

    def _search(self) -> None:
        """Until every task has ended or has a candidate, or no time is left."""
        while self.left_to_search.seconds > LEAST_SECONDS:
            going_on = [task for task in self.tasks if task.ended is None and not task.parked]
            open_ones: list[Prospect | Task] = [*self.unbegun, *going_on]
            if not open_ones:
                return
            left = self.left_to_search
            self._advance(max(open_ones, key=lambda each: best(each.promised, left)[0]), left)

    def _advance(self, chosen: Prospect | Task, left: Limits) -> None:
        """Go on with a task, or begin it, for as long as it promises most."""
        seconds = best(chosen.promised, left)[1].seconds
        if isinstance(chosen, Prospect):
            self.unbegun.remove(chosen)
            task = self._begun(chosen, left)
            self._drive(task, seconds)
        else:
            task = chosen
            self._drive(task, seconds, left)
        if task.parked:
            self.unbegun = self._without_those_it_fixes(task, self.unbegun)
        elif task.ended is None:
            task.promised = self._promised(task)
        elif task.ended.outcome is Outcome.NOT_FIXED:
            self.unbegun += self._split(task)

    def _promised(self, task: Task) -> tuple[Horizon, ...]:
        policy = policy_named(self.policy, task.run.state.settings.schedule)
        return horizons(task.run.state, policy, max(self.left_to_search.seconds, LEAST_SECONDS))

    def _split(self, task: Task) -> list[Prospect]:
        """The tests of a task that found nothing in smaller groups: no patch may make all of them pass."""
        tests, traced = task.prospect.tests, self.survey.traced
        if len(tests) == 1 or traced is None or self.left.seconds <= LEAST_SECONDS:
            return []
        task.split = True
        return self._prospects(finer(traced.traces, tests))

    def _prospects(self, groups: Sequence[tuple[str, ...]]) -> list[Prospect]:
        found = []
        for tests in groups:
            settings = self.world.settings.model_copy(update={"tests": tests})
            self.world.finish_by = self.finish_by
            longest = self.left_to_search.seconds
            found.append(prospect(self.world, self.survey, tests, settings, self.policy, longest))
        return found

    def _begun(self, found: Prospect, left: Limits) -> Task:
        settings = found.settings.model_copy(update={"limits": left, "surveyed": tuple(found.known)})
        number = len(self.tasks) + 1
        with signals_held():  # what is begun is ended, too
            run = begin(settings, self.folder / f"{number:02}-{_slug(found.tests[0])}", self.policy)
            world = replace(
                found.world,
                settings=settings,
                store=run.writer.blob,
                load=Trace(run.folder).blob,
                trace_folder=run.folder,
            )
            task = Task(run, world, TaskEffects(world, found.known, self.bodies), found)
            self.tasks.append(task)
        self.view.started(settings, str(run.folder), ())
        return task

    def _drive(self, task: Task, seconds: float = math.inf, left: Limits | None = None) -> None:
        """Until it ends, or has a candidate that is to be verified and was not yet, or `seconds` are over.
        left: of the job's limits, where others were at work since this task was."""
        run, began = task.run, time.monotonic()
        if left is not None:
            run.append(LimitsLowered(left=left))
        if task.stopwatch > 0:
            self.view.note(f"going on with {run.folder.name}")
        offset = task.stopwatch - began
        policy = policy_named(run.policy, run.state.settings.schedule)

        def clock() -> float:
            return time.monotonic() + offset

        def waits(step: Step) -> bool:
            if task.world.final is not None:  # of the candidate in hand, which so is submitted
                return False
            return step.kind is StepKind.SUBMIT or time.monotonic() - began > seconds

        def driven() -> RunEnded | None:
            drive(run.state, policy, task.effects, run.append, clock, self.view, waits)
            state = run.state
            if state.ended is None and state.decision is not None and state.decision.chosen is not None:
                return None
            return ended_as(state.ended or Outcome.INFRASTRUCTURE, state.explanation)

        task.ended = ended_by(driven)
        task.stopwatch = clock()
        self.view.finish()

    def _without_those_it_fixes(self, task: Task, waiting: list[Prospect]) -> list[Prospect]:
        """The groups that this candidate leaves failing; others join the task, where they execute what it
        edits: a test that does not, and passes, is flaky."""
        others = [test for each in waiting for test in each.tests]
        edited = {edit.path for edit in task.edits}
        near = tuple(test for test in others if self.survey.reaches(test, edited))
        if not near or task.world.sandbox is None:
            return waiting
        task.world.finish_by = time.monotonic() + self.left.seconds / 4
        looks = look(task.world, task.run.state, near, JOIN_LOOKS, task.edits)
        if isinstance(looks, StepRefused):
            return waiting
        passing = {test for test in near if looks.passes[test] == looks.runs == JOIN_LOOKS}
        joined = [each for each in waiting if passing.issuperset(each.tests)]
        task.joined += tuple(joined)
        return [each for each in waiting if each not in joined]

    def _verify_together(self) -> None:
        """Verify what is parked in as few runs as can be: all together; where that fails, by halves."""
        together = self.together
        for task, final in together.verdicts(self.kept, [task for task in self.tasks if task.parked]):
            self.unbegun += task.left_out
            task.left_out = ()
            if final is None:
                why = "no time was left to verify its candidate"
                task.ended = ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
                continue
            task.world.final = task.among(final) if isinstance(final, Final) else final
            self._drive(task, 0.0)
            if task.ended is None:
                task.promised = self._promised(task)
            elif task.ended.outcome is Outcome.FIXED:
                self.kept.append(task)
        if self.kept and self.kept != together.held:
            together.held = []
            if not together.holds(self.kept, together.run(self.kept)):
                raise AgentError("what was verified together does not hold without a part of it")
            together.held = [*self.kept]

    def stop(self, code: int) -> tuple[FileEdit, ...]:
        """End what is under way, as somebody outside wants; returns the candidates in hand, not verified."""
        why = "stopped from outside; the trace can be resumed"
        held = list[tuple[FileEdit, ...]]()
        for task in self.tasks:
            if task.run.state.hand is None:
                continue
            try:
                merged(self.world.take_base(), [*held, task.edits])
                held.append(task.edits)
            except Conflict:
                continue
        for task in self.tasks:
            task.ended = task.ended or ended_as(Outcome.INTERRUPTED, why, code)
        return merged(self.world.take_base(), held)

    def report(self, task: Task) -> Report:
        """Of a task that has ended; its trace is closed."""
        assert task.ended is not None
        end(task.run, task.ended)
        return reported(task.run, task.world, task.ended)


def _slug(test: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", test)[-60:].strip("-.") or "task"
