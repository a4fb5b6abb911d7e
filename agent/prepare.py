"""The steps before the first choice: intake, environment, reproduction, baseline."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from agent.environment import environment_of
from agent.errors import UsageError
from agent.observations import (
    BaselineDone,
    Counts,
    EnvironmentDone,
    IntakeDone,
    Observation,
    ReproductionDone,
    StepRefused,
)
from agent.patience import hung, on_base, reproducing
from agent.runners import COMMAND, PYTHON_RUNNERS, runner_name
from agent.settings import REPAIR
from agent.state import State
from agent.targets import MEND, hopeless, mendable, named_targets, narrowed, ran_short, uncollected
from agent.world import World
from policies.vocabulary import Outcome
from sandboxes.backend import Backend
from sandboxes.environments import Environment
from tools.base import Base
from tools.detection import PYTEST
from tools.endings import end_of
from tools.files import FileEdit
from tools.history import commits_of
from tools.host_git import GitError
from tools.patch import branch_problem
from tools.verdicts import SuiteRun

REPRODUCTION_RUNS = 2
"""Runs of the targets alone; with the baseline's that makes three looks at each target."""

MOST_SAID = 4000
"""Characters kept of what is said of a target that does not pass."""

CANNOT_EXECUTE, NOT_FOUND = 126, 127
"""A shell's exit codes for a command that is not there."""

CONFIGURATION = re.compile(r"ERROR: \S+\.(?:toml|ini|cfg):")
"""How pytest begins what it says of a configuration file that it cannot read."""

SUITE_RUN: TypeAdapter[SuiteRun] = TypeAdapter(SuiteRun)


def intake(world: World, state: State) -> Observation:
    """Take the base, and refuse a delivery that cannot be made before anything is spent."""
    base = world.take_base()
    settings = state.settings
    if settings.branch and (problem := branch_problem(base, settings.branch)):
        return StepRefused(outcome=Outcome.USAGE, message=problem)
    if settings.apply and not os.access(base.root, os.W_OK):
        return StepRefused(
            outcome=Outcome.USAGE, message=f"no permission to write to {base.root}; leave out --apply"
        )
    if settings.apply and base.git_dir is None:
        return StepRefused(
            outcome=Outcome.USAGE,
            message=f"{base.root} is not a git repository: only a patch file can come out; leave out --apply",
        )
    try:
        runner = runner_name(settings, world.recipe)
    except UsageError as error:
        return StepRefused(outcome=Outcome.USAGE, message=str(error))
    notes = list(base.notes)
    if runner not in (*PYTHON_RUNNERS, COMMAND):
        if all(tier.name == REPAIR for tier in settings.tiers):
            return StepRefused(
                outcome=Outcome.NOT_FIXED,
                message=f"no tier here can repair what {runner} runs: only the embedded one is configured, "
                "which repairs Python only; add another to your configuration",
            )
        notes.append(f"tests are run by {runner}; the embedded repair tier knows Python only")
    if base.git_dir is None:
        notes.append("not a git repository: working on a copy of the folder; only a patch file can come out")
    return IntakeDone(
        tree_hash=base.tree_hash,
        files=len(base.files),
        head=base.head,
        dirty=len(base.dirty),
        commits=_commits(base),
        runner=runner,
        notes=tuple(notes),
    )


def _commits(base: Base) -> int:
    """How many commits a search of the history could look at."""
    if base.git_dir is None or not base.head:
        return 0
    try:
        return len(commits_of(base.git_dir, base.head))
    except GitError:  # nothing depends on it but that search
        return 0


def environment(world: World, state: State) -> Observation:
    """Build (or find) the environment of the tests and start the sandbox."""
    base = world.base_of(state)
    built = find_environment(world, state)
    if state.runner == PYTEST and not built.has_pytest:
        named = state.settings.sandbox.image or state.settings.sandbox.dockerfile
        return StepRefused(
            outcome=Outcome.USAGE,
            message=f"the image of {named} has no pytest for its {built.python}: add it to the image, or say "
            "with --runner or --tests-command what else runs the tests",
        )
    world.enter(base, built)
    return EnvironmentDone(
        image=built.image,
        image_digest=built.digest,
        python=built.python,
        backend=built.backend,
        cached=built.cached,
        notes=built.notes,
        warnings=_of_backend(world.choose(state), state),
    )


def find_environment(world: World, state: State) -> Environment:
    """The environment of the base. Raises SandboxError, ImageError."""
    backend = world.choose(state)
    reaped = tuple(f"removed {orphan}, left by a run that is gone" for orphan in backend.reap())
    if world.environment_from is not None:
        found = world.environment_from(backend)
    else:
        found = environment_of(backend, world.base_of(state), state.settings.sandbox, world.left, world.say)
    return replace(found, notes=(*reaped, *found.notes))


def _of_backend(backend: Backend, state: State) -> tuple[str, ...]:
    """What a person should know of a backend that was not asked for by name, or that bounds less."""
    if state.settings.sandbox.backend == "auto" and backend.name != "docker":
        return (f"no container engine answers, so sandboxes are made by {backend.description}",)
    return (f"sandboxes are made by {backend.description}",) if backend.unbounded else ()


def ready(world: World, state: State) -> None:
    """Make sure the sandbox is there (after a resume it is not). Raises SandboxError, UsageError."""
    if world.sandbox is not None and world.sandbox.alive():
        return
    base = world.base_of(state)
    built = world.environment or find_environment(world, state)
    if state.environment is not None and built.digest != state.environment.image_digest:
        raise UsageError("the environment's image is no longer the one of this trace; start a new run")
    world.enter(base, built)


def reproduce(world: World, state: State) -> Observation:
    """Run the targets alone, more than once: do they fail here, and always?"""
    assert world.sandbox is not None
    named: dict[str, tuple[str, ...]] = {test: (test,) for test in state.wanted}
    if state.named:
        collected = world.runner(world.sandbox).collect(world.run_limits(world.left / 2))
        if problem := _no_command(state, collected):
            return StepRefused(outcome=Outcome.USAGE, message=problem)
        if not collected.complete:
            return StepRefused(outcome=Outcome.USAGE, message=_not_collected(state, collected))
        try:
            red = mendable(world.base_of(state), collected, state.settings.protected)
            named = named_targets(state.settings, collected, red)
        except UsageError as error:
            return StepRefused(outcome=Outcome.USAGE, message=str(error))
    targets = tuple(dict.fromkeys(test for tests in named.values() for test in tests))
    looked = look(world, state, targets, REPRODUCTION_RUNS)
    if isinstance(looked, StepRefused):
        return looked
    targets = narrowed(named, looked.failures, looked.passes)
    if not targets:
        return StepRefused(outcome=Outcome.NOT_REPRODUCED, message=f"skipped here: {', '.join(named)}")
    return looked.of(targets)


@dataclass(frozen=True)
class Looks:
    """Runs of tests alone, on the base: how often each passed, how often it failed (a skipped one did
    neither), and what was said of it when it did not pass. seconds_each: of a run of all of them; hanging:
    tests that ran into their time limit."""

    runs: int
    passes: Mapping[str, int]
    failures: Mapping[str, int]
    messages: Mapping[str, str]
    seconds_each: float
    hanging: frozenset[str]

    @classmethod
    def none(cls) -> Looks:
        """No test was looked at."""
        return cls(0, {}, {}, {}, 0.0, frozenset())

    def and_again(self, more: Looks) -> Looks:
        """These and more looks at some of the tests: of those alone."""
        tests, runs = tuple(more.passes), self.runs + more.runs
        return Looks(
            runs,
            {test: self.passes[test] + more.passes[test] for test in tests},
            {test: self.failures[test] + more.failures[test] for test in tests},
            {test: self.messages[test] or more.messages[test] for test in tests},
            (self.seconds_each * self.runs + more.seconds_each * more.runs) / max(1, runs),
            self.hanging | more.hanging,
        )

    def of(self, targets: tuple[str, ...]) -> ReproductionDone:
        """What they say of these."""
        known = set(targets)
        return ReproductionDone(
            targets=targets,
            runs=self.runs,
            passes=tuple(self.passes[target] for target in targets),
            seconds_each=self.seconds_each,
            messages=tuple(self.messages[target] for target in targets),
            hanging=tuple(sorted(test for test in self.hanging if {test, test.split("::")[0]} & known)),
        )


def look(
    world: World, state: State, targets: tuple[str, ...], times: int, edits: tuple[FileEdit, ...] = ()
) -> Looks | StepRefused:
    """Run these tests alone on the base (with these edits), so many times; fewer where all of them hang."""
    assert world.sandbox is not None
    failures, passes = dict.fromkeys(targets, 0), dict.fromkeys(targets, 0)
    messages, spent, runs = dict.fromkeys(targets, ""), 0.0, 0
    hanging: set[str] = set()
    for number in range(times):
        share = world.left / (times - number)
        with world.edited(world.sandbox, edits):
            limits = reproducing(world, state, share)
            run = world.run_tests(world.sandbox, targets, limits, f"reproducing, run {number + 1} of {times}")
        spent += run.seconds
        if not run.verdicts and run.collection_errors.keys() <= run.short.keys():
            short = _ran_short(state, run)
            return StepRefused(
                outcome=Outcome.USAGE, message=short or f"the failing tests cannot be run: {run.problem}"
            )
        for target in targets:
            verdict, passed = run.verdicts.get(target), run.passed(target)
            passes[target] += passed
            failures[target] += not passed and (verdict is None or verdict.bad)
            messages[target] = messages[target] or _message(run, target)
        runs += 1
        hanging.update(hung(run))
        if run.verdicts and hanging >= set(run.verdicts):
            break  # what hangs hardly hangs by chance, and another look would take as long
    return Looks(runs, passes, failures, messages, spent / runs, frozenset(hanging))


def _message(run: SuiteRun, target: str) -> str:
    """What was said of a target that does not pass (untrusted)."""
    if target in run.verdicts:
        return run.verdicts[target].message[-MOST_SAID:]
    error = run.collection_errors.get(target.split("::")[0])
    return f"cannot be collected:\n{end_of(error, MOST_SAID)}" if error else "no verdict"


def baseline(world: World, state: State) -> Observation:
    """Run the whole suite on the base: what fails, what passes, and how long it takes."""
    assert world.sandbox is not None
    with world.edited(world.sandbox, ()):
        limits = on_base(world, state, world.left)
        run = world.run_tests(world.sandbox, None, limits, "the whole suite on the base")
    if problem := _no_command(state, run):
        return StepRefused(outcome=Outcome.USAGE, message=problem)
    if not run.complete and not run.verdicts:
        return StepRefused(outcome=Outcome.USAGE, message=_not_collected(state, run))
    red = mendable(world.base_of(state), run, state.settings.protected)
    if not state.named and (problem := _not_whole(state, run, red)):
        return StepRefused(outcome=Outcome.USAGE, message=problem)
    return BaselineDone(
        counts=count(run),
        failing=(*run.failing, *red),
        complete=run.complete,
        problem=run.problem,
        suite_seconds=run.seconds,
        verdicts=world.store(SUITE_RUN.dump_json(run)),
        key=world.verdict_key(world.base_of(state).tree_hash, None, on_base(world, state, math.inf)),
        uncollected=uncollected(run),
        hanging=hung(run),
    )


def baseline_run(world: World, state: State) -> SuiteRun:
    """The baseline's verdicts, read back from the trace."""
    assert state.baseline is not None
    return SUITE_RUN.validate_json(world.load(state.baseline.verdicts))


def count(run: SuiteRun) -> Counts:
    """Tests by outcome."""
    verdicts = run.verdicts.values()
    passed, failed = sum(verdict.passed for verdict in verdicts), sum(verdict.bad for verdict in verdicts)
    return Counts(
        collected=len(run.collected),
        passed=passed,
        failed=failed,
        skipped=len(run.verdicts) - passed - failed,
        uncollected=len(run.collection_errors),
    )


def _not_whole(state: State, run: SuiteRun, red: tuple[str, ...]) -> str:
    """Why nobody could say of the suite what fails in it, or "". A file that does not collect fails as well:
    a run that mends the rest would end green, and the suite would not be. `red`: files that can be mended."""
    if hopeless(run, red):
        fails = run.failing or red
        one = "; to mend something else all the same, name its tests with --test" if fails else ""
        return ("" if fails or not run.collected else "nothing fails, but ") + (
            _not_collected(state, run) + one
        )
    if not run.failing and not red and not run.complete:
        return f"nothing failed, but the suite did not run to its end: {run.problem}"
    return "" if run.collected or red else "the suite has no tests: nothing was collected"


def _no_command(state: State, run: SuiteRun) -> str:
    """Why the tests' command cannot be run at all, or ""."""
    if state.runner == PYTEST or run.exit_code not in (CANNOT_EXECUTE, NOT_FOUND):
        return ""
    said = run.output.strip().splitlines()
    return f"the command of the tests cannot be run: {said[-1] if said else state.runner}"


def _not_collected(state: State, run: SuiteRun) -> str:
    what = "a part of the suite" if run.collected else "the suite"
    why = uncollected(run) or run.problem
    # No dependency mends a configuration file that cannot be read.
    mend = "" if CONFIGURATION.search(why) else MEND
    return _ran_short(state, run) or f"{what} cannot be collected: {why}{mend}"


def _ran_short(state: State, run: SuiteRun) -> str:
    """What collecting ran out of, "" when it was nothing or other files do not collect for other reasons."""
    if not run.short or set(run.collection_errors) - set(run.short):
        return ""
    file, shortage = next(iter(run.short.items()))
    return ran_short(state.settings, file or "the suite", shortage)
