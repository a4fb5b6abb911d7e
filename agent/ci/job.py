"""A job: its tasks in turns under what is left of common limits, then verified together."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.ci.effects import TaskEffects
from agent.ci.merging import Conflict, merged
from agent.ci.promise import Horizon, best, horizons
from agent.ci.prospects import Bodies, Prospect, prospect
from agent.ci.survey import Survey
from agent.deliver import run_finally, unconfirmed
from agent.edits import load_edits
from agent.errors import AgentError
from agent.events import LimitsLowered, RunEnded
from agent.fix import ended_as, ended_by, reported
from agent.loop import drive, worst_case
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
    promised: tuple[Horizon, ...] = ()
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

    def among(self, final: Final) -> Final:
        """A verification of several tasks, as this one has it."""
        own = self.run.state.run_id
        return replace(final, beside=tuple(run for run in final.beside if run != own))

    @property
    def parked(self) -> bool:
        """Whether its candidate waits to be verified."""
        chosen = self.run.state.decision.chosen if self.run.state.decision else None
        return self.ended is None and chosen is not None and chosen.kind is StepKind.SUBMIT


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
    held: list[Task] = field(default_factory=list)
    """The tasks whose candidates were verified together last, and hold."""

    flaky: frozenset[str] = frozenset()
    """Tests beside the targets that verifying showed to be flaky."""

    suite: SuiteRun | None = None
    """Of that verification; of the last one that was tried, where none held."""

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
            for task, final in self._verdicts(kept, parked):
                if final is None:
                    why = "no time was left to verify its candidate"
                    task.ended = ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {why}")
                    continue
                task.world.final = task.among(final) if isinstance(final, Final) else final
                self._drive(task)
                if task.ended and task.ended.outcome is Outcome.FIXED:
                    kept.append(task)
        if kept and kept != self.held and not self._holds(kept, self._run(kept)):
            raise AgentError("what was verified together does not hold without a part of it")
        return merged(self.world.take_base(), [task.edits for task in kept]) if kept else ()

    def _verdicts(
        self, kept: Sequence[Task], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Final | Refusal | None]]:
        """What becomes of each candidate beside those that are kept: the run that shows it (None: no time).
        Those that hold are kept from then on, but one that waits for a person."""
        together = [*kept]
        fitting, alone = list[Task](), [task for task in tasks if unconfirmed(task.run.state)]
        for task in tasks:
            if task in alone:
                continue
            try:
                merged(self.world.take_base(), [each.edits for each in (*kept, *fitting, task)])
                fitting.append(task)
            except Conflict as conflict:
                yield task, Refusal(str(conflict))
        waiting = [*([task] for task in alone), *([fitting] if fitting else [])]
        while waiting:
            some = waiting.pop()
            final = self._run([*together, *some]) if self.left.seconds > LEAST_SECONDS else None
            holds = final is not None and self._holds([*together, *some], final)
            if holds and some[0] not in alone:
                together += some
                self.held, self.suite = [*together], final.suite if final else None
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
        self.flaky |= frozenset(final.flaky)
        self.suite = self.suite if self.held else final.suite
        return replace(final, beside=tuple(task.run.state.run_id for task in tasks))

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
