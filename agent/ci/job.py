"""A job: its tasks one after the other under what is left of common limits, then verified together."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.ci.effects import TaskEffects
from agent.ci.merging import Conflict, merged
from agent.ci.prospects import Bodies, Prospect, prospect
from agent.ci.survey import Survey
from agent.deliver import run_finally
from agent.edits import load_edits
from agent.events import RunEnded
from agent.fix import ended_as, ended_by, reported
from agent.loop import drive
from agent.policies import policy_named
from agent.prepare import baseline_run
from agent.report import Report
from agent.run import Run, begin, signals_held
from agent.trace import Trace
from agent.view import View
from agent.world import Final, Refusal, World
from policies.vocabulary import Limits, Outcome, Step, StepKind
from tools.files import FileEdit
from tools.patch import patched_tree_hash
from tools.repair.causes import finer
from tools.verdicts import SuiteRun, judge

LEAST_SECONDS = 5.0
"""Left of the deadline, below which no further task is begun."""


@dataclass
class Task:
    """A run of the job. also: tests of other groups that its candidate makes pass as well. split: it found no
    patch for all of its tests, and they became groups of their own."""

    run: Run
    world: World
    effects: TaskEffects
    prospect: Prospect
    also: tuple[str, ...] = ()
    split: bool = False
    stopwatch: float = 0.0
    ended: RunEnded | None = None

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """Of the candidate in hand."""
        assert self.run.state.hand is not None
        return load_edits(self.world.load(self.run.state.hand.patch))

    @property
    def tests(self) -> tuple[str, ...]:
        """That are to pass with its candidate."""
        return (*self.prospect.tests, *self.also)

    @property
    def parked(self) -> bool:
        """Whether its candidate waits to be verified."""
        return self.ended is None and self.run.state.hand is not None


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
    suite: SuiteRun | None = None
    """Of the last final verification."""

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

    def carry_out(self) -> tuple[FileEdit, ...]:
        """All tasks to their ends; returns the edits that were verified together."""
        waiting = self._prospects(self.survey.groups)
        while waiting and self.left.seconds > LEAST_SECONDS:
            best = max(waiting, key=lambda each: each.rate)
            waiting.remove(best)
            task = self._begun(best)
            self._drive(task)
            if task.parked:
                waiting = self._without_those_it_fixes(task, waiting)
            elif task.ended is not None and task.ended.outcome is Outcome.NOT_FIXED:
                waiting += self._split(task)
        self.unbegun = waiting
        return self._verified_together()

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
            found.append(prospect(self.world, self.survey, tests, settings, self.policy))
        return found

    def _begun(self, found: Prospect) -> Task:
        settings = found.settings.model_copy(update={"limits": self.left, "surveyed": tuple(found.known)})
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

    def _drive(self, task: Task) -> None:
        """Until it ends, or has a candidate that is to be verified and was not yet."""
        run, began = task.run, time.monotonic()
        offset = task.stopwatch - began
        policy = policy_named(run.policy, run.state.settings.schedule)

        def clock() -> float:
            return time.monotonic() + offset

        def unverified(step: Step) -> bool:
            return step.kind is StepKind.SUBMIT and task.world.final is None

        def driven() -> RunEnded | None:
            drive(run.state, policy, task.effects, run.append, clock, self.view, unverified)
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
            for task, final in self._verdicts(kept, parked):
                if final is None:
                    why = "no time was left to verify its candidate"
                    task.ended = ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
                    continue
                task.world.final = final
                self._drive(task)
                if task.ended and task.ended.outcome is Outcome.FIXED:
                    kept.append(task)
        return merged(self.world.take_base(), [task.edits for task in kept]) if kept else ()

    def _verdicts(
        self, kept: Sequence[Task], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Final | Refusal | None]]:
        """What becomes of each candidate beside those that are kept: the run that shows it (None: no time).
        Those that hold are kept from then on."""
        together = [*kept]
        fitting = list[Task]()
        for task in tasks:
            try:
                merged(self.world.take_base(), [each.edits for each in (*kept, *fitting, task)])
                fitting.append(task)
            except Conflict as conflict:
                yield task, Refusal(str(conflict))
        waiting = [fitting] if fitting else []
        while waiting:
            some = waiting.pop()
            final = self._run([*together, *some]) if self.left.seconds > LEAST_SECONDS else None
            holds = final is not None and self._holds([*together, *some], final)
            together += some if holds else []
            if holds or final is None or len(some) == 1:
                yield from ((task, final) for task in some)
            else:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]

    def _run(self, tasks: Sequence[Task]) -> Final:
        base = self.world.take_base()
        edits = merged(base, [task.edits for task in tasks])
        targets = tuple(dict.fromkeys(test for task in tasks for test in task.tests))
        self.world.finish_by = self.finish_by
        tree = patched_tree_hash(base, edits)
        final = run_finally(self.world, tasks[0].run.state, edits, tree, targets)
        self.suite = final.suite
        return final

    def _holds(self, tasks: Sequence[Task], final: Final) -> bool:
        targets = tuple(dict.fromkeys(test for task in tasks for test in task.tests))
        baseline = baseline_run(self.world, self.survey.state)
        judgement = judge(baseline, final.suite, targets, final.flaky)
        return judgement.fixed and final.alone.complete and all(map(final.alone.passed, targets))

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
        task.run.append(task.ended)
        return reported(task.run, task.world, task.ended)


def _slug(test: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", test)[-60:].strip("-.") or "task"
