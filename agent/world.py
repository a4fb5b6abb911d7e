"""What the live effects hold on to: the base, the environment, the sandbox and what runs in it.

Everything here can be made anew from the trace's events and the user's tree, so a resumed run starts with
an empty world and fills it as it needs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from agent.environment import MEMORY_SHARE, fitting_base
from agent.errors import UsageError
from agent.events import TierSeen
from agent.observations import ReproductionDone
from agent.runners import recipe_of, runner_in
from agent.sandbox_limits import check_machine
from agent.state import State
from agent.task import Settings
from agent.tiers.interface import Tier
from sandboxes.backend import Backend
from sandboxes.choose import choose_backend
from sandboxes.environments import Environment
from sandboxes.interface import REPO, WORK, RunRequest, Sandbox, SandboxError
from tools.base import Base
from tools.files import FileEdit
from tools.inside_files import inside_files
from tools.protected import Protection
from tools.recipes import Recipe
from tools.repair.localise import Localisation, Traced
from tools.testing import RunLimits, TestRunner
from tools.verdicts import SuiteRun, Verdict, VerdictKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.repairing import Searching

LOCALISATION: TypeAdapter[Localisation] = TypeAdapter(Localisation)
LEAST_SECONDS = 0.1
PER_TEST_SECONDS = 30.0
"""Bound of one test; a buggy loop may hang for ever."""

COLLECT_SECONDS = 60.0
COLLECT_SHARE = 0.8
"""Of a run's time, what one file may take to collect: enough is left to say which file it was."""

UNPACK_SECONDS = 60.0


@dataclass(frozen=True)
class Final:
    """A final verification: the targets alone, then the whole suite, and the digest of its verdict key.
    flaky: of the tests that seem to have regressed in it, those that are flaky (`bystanders`).
    beside: ids of the runs whose patches were in place as well. without: looks at the targets on the base
    (`doubt.looked_without`)."""

    alone: SuiteRun
    suite: SuiteRun
    key: str
    flaky: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    without: ReproductionDone | None = None

    def by_chance(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those of them that pass without the edits, too, sometimes."""
        seen = self.without
        passes = dict(zip(seen.targets, seen.passes, strict=True)) if seen else {}
        return tuple(target for target in targets if passes.get(target))


@dataclass(frozen=True)
class Refusal:
    """Why a candidate cannot be delivered with those of other tasks, without a run."""

    reason: str


@dataclass
class World:
    """Handles that live outside the trace. `say` shows progress; `store`/`load` are the trace's blobs;
    `finish_by` (monotonic seconds) is when the time reserved for the step under way ends."""

    settings: Settings
    tiers: dict[str, Tier]
    say: Callable[[str], None]
    store: Callable[[bytes], str]
    load: Callable[[str], bytes]
    trace_folder: Path
    holds_secret: Callable[[bytes], bool]
    finish_by: float = math.inf
    base: Base | None = None
    environment: Environment | None = None
    sandbox: Sandbox | None = None
    pristine: str = ""
    searching: Searching | None = None
    protection: Protection | None = None
    backend: Backend | None = None
    environment_from: Callable[[Backend], Environment] | None = None
    """How the environment is found, where not as the settings say."""

    traced: Traced | None = None
    """What tests of the base execute, where it is known already."""

    final: Final | Refusal | None = None
    """The final verification of the candidate in hand, where others have run it together with theirs."""

    flaky: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Tests beside the targets that were seen to fail at random: how often on the base, of how many looks."""

    search_without: frozenset[str] = frozenset()
    """Parts of the repair tier's search that are left out, to measure what they are worth."""

    @property
    def left(self) -> float:
        """Seconds left of what was reserved for the step under way; never quite nothing, so that a limit
        made of it is a limit."""
        return max(LEAST_SECONDS, self.finish_by - time.monotonic())

    def look(self) -> tuple[TierSeen, ...]:
        """What is new of the tiers' load."""
        looks = ((name, tier.look()) for name, tier in self.tiers.items())
        return tuple(TierSeen(tier=name, signals=seen) for name, seen in looks if seen is not None)

    def take_base(self) -> Base:
        """The base, taken once. Raises UsageError."""
        if self.base is None:
            self.base = fitting_base(
                Path(self.settings.repository), self.settings.sandbox.limits, leave_out=(self.trace_folder,)
            )
        return self.base

    @cached_property
    def recipe(self) -> Recipe | None:
        """How the tests are run; None for pytest and for a command. Raises UsageError."""
        return recipe_of(self.settings, self.take_base())

    def base_of(self, state: State) -> Base:
        """The base of this run; after a resume it must still be the recorded one. Raises UsageError."""
        base = self.take_base()
        if state.intake is not None and base.tree_hash != state.intake.tree_hash:
            raise UsageError(
                f"{base.root} has changed since the trace was begun (tree {base.tree_hash[:12]}, "
                f"recorded {state.intake.tree_hash[:12]}); start a new run"
            )
        return base

    def choose(self, state: State) -> Backend:
        """What sandboxes run in, found once: the recorded one after a resume. Raises EngineMissing, and
        UsageError for limits that its machine cannot give."""
        if self.backend is None:
            asked = self.settings.sandbox
            wanted = state.environment.backend if state.environment else asked.backend
            self.backend = choose_backend(wanted, runtime=asked.runtime)
            self.say(f"sandbox: {self.backend.description}")
            check_machine(asked.limits, self.backend.machine())
        return self.backend

    def new_sandbox(self, base: Base, environment: Environment) -> Sandbox:
        """A started sandbox with the base in `/workspace/repo` and our own code inside."""
        assert self.backend is not None
        sandbox = self.backend.sandbox(
            environment.image, self.settings.sandbox.limits, python=environment.python
        )
        sandbox.start()
        try:
            if sandbox.image_digest != environment.digest:
                raise SandboxError(f"the image {environment.image} was replaced meanwhile; run again")
            sandbox.install_inside(inside_files())
            if environment.generated:
                unpack_generated(sandbox, environment.generated)
            with room_in_the_sandbox():
                sandbox.put_tar(REPO, base.tar())  # the base has the last word
        except BaseException:
            sandbox.stop()
            raise
        return sandbox

    def enter(self, base: Base, environment: Environment) -> None:
        """Start the sandbox that steps work in, and keep its work area as it is now."""
        self.environment, self.searching = environment, None
        self.sandbox = self.new_sandbox(base, environment)
        with room_in_the_sandbox():
            self.pristine = self.sandbox.checkpoint(WORK)

    def runner(self, sandbox: Sandbox) -> TestRunner:
        """What runs the tests of this repository."""
        return runner_in(sandbox, self.settings, self.recipe)

    def run_tests(
        self, sandbox: Sandbox, ids: tuple[str, ...] | None, limits: RunLimits, doing: str = "tests"
    ) -> SuiteRun:
        """Run these tests (None: all) within the limits, showing progress."""

        def progress(verdict: Verdict, done: int, total: int) -> None:
            del verdict
            self.say(f"{doing}: {done} of {total}" if total else f"{doing}: {done}")

        self.say(doing)  # a slow first test, or a runner that reports at its end, is long in coming
        return self.runner(sandbox).run(ids, limits, progress)

    def run_limits(self, seconds: float) -> RunLimits:
        """Bounds of a test run that may take `seconds` in all."""
        return RunLimits(
            seconds=seconds,
            per_test_seconds=min(PER_TEST_SECONDS, seconds),
            memory_bytes=self.memory_bytes,
            collect_seconds=min(COLLECT_SECONDS, COLLECT_SHARE * seconds),
        )

    def verdict_key(self, tree: str, ids: tuple[str, ...] | None, limits: RunLimits) -> str:
        """Digest of what a cold run's verdicts depend on (hard rule 5)."""
        assert self.sandbox is not None and self.environment is not None
        asked = self.settings.sandbox
        sandbox_limits = ((f"sandbox_{name}", bound) for name, bound in asdict(asked.limits).items())
        return VerdictKey(
            tree=tree,
            ids=ids,
            command=self.runner(self.sandbox).command,
            image=self.sandbox.image_digest,
            interpreter=self.sandbox.python,
            limits=(*limits.key, *sandbox_limits),
            backend=f"{self.environment.backend} {asked.runtime}".strip(),
            mode="cold",
        ).digest

    @property
    def memory_bytes(self) -> int:
        """Bound of one test process."""
        return int(self.settings.sandbox.limits.memory_bytes * MEMORY_SHARE)

    @contextmanager
    def edited(self, sandbox: Sandbox, edits: tuple[FileEdit, ...]) -> Iterator[None]:
        """The work area with a candidate in it, put back afterwards whatever the tests left behind."""
        try:
            write_edits(sandbox, edits)
            yield
        finally:
            if sandbox.alive():
                with room_in_the_sandbox():
                    sandbox.restore(self.pristine)

    def close(self) -> None:
        """Stop the sandbox. Safe to call more than once."""
        if self.sandbox is not None:
            self.sandbox.stop()
            self.sandbox = None
        if self.backend is not None:
            self.backend.close()
            self.backend = None
        for tier in self.tiers.values():
            tier.close()


@contextmanager
def room_in_the_sandbox() -> Iterator[None]:
    """What does not fit into the sandbox is a matter of its limits, not of the repository's tests."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"the repository does not fit into the sandbox ({error}); raise sandbox-memory and sandbox-disk"
        ) from error


def unpack_generated(sandbox: Sandbox, archive: str) -> None:
    """Put what installing wrote into the repository back, inside: it comes from the repository's own code."""
    with_python = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])"
    request = RunRequest((sandbox.python, "-I", "-c", with_python, archive, REPO), timeout=UNPACK_SECONDS)
    result = sandbox.run(request)
    if result.exit_code != 0:
        said = result.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SandboxError(
            f"the files that installing made cannot be unpacked: {(said or ['no reason'])[-1]}"
        )


def write_edits(sandbox: Sandbox, edits: tuple[FileEdit, ...]) -> None:
    """Put whole-file edits into the work area."""
    for edit in edits:
        if edit.content is None:
            sandbox.remove(f"{REPO}/{edit.path}")
        else:
            sandbox.write(f"{REPO}/{edit.path}", edit.content)
