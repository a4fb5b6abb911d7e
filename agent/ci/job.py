"""A job: its tasks in turns under what is left of common limits, then verified together."""

from __future__ import annotations

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
    at_work: Task | None = None

    @cached_property
    def together(self) -> Together:
        """By which candidates are verified."""
        return Together(self.world, self.survey, self.finish_by)

    @property
    def dollars(self) -> float:
        """Spent by all tasks."""
        return sum(task.run.state.booked for task in self.tasks)

    @property
    def left(self) -> Limits:
        """Of the job's limits."""
        loss = sum(task.run.state.spent.loss for task in self.tasks)
        limits = self.world.settings.limits
        return Limits(
            max(0.0, limits.dollars - self.dollars),
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
            if task.ended is None and task.fixed_by is not None:
                why = f"its tests pass with the candidate of {task.fixed_by.run.folder.name}"
                task.ended = ended_as(Outcome.INTERRUPTED, why)
            elif task.ended is None:
                self._drive(task, 0, Limits(0.0, 0.0, 0.0))
        return merged(self.world.take_base(), [task.edits for task in self.kept]) if self.kept else ()

    def _search(self) -> None:
        """Until every task has ended or has a candidate, or no time is left. Whatever promises most goes on:
        its cause is located, or it has one attempt. After that, another may promise more."""
        while self.left_to_search.seconds > LEAST_SECONDS:
            going_on = [task for task in self.tasks if task.ended is None and task.waits]
            open_ones: list[Prospect | Task] = [*self.unbegun, *going_on]
            if not open_ones:
                return
            left = self.left_to_search
            self._advance(max(open_ones, key=lambda each: _promise(each, left)), left)

    def _advance(self, chosen: Prospect | Task, left: Limits) -> None:
        """Begin a task, or go on with it."""
        if isinstance(chosen, Prospect):
            self.unbegun.remove(chosen)
            task = self._begun(chosen, left)
            self._drive(task, 1)
        else:
            task = chosen
            self._drive(task, 1, left)
        if task.parked:
            others = [each for each in self.tasks if each is not task and (each.waits or each.parked)]
            self._join(task, [*self.unbegun, *others])
        elif task.ended is None and not task.divisible:
            task.promised = self._promised(task)
        elif task.ended is None or task.ended.outcome is Outcome.NOT_FIXED:
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
        why = "no single edit makes all of its tests pass: they are tried in smaller groups"
        task.ended = task.ended or ended_as(Outcome.INTERRUPTED, why)
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
        settings = found.world.settings.model_copy(update={"limits": left, "surveyed": tuple(found.known)})
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

    def _drive(self, task: Task, attempts: int, left: Limits | None = None) -> None:
        """Until it ends, or has a candidate that is to be verified and was not yet, or needs another attempt
        (or reading) than so many. left: of the job's limits, where others were at work since then."""
        run = task.run
        if left is not None:
            run.append(LimitsLowered(left=left))
        if task.stopwatch > 0 and self.at_work is not task:
            self.view.note(f"going on with {run.folder.name}")
        self.at_work = task
        offset = task.stopwatch - time.monotonic()
        policy = policy_named(run.policy, run.state.settings.schedule)

        def clock() -> float:
            return time.monotonic() + offset

        def waits(step: Step) -> bool:
            nonlocal attempts
            if task.world.final is not None:  # of the candidate in hand, which so is submitted
                return False
            if step.kind in (StepKind.ACT, StepKind.PLAN) or _reads_anew(task, step):
                attempts -= 1
            return step.kind is StepKind.SUBMIT or attempts < 0

        def driven() -> RunEnded | None:
            drive(run.state, policy, task.effects, run.append, clock, self.view, waits)
            state = run.state
            if state.ended is None and state.decision is not None and state.decision.chosen is not None:
                return None
            return ended_as(state.ended or Outcome.INFRASTRUCTURE, state.explanation)

        task.ended = ended_by(driven)
        task.stopwatch = clock()
        self.view.finish()

    def _join(self, task: Task, groups: Sequence[Prospect | Task]) -> bool:
        """Those groups join the task whose tests pass with its candidate, where they execute what it edits: a
        test that does not, and passes, is flaky. Whether any did."""
        edited = {edit.path for edit in task.edits}
        reaching = {test for each in groups for test in each.tests if self.survey.reaches(test, edited)}
        near = [each for each in groups if reaching.issuperset(each.tests)]
        if not near or task.world.sandbox is None:
            return False
        task.world.finish_by = time.monotonic() + self.left.seconds / 4
        tests = tuple(dict.fromkeys(test for each in near for test in each.tests))
        looks = look(task.world, task.run.state, tests, JOIN_LOOKS, task.edits)
        if isinstance(looks, StepRefused):
            return False
        joining = [
            each for each in near if all(looks.passes[t] == looks.runs == JOIN_LOOKS for t in each.tests)
        ]
        task.joined += tuple(joining)
        self.unbegun = [each for each in self.unbegun if each not in joining]
        for each in joining:
            if isinstance(each, Task):
                each.with_task = task
        return bool(joining)

    def _leave_out(self, task: Task) -> None:
        """The groups that had joined wrongly wait again."""
        for each in task.left_out:
            if isinstance(each, Task):
                each.with_task = None
            else:
                self.unbegun.append(each)
        task.left_out = ()

    def _verify_together(self) -> None:
        """Verify what is parked in as few runs as can be: all together; where that fails, by halves."""
        refused = list[Task]()
        for task, final in self.together.verdicts(self.kept, [task for task in self.tasks if task.parked]):
            self._leave_out(task)
            if final is None:
                why = "no time was left to verify its candidate"
                task.ended = ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
                continue
            task.world.final = task.among(final) if isinstance(final, Final) else final
            self._drive(task, 0)
            if task.ended is None:
                task.promised = self._promised(task)
            if task.waits:
                refused.append(task)
            elif task.ended is not None and task.ended.outcome is Outcome.FIXED:
                self.kept.append(task)
        self._verify_kept()
        self._join_late(refused)

    def _join_late(self, refused: Sequence[Task]) -> None:
        """What was refused beside the others may be mended by one of them."""
        before = [(task, task.joined) for task in self.kept]
        joined = [self._join(task, [each for each in refused if each.waits]) for task in self.kept]
        if any(joined) and not self.together.holds(self.kept, self.together.run(self.kept)):
            for task, had in before:
                task.left_out, task.joined = task.joined[len(had) :], had
                self._leave_out(task)

    def _verify_kept(self) -> None:
        """Where they are not what was verified together last."""
        together = self.together
        while self.kept and self.kept != together.held:
            together.held = []
            if together.holds(self.kept, together.run(self.kept)):
                together.held = [*self.kept]
            else:
                why = "it holds only beside a candidate that was not kept"
                self.kept.pop().ended = ended_as(Outcome.INFRASTRUCTURE, why)

    def stop(self, code: int, why: str) -> tuple[FileEdit, ...]:
        """End what is under way with this exit code; returns the candidates in hand, not verified."""
        held = list[tuple[FileEdit, ...]]()
        for task in self.tasks:
            if task.run.state.hand is None or task.with_task is not None:
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


def _promise(each: Prospect | Task, left: Limits) -> tuple[bool, float, int]:
    """Whether it has a candidate already, which costs nothing more; what it promises; how many tests fail."""
    return isinstance(each, Task) and each.at_hand, best(each.promised, left), len(each.tests)


def _reads_anew(task: Task, step: Step) -> bool:
    return step.kind is StepKind.READ and step.subject not in task.prospect.known


def _slug(test: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", test)[-60:].strip("-.") or "task"
