"""Candidates of several tasks verified together, in as few runs as can be."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agent.ci.merging import Conflict, merged
from agent.ci.survey import Survey
from agent.ci.tasks import Task
from agent.deliver import run_finally, unconfirmed
from agent.prepare import baseline_run
from agent.world import Final, Refusal, World
from tools.patch import patched_tree_hash
from tools.verdicts import SuiteRun, judge

LEAST_SECONDS = 5.0
"""Left of the deadline, below which nothing further is begun."""


@dataclass
class Together:
    """What candidates are verified with, and what that showed. finish_by: monotonic seconds. held: the tasks
    whose candidates were verified together last, and hold; suite: of the verification that held, or of the
    last one that was tried."""

    world: World
    survey: Survey
    finish_by: float
    held: list[Task] = field(default_factory=list)
    suite: SuiteRun | None = None

    def verdicts(
        self, kept: Sequence[Task], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Final | Refusal | None]]:
        """What becomes of each candidate beside those that are kept: the run that shows it (None: no time).
        Those that hold are kept from then on. One that waits for people is verified alone: it is delivered
        by itself, or not at all."""
        together = [*kept]
        fitting, alone = list[Task](), [task for task in tasks if unconfirmed(task.run.state)]
        for task in tasks:
            if task in alone:
                continue
            try:
                merged(self.world.take_base(), [each.edits for each in (*kept, *fitting, task)])
                fitting.append(task)
            except Conflict as conflict:
                task.leave_out()
                yield task, Refusal(str(conflict))
        waiting = [*([task] for task in alone), *([fitting] if fitting else [])]
        while waiting:
            some = waiting.pop()
            beside = [] if some[0] in alone else together
            final = self.run([*beside, *some]) if self.finish_by - time.monotonic() > LEAST_SECONDS else None
            holds = final is not None and self.holds([*beside, *some], final)
            if not holds and final is not None and len(some) == 1 and some[0].joined:
                task = some[0]
                task.leave_out()
                holds = self.holds([*beside, task], final)
            if holds and beside is together:
                together += some
                self.held, self.suite = [*together], final.suite if final else None
            if holds or final is None:
                yield from ((task, final) for task in some)
            elif len(some) == 1:
                yield some[0], self._alone(some[0], final, beside)
            else:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]

    def _alone(self, task: Task, final: Final, kept: Sequence[Task]) -> Final | Refusal:
        """What the run of one candidate that does not hold beside those that are kept says of itself."""
        if not self.holds([task], final):
            return final
        broken = [
            test for test in _targets(kept) if not (final.suite.passed(test) and final.alone.passed(test))
        ]
        return Refusal(f"with it, what other candidates fix fails again: {', '.join(broken[:3])}")

    def run(self, tasks: Sequence[Task]) -> Final:
        """A final verification of these together. Raises SandboxError."""
        base = self.world.take_base()
        edits = merged(base, [task.edits for task in tasks])
        self.world.finish_by = self.finish_by
        tree = patched_tree_hash(base, edits)
        states = [task.run.state for task in tasks]
        state = next((each for each in states if each.looked_again is None), states[0])
        final = run_finally(self.world, state, edits, tree, _targets(tasks))
        self.suite = self.suite if self.held else final.suite
        return replace(final, beside=tuple(task.run.state.run_id for task in tasks))

    def holds(self, tasks: Sequence[Task], final: Final) -> bool:
        """Whether it shows that all of them are fixed, and nothing else is broken."""
        targets = _targets(tasks)
        baseline = baseline_run(self.world, self.survey.state)
        judgement = judge(baseline, final.suite, targets, final.flaky)
        alone = final.alone.complete and all(map(final.alone.passed, targets))
        return judgement.fixed and alone and not final.by_chance(targets)


def _targets(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Of all of them, each once."""
    return tuple(dict.fromkeys(test for task in tasks for test in task.tests))
