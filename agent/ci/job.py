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
from agent.ci.promise import best, horizons
from agent.ci.prospects import Bodies, Prospect, prospect
from agent.ci.survey import Survey
from agent.ci.tasks import Task
from agent.ci.together import LEAST_SECONDS, Together
from agent.errors import AgentError
from agent.events import LimitsLowered, RunEnded
from agent.fix import end, ended_as, ended_by, reported
from agent.loop import drive, worst_case
from agent.policies import policy_named
from agent.report import Report
from agent.run import begin, signals_held
from agent.trace import Trace
from agent.view import View
from agent.world import Final, World
from policies.vocabulary import Limits, Outcome, Step, StepKind
from tools.files import FileEdit
from tools.repair.causes import finer


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
        while self.left_to_search.seconds > LEAST_SECONDS:
            going_on = [task for task in self.tasks if task.ended is None and not task.parked]
            open_ones: list[Prospect | Task] = [*self.unbegun, *going_on]
            if not open_ones:
                break
            left = self.left_to_search
            _, number = max((best(each.promised, left)[0], -n) for n, each in enumerate(open_ones))
            self._advance(open_ones[-number], left)
        for task in self.tasks:
            if task.ended is None and not task.parked:
                self._drive(task, 0.0, Limits(0.0, 0.0, 0.0))
        return self._verified_together()

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
            policy = policy_named(self.policy, task.run.state.settings.schedule)
            task.promised = horizons(task.run.state, policy, left.seconds)
        elif task.ended.outcome is Outcome.NOT_FIXED:
            self.unbegun += self._split(task)

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
        offset = task.stopwatch - began
        policy = policy_named(run.policy, run.state.settings.schedule)

        def clock() -> float:
            return time.monotonic() + offset

        def waits(step: Step) -> bool:
            unverified = step.kind is StepKind.SUBMIT and task.world.final is None
            return unverified or time.monotonic() - began > seconds

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
        """The groups that this candidate leaves failing; tests of others join the task."""
        others = tuple(test for each in waiting for test in each.tests)
        sandbox = task.world.sandbox
        if not others or sandbox is None:
            return waiting
        with task.world.edited(sandbox, task.edits):
            run = task.world.run_tests(
                sandbox,
                others,
                task.world.run_limits(self.left.seconds / 4),
                "the other failures with this patch",
            )
        joined = [each for each in waiting if all(run.passed(test) for test in each.tests)]
        task.also += tuple(test for each in joined for test in each.tests)
        return [each for each in waiting if each not in joined]

    def _verified_together(self) -> tuple[FileEdit, ...]:
        """Verify what is parked in as few runs as can be: all together; where that fails, by halves."""
        kept: list[Task] = []
        while parked := [task for task in self.tasks if task.parked]:
            for task, final in self.together.verdicts(kept, parked):
                if final is None:
                    why = "no time was left to verify its candidate"
                    task.ended = ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
                    continue
                task.world.final = task.among(final) if isinstance(final, Final) else final
                self._drive(task)
                if task.ended and task.ended.outcome is Outcome.FIXED:
                    kept.append(task)
        together = self.together
        if kept and kept != together.held and not together.holds(kept, together.run(kept)):
            raise AgentError("what was verified together does not hold without a part of it")
        return merged(self.world.take_base(), [task.edits for task in kept]) if kept else ()

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
